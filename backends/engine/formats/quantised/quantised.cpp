#include "backends/engine/formats/quantised/quantised.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>

#include "backends/engine/formats/quantised/stored_tensors.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

struct Method {
  std::string_view name;
  Result<void> (*read)(const Json& settings, StoredTensors& tensors);
};

constexpr std::array kMethods{
    Method{"fp8", read_fp8},    Method{"fbgemm_fp8", read_fp8}, Method{"compressed-tensors", read_compressed},
    Method{"gptq", read_gptq},  Method{"awq", read_awq},        Method{"bitsandbytes", read_bitsandbytes},
    Method{"mxfp4", read_mxfp4}};

}  // namespace

Result<ComputedTensors> read_quantised(const Json& quantisation, std::vector<StoredTensor> stored,
                                       const std::string& place) {
  const Json name = quantisation.is_object() ? quantisation.value("quant_method", Json()) : Json();
  if (!name.is_string()) {
    return bad_input(place, "'quantization_config' names no quant_method",
                     "an object with the method's name and its settings");
  }
  std::vector<std::string_view> known;
  for (const Method& method : kMethods) {
    known.push_back(method.name);
    if (name != method.name) continue;
    StoredTensors tensors(std::move(stored), place);
    if (auto read = method.read(quantisation, tensors); !read) return forward_error(read);
    return std::move(tensors).finish();
  }
  return bad_input(
      place, fmt::format("quantisation '{}' is not supported yet", shown_name(name.get<std::string>())),
      fmt::format("one of: {}", fmt::join(known, ", ")), "a GGUF file or the unquantised model can be used");
}

}  // namespace sizeup
