// Metal devices whose kernels run on the host.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "backends/metal/metal_device.h"
#include "tests/metal/kernels.h"
#include "tests/metal/shim/shim_queue.h"

namespace sizeup::metal_shim {

inline Result<std::unique_ptr<Device>> make_device(const DecoderModel& model, const ShimOptions& shim,
                                                   const DeviceOptions& options = {}) {
  return metal::make_device(model, options, make_shim_queue(compiled_kernels(), shim));
}
inline Result<std::unique_ptr<Device>> make_device(const DecoderModel& model, Order order,
                                                   const DeviceOptions& options = {}) {
  return make_device(model, ShimOptions{.order = order}, options);
}

struct NamedOrder {
  std::string_view name;
  Order order;
};
// What barriers leave open, either way.
inline constexpr std::array kOrders{NamedOrder{"ascending", Order::ascending},
                                    NamedOrder{"descending", Order::descending}};

}  // namespace sizeup::metal_shim
