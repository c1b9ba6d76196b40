#include "backends/cuda/growing_memory.h"

#include <cuda.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>

#include "backends/cuda/check.h"
#include "core/errors/result.h"

namespace sizeup::cuda {

// The driver's functions for it, which the runtime does not offer; the driver is loaded by then.
struct MemoryDriver {
  decltype(&cuMemAddressReserve) reserve = nullptr;
  decltype(&cuMemAddressFree) free_addresses = nullptr;
  decltype(&cuMemCreate) create = nullptr;
  decltype(&cuMemRelease) release = nullptr;
  decltype(&cuMemMap) map = nullptr;
  decltype(&cuMemUnmap) unmap = nullptr;
  decltype(&cuMemSetAccess) set_access = nullptr;
};

namespace {

// A multiple of every granularity; growing is rare and its unit costs little beside gigabytes of pages.
constexpr size_t kUnit = size_t{64} << 20;

size_t whole_units(size_t bytes) {
  return (bytes + kUnit - 1) / kUnit * kUnit;
}

template <class Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  require(function != nullptr, "the driver has the functions of virtual memory");
}

const MemoryDriver& driver() {
  static const MemoryDriver functions = [] {
    void* library = dlopen("libcuda.so.1", RTLD_NOW);
    require(library != nullptr, "the driver that the runtime uses can be opened");
    MemoryDriver found;
    find(library, "cuMemAddressReserve", found.reserve);
    find(library, "cuMemAddressFree", found.free_addresses);
    find(library, "cuMemCreate", found.create);
    find(library, "cuMemRelease", found.release);
    find(library, "cuMemMap", found.map);
    find(library, "cuMemUnmap", found.unmap);
    find(library, "cuMemSetAccess", found.set_access);
    return found;
  }();
  return functions;
}

void check_driver(CUresult status, const char* call) {
  if (status != CUDA_SUCCESS)
    throw InternalError(fmt::format("{} failed: CUDA driver error {}", call, int{status}));
}

}  // namespace

GrowingMemory::GrowingMemory(size_t most) : reserved_(whole_units(std::max<size_t>(most, 1))) {
  check(cudaFree(nullptr));  // makes the runtime's context current
  CUdeviceptr address = 0;
  check_driver(driver().reserve(&address, reserved_, kUnit, 0, 0), "cuMemAddressReserve");
  address_ = address;
}

GrowingMemory::~GrowingMemory() {
  if (backed_ > 0) driver().unmap(address_, backed_);
  for (const Part& part : parts_) driver().release(part.handle);
  driver().free_addresses(address_, reserved_);
}

void GrowingMemory::require_bytes(size_t bytes, cudaStream_t stream) {
  if (bytes <= backed_) return;
  const size_t more = whole_units(bytes) - backed_;
  require(backed_ + more <= reserved_, "there are addresses for all pages");
  int device = 0;
  check(cudaGetDevice(&device));
  CUmemAllocationProp kind = {};
  kind.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  kind.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  kind.location.id = device;
  CUmemGenericAllocationHandle handle = 0;
  check_driver(driver().create(&handle, more, &kind, 0), "cuMemCreate");
  parts_.push_back({.handle = handle, .bytes = more});
  check_driver(driver().map(address_ + backed_, more, 0, handle, 0), "cuMemMap");
  CUmemAccessDesc access = {};
  access.location = kind.location;
  access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
  check_driver(driver().set_access(address_ + backed_, more, &access, 1), "cuMemSetAccess");
  check(cudaMemsetAsync(data() + backed_, 0, more, stream));
  backed_ += more;
}

}  // namespace sizeup::cuda
