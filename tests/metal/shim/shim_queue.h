// A queue that runs Metal kernels on the host, thread by thread.
#pragma once

#include <memory>

#include "backends/metal/queue.h"
#include "tests/metal/shim/kernel_table.h"
#include "tests/metal/shim/threads.h"

namespace sizeup::metal_shim {

struct ShimOptions {
  Order order = Order::ascending;  // of threads and of groups
  int64_t memory_bytes = int64_t{1} << 32;
  bool matrices = true;  // that a simdgroup holds; false: using one is an error
};

// finish() throws KernelError where a GPU would do something undefined. The table outlives the queue.
std::unique_ptr<metal::Queue> make_shim_queue(const KernelTable& table, const ShimOptions& options = {});

}  // namespace sizeup::metal_shim
