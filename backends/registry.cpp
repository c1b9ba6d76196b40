#include "backends/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <vector>

#include "backends/cpu/cpu_device.h"
#include "backends/cpu/machine_limits.h"
#include "backends/cpu/tier.h"
#include "backends/cuda/plugin.h"
#include "backends/engine/engine_backend.h"
#include "backends/metal/apple_queue.h"
#include "backends/openai/openai_backend.h"
#include "backends/reference/reference_device.h"
#include "backends/router/router_backend.h"

namespace sizeup {
namespace {

Result<std::unique_ptr<Backend>> open_on_reference_device(const ModelReference& reference) {
  return open_engine(reference, make_reference_device);
}

Result<std::unique_ptr<Backend>> open_on_cuda_device(const ModelReference& reference) {
  return open_engine(reference, make_cuda_device);
}

#if defined(SIZEUP_METAL)
Result<std::unique_ptr<Backend>> open_on_metal_device(const ModelReference& reference) {
  return open_engine(reference, make_metal_device);
}
#endif

Result<std::unique_ptr<Backend>> open_on_cpu_device(const ModelReference& reference) {
  return open_engine(reference, make_cpu_device);
}

std::optional<std::string> always_available() {
  return std::nullopt;
}

// The first that this machine can use is the default. (The condition within would move the rows behind it.)
// clang-format off
constexpr std::array kBackends{
    BackendEntry{.scheme = "file",
                 .device = "cuda",
                 .description = "built-in inference on an NVIDIA GPU",
                 .example = "small=./model.gguf?device=cuda",
                 .open = open_on_cuda_device,
                 .make_device = make_cuda_device,
                 .why_unavailable = why_no_cuda_device,
                 .measure_limits = measure_cuda_limits},
#if defined(SIZEUP_METAL)
    BackendEntry{.scheme = "file",
                 .device = "metal",
                 .description = "built-in inference on a Mac's GPU",
                 .example = "small=./model.gguf?device=metal",
                 .open = open_on_metal_device,
                 .make_device = make_metal_device,
                 .why_unavailable = why_no_metal_device,
                 .measure_limits = measure_metal_limits},
#endif
    BackendEntry{.scheme = "file",
                 .device = "cpu",
                 .description = "built-in inference with the processor's vector and matrix instructions",
                 .example = "small=./model.gguf?device=cpu",
                 .open = open_on_cpu_device,
                 .make_device = make_cpu_device,
                 .why_unavailable = why_no_cpu_tier,
                 .measure_limits = measure_machine_limits},
    BackendEntry{
        .scheme = "file",
        .device = "reference",
        .description = "built-in inference in plain float32 on any processor; the oracle for other devices",
        .example = "small=./model.gguf?device=reference",
        .open = open_on_reference_device,
        .make_device = make_reference_device,
        .why_unavailable = always_available,
        .measure_limits = measure_machine_limits},
    BackendEntry{.scheme = "openai",
                 .device = "",
                 .description = "an OpenAI-compatible server",
                 .example = "large=openai:NAME?base_url=http://127.0.0.1:8000/v1",
                 .open = open_endpoint,
                 .make_device = nullptr,
                 .why_unavailable = always_available,
                 .measure_limits = nullptr},
    BackendEntry{.scheme = "router",
                 .device = "",
                 .description = "a small model, and a large one for what a policy of `sizeup route` sends on",
                 .example = "hybrid=router:policy.json",
                 .open = open_router,
                 .make_device = nullptr,
                 .why_unavailable = always_available,
                 .measure_limits = nullptr},
};
// clang-format on

// The schemes, or the devices of one scheme.
std::string known_backends(std::string_view scheme) {
  std::vector<std::string_view> names;
  for (const BackendEntry& entry : kBackends) {
    if (scheme.empty()) names.push_back(entry.scheme);
    if (scheme == entry.scheme) names.push_back(entry.device);
  }
  return fmt::format("available: {}", fmt::join(names, ", "));
}

}  // namespace

std::span<const BackendEntry> backend_table() {
  return kBackends;
}

Result<const BackendEntry*> find_backend(const ModelReference& reference) {
  const auto option = reference.options.find("device");
  std::string device = option == reference.options.end() ? std::string() : option->second;
  if (device.empty() && reference.options.contains("cpu_tier")) device = "cpu";
  bool known_scheme = false;
  for (const BackendEntry& entry : kBackends) {
    if (entry.scheme != reference.scheme) continue;
    known_scheme = true;
    if (device.empty() ? !entry.why_unavailable() : entry.device == device) return &entry;
  }
  if (!known_scheme) {
    return usage_error(
        fmt::format("model '{}': no backend for '{}:' in this build", reference.text, reference.scheme),
        known_backends(""));
  }
  return usage_error(fmt::format("model '{}': unknown device '{}'", reference.text, device),
                     known_backends(reference.scheme));
}

Result<std::unique_ptr<Backend>> open_backend(const ModelReference& reference) {
  auto entry = find_backend(reference);
  if (!entry) return forward_error(entry);
  return (*entry)->open(reference);
}

}  // namespace sizeup
