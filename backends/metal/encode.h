// Commands with typed parameters.
#pragma once

#include <initializer_list>
#include <type_traits>

#include "backends/metal/queue.h"

namespace sizeup::metal {

struct KernelChoice {
  std::string_view name;
  std::initializer_list<FunctionConstant> constants = {};
};

// Threads of a group and how many groups there are.
struct Launch {
  Grid groups;
  int threads = 0;
};

// Nothing is encoded for a grid without groups.
template <class Parameters>
void encode(Queue& queue, const KernelChoice& kernel, std::initializer_list<Binding> buffers,
            const Parameters& parameters, const Launch& launch) {
  static_assert(std::is_trivially_copyable_v<Parameters>);
  if (launch.groups.x == 0 || launch.groups.y == 0 || launch.groups.z == 0) return;
  queue.encode({.kernel = kernel.name,
                .constants = kernel.constants,
                .buffers = buffers,
                .parameters = std::as_bytes(std::span(&parameters, 1)),
                .groups = launch.groups,
                .threads = launch.threads});
}

inline int groups_for(int count, int threads) {
  return (count + threads - 1) / threads;
}

}  // namespace sizeup::metal
