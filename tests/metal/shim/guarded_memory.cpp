#include "tests/metal/shim/guarded_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace sizeup::metal_shim {
namespace {

constexpr size_t kAlignment = 16;  // of what kernels read at once, and of ours the least

bool is_untouched(std::span<const std::byte> bytes) {
  return bytes.empty() || (bytes.front() == std::byte{0xFF} &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

size_t up_to(size_t bytes, size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

GuardedMemory::GuardedMemory(size_t bytes) : size_(bytes) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  inner_ = std::max(page, up_to(bytes, page));
  void* all = mmap(nullptr, inner_ + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) throw std::bad_alloc();
  mapping_ = static_cast<std::byte*>(all);
  std::byte* inner = mapping_ + page;
  if (mprotect(inner, inner_, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  std::memset(inner, 0xFF, inner_);
  data_ = inner + inner_ - up_to(bytes, kAlignment);
}

GuardedMemory::~GuardedMemory() {
  munmap(mapping_, inner_ + 2 * static_cast<size_t>(sysconf(_SC_PAGESIZE)));
}

bool GuardedMemory::margins_are_whole() const {
  const std::byte* inner = mapping_ + sysconf(_SC_PAGESIZE);
  return is_untouched({inner, data_}) && is_untouched({data_ + size_, inner + inner_});
}

}  // namespace sizeup::metal_shim
