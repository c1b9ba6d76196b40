#include "backends/cuda/plugin.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>

#include "backends/cuda/plugin_interface.h"
#include "core/io/program_file.h"

namespace sizeup {
namespace cuda {
namespace {

constexpr const char* kPluginFile = "libsizeup_cuda.so";

// The folder SIZEUP_PLUGINS if it is set, else the program's own.
std::filesystem::path plugin_folder() {
  if (const char* folder = std::getenv("SIZEUP_PLUGINS")) return folder;
  return program_file().parent_path();
}

// The plug-in is looked for once: it stays loaded, since what it made may live as long as the program.
const Result<const PluginTable*>& plugin() {
  static const Result<const PluginTable*> loaded = load_plugin(plugin_folder() / kPluginFile);
  return loaded;
}

}  // namespace

Result<const PluginTable*> load_plugin(const std::filesystem::path& file) {
  std::error_code failed;
  if (!std::filesystem::exists(file, failed)) {
    return unavailable("cuda", fmt::format("there is no CUDA plug-in ({})", file.string()),
                       "build with the CUDA toolkit: -DSIZEUP_CUDA=ON");
  }
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return unavailable("cuda", fmt::format("the CUDA plug-in cannot be loaded: {}", dlerror()));
  }
  const auto entry = reinterpret_cast<PluginEntry>(dlsym(library, kPluginSymbol));
  const PluginTable* table = entry == nullptr ? nullptr : entry();
  if (table == nullptr || table->identity != plugin_identity()) {
    dlclose(library);
    return unavailable("cuda", fmt::format("the CUDA plug-in is of another build ({})", file.string()),
                       "build the program and the plug-in together");
  }
  return table;
}

}  // namespace cuda

std::optional<std::string> why_no_cuda_device() {
  const auto& plugin = cuda::plugin();
  if (!plugin) return plugin.error().message;
  return (*plugin)->why_unavailable();
}

Result<std::unique_ptr<Device>> make_cuda_device(const DecoderModel& model, const DeviceOptions& options) {
  const auto& plugin = cuda::plugin();
  if (!plugin) return tl::unexpected<Error>(plugin.error());
  return (*plugin)->make_device(model, options);
}

MachineLimits measure_cuda_limits(std::span<const int>) {
  const auto& plugin = cuda::plugin();
  if (!plugin || (*plugin)->why_unavailable()) return {};
  return (*plugin)->measure_limits();
}

}  // namespace sizeup
