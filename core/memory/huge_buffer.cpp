#include "core/memory/huge_buffer.h"

#include <sys/mman.h>

#include <new>

namespace sizeup {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

size_t mapped_size(size_t size) {
  return (size + kHugePage - 1) / kHugePage * kHugePage + kHugePage;
}

}  // namespace

HugeBuffer::HugeBuffer(size_t size) : size_(size) {
  if (size == 0) return;
  void* mapped = mmap(nullptr, mapped_size(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  madvise(mapped, mapped_size(size), MADV_HUGEPAGE);
  data_ = static_cast<std::byte*>(mapped);
}

HugeBuffer::~HugeBuffer() {
  if (data_ != nullptr) munmap(data_, mapped_size(size_));
}

}  // namespace sizeup
