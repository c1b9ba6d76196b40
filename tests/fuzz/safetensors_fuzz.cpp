// Any bytes as a safetensors file, plain and of each quantised kind: an error or tensors whose data can be
// read.
#include <cstdint>
#include <utility>
#include <vector>

#include "backends/engine/formats/quantised/quantised.h"
#include "backends/engine/formats/safetensors.h"
#include "core/json/json.h"

namespace {

void read_rows(const std::vector<sizeup::Tensor>& tensors) {
  for (const sizeup::Tensor& tensor : tensors) {
    if (tensor.data.empty()) continue;  // a shape with a zero may have any other size
    std::vector<float> row(static_cast<size_t>(tensor.columns()));
    for (int64_t r = 0; r < tensor.rows(); ++r) sizeup::dequantise_row(tensor, r, row);
  }
}

const std::vector<sizeup::Json> kQuantised = {
    {{"quant_method", "fp8"}, {"weight_block_size", {2, 3}}},
    {{"quant_method", "gptq"}, {"bits", 4}, {"group_size", 8}},
    {{"quant_method", "gptq"}, {"bits", 8}, {"group_size", -1}},
    {{"quant_method", "awq"}, {"group_size", 4}},
    {{"quant_method", "bitsandbytes"}},
    {{"quant_method", "mxfp4"}},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto stored =
      sizeup::parse_safetensors({reinterpret_cast<const std::byte*>(data), size}, "fuzz.safetensors");
  if (!stored) return 0;
  if (const auto plain = sizeup::plain_tensors(*stored, "fuzz.safetensors")) read_rows(*plain);
  for (const sizeup::Json& settings : kQuantised) {
    if (const auto read = sizeup::read_quantised(settings, *stored, "fuzz.safetensors"))
      read_rows(read->tensors);
  }
  return 0;
}
