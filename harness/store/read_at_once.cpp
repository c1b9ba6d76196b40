#include "harness/store/read_at_once.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <future>
#include <system_error>

#include "core/threads/thread_pool.h"

namespace sizeup {
namespace {

// Reads are taken in turn until there are no more.
class ReadQueue {
 public:
  explicit ReadQueue(const std::vector<StoreRead>& reads) : reads_(reads), results_(reads.size()) {}

  void work(const Store& store) {
    for (size_t i = next_++; i < reads_.size(); i = next_++) results_[i] = reads_[i](store);
  }

  Result<void> first_failure() const {
    const auto failed = std::find_if(results_.begin(), results_.end(),
                                     [](const Result<void>& result) { return !result.has_value(); });
    return failed == results_.end() ? Result<void>() : *failed;
  }

 private:
  const std::vector<StoreRead>& reads_;
  std::vector<Result<void>> results_;
  std::atomic<size_t> next_{0};
};

}  // namespace

Result<void> read_at_once(const Store& store, const std::vector<StoreRead>& reads) {
  ReadQueue queue(reads);
  const size_t threads = std::min(reads.size(), static_cast<size_t>(ThreadPool::available_processors()));
  std::vector<std::future<void>> helpers;
  const auto help = [&] {
    // A thread without a connection leaves its reads to the others.
    const Result<Store> own = Store::open(store.file(), StoreAccess::read);
    if (own) queue.work(*own);
  };
  try {
    while (helpers.size() + 1 < threads) helpers.push_back(std::async(std::launch::async, help));
  } catch (const std::system_error&) {  // no more threads: those there are do it all
  }
  queue.work(store);
  for (std::future<void>& helper : helpers) helper.get();
  return queue.first_failure();
}

}  // namespace sizeup
