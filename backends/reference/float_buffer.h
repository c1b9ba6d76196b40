// Floats on cache-line boundaries: vectors of the product kernels never straddle two lines.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

namespace sizeup {

class FloatBuffer {
 public:
  FloatBuffer() = default;
  // All zero.
  explicit FloatBuffer(size_t size) : values_(allocate(size)), size_(size) {
    std::fill_n(values_.get(), size, 0.0F);
  }

  float* data() { return values_.get(); }
  const float* data() const { return values_.get(); }
  size_t size() const { return size_; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(float* values) const { ::operator delete[](values, kAlignment); }
  };
  static float* allocate(size_t size) {
    return static_cast<float*>(::operator new[](size * sizeof(float), kAlignment));
  }

  std::unique_ptr<float[], Free> values_;
  size_t size_ = 0;
};

}  // namespace sizeup
