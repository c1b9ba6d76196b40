#include "core/memory/huge_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <limits>
#include <new>

namespace sizeup {
namespace {

size_t round_up(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

std::byte* map(size_t bytes) {
  // MAP_NORESERVE isn't asked for: where the system counts promises, a refusal now is better than a kill
  // later.
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(memory);
}

// Maps a huge page more than needed and gives back what lies before and behind the aligned part.
std::byte* map_aligned(size_t bytes) {
  std::byte* memory = map(bytes + HugeBuffer::kHugePage);
  const size_t before = -reinterpret_cast<uintptr_t>(memory) % HugeBuffer::kHugePage;
  const size_t behind = HugeBuffer::kHugePage - before;
  if (before > 0) ::munmap(memory, before);
  if (behind > 0) ::munmap(memory + before + bytes, behind);
  return memory + before;
}

}  // namespace

HugeBuffer::HugeBuffer(size_t bytes) {
  if (bytes == 0) return;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  if (bytes > std::numeric_limits<size_t>::max() - kHugePage - page) throw std::bad_alloc();
  const size_t rounded = round_up(bytes, page);
  if (rounded < kHugePage) {
    bytes_ = {map(rounded), rounded};
    return;
  }
  bytes_ = {map_aligned(rounded), rounded};
#if defined(MADV_HUGEPAGE)
  // A wish: where the system has none to give, ordinary pages do.
  ::madvise(bytes_.data(), bytes_.size(), MADV_HUGEPAGE);
#endif
}

HugeBuffer::~HugeBuffer() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

}  // namespace sizeup
