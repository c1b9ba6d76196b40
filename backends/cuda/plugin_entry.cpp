// The plug-in's side of plugin_interface.h.
#include "backends/cuda/cuda_device.h"
#include "backends/cuda/gpu_limits.h"
#include "backends/cuda/plugin_interface.h"

extern "C" [[gnu::visibility("default")]] const sizeup::cuda::PluginTable* sizeup_cuda_plugin() {
  static const sizeup::cuda::PluginTable table{.identity = sizeup::cuda::plugin_identity(),
                                               .why_unavailable = sizeup::cuda::why_unavailable,
                                               .make_device = sizeup::cuda::make_device,
                                               .measure_limits = sizeup::cuda::measure_limits};
  return &table;
}
