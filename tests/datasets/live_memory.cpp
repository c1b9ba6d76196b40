#include "tests/datasets/live_memory.h"

#if defined(__APPLE__)
#include <malloc/malloc.h>
#else
#include <malloc.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <new>

namespace sizeup {
namespace {

// Tests that ask have one thread.
size_t live = 0;
size_t most = 0;

size_t size_of(void* memory) {
#if defined(__APPLE__)
  return malloc_size(memory);
#else
  return malloc_usable_size(memory);
#endif
}

}  // namespace

size_t live_bytes() {
  return live;
}
size_t most_live_bytes() {
  return most;
}
void reset_most_live_bytes() {
  most = live;
}

}  // namespace sizeup

void* operator new(size_t size, const std::nothrow_t&) noexcept {
  void* memory = std::malloc(size);
  if (memory == nullptr) return nullptr;
  sizeup::live += sizeup::size_of(memory);
  sizeup::most = std::max(sizeup::most, sizeup::live);
  return memory;
}

void* operator new(size_t size) {
  void* memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  sizeup::live -= sizeup::size_of(memory);
  std::free(memory);
}

void operator delete(void* memory, size_t) noexcept {
  operator delete(memory);
}
