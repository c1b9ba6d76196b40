// The device's threads, each with scratch of its own, and the ways in which they share work.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "backends/cpu/lanes.h"
#include "backends/cpu/product.h"
#include "core/memory/huge_buffer.h"
#include "core/threads/thread_pool.h"

namespace sizeup::cpu {

class Workers {
 public:
  explicit Workers(int threads) { set_threads(threads); }

  void set_threads(int threads);
  int size() const { return pool_->size(); }
  ThreadPool& pool() { return *pool_; }

  // At least so many bytes for each thread; their contents are lost.
  void reserve_scratch(size_t bytes);
  std::byte* scratch(int thread) { return scratch_[static_cast<size_t>(thread)].data(); }

  // Layers of the same input, outputs side by side: all their panels, in equal shares. Of several layers the
  // result is stored or added.
  void multiply(const ProductFamily& family, std::span<const PackedLinear> parts, const Operand& in,
                const ProductResult& result);

  // body(first, end) over [0, count) in equal parts, in place where the work is small: `work` values.
  template <class Body>
  void split(size_t count, size_t work, const Body& body) {
    if (work < kSmallRows || size() == 1) {
      if (count > 0) body(size_t{0}, count);
      return;
    }
    pool_->run([&](int thread) {
      const auto threads = static_cast<size_t>(size());
      const size_t first = count * static_cast<size_t>(thread) / threads;
      const size_t end = count * static_cast<size_t>(thread + 1) / threads;
      if (first < end) body(first, end);
    });
  }

  // body(first, end) over the groups of `rows` groups of so many columns.
  template <class Body>
  void each_groups(int groups, int columns, const Body& body) {
    split(static_cast<size_t>(groups), static_cast<size_t>(groups) * kLanes * static_cast<size_t>(columns),
          [&](size_t first, size_t end) { body(static_cast<int>(first), static_cast<int>(end)); });
  }

  // body(task, thread) for tasks of unequal length, taken one by one.
  template <class Body>
  void each_task(size_t count, const Body& body) {
    std::atomic<size_t> next{0};
    const auto work = [&](int thread) {
      for (size_t task = next++; task < count; task = next++) body(task, thread);
    };
    if (count <= 1) {
      work(0);
    } else {
      pool_->run(work);
    }
  }

 private:
  // Below this many values an operation on rows is done in place.
  static constexpr size_t kSmallRows = size_t{1} << 14;

  std::unique_ptr<ThreadPool> pool_;
  std::vector<HugeBuffer> scratch_;  // of each thread
  size_t scratch_bytes_ = 0;
};

}  // namespace sizeup::cpu
