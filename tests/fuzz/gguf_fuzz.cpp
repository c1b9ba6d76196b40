// Any bytes as a GGUF file: an error or tensors whose data can be read.
#include <cstdint>
#include <vector>

#include "backends/engine/formats/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto content = sizeup::parse_gguf({reinterpret_cast<const std::byte*>(data), size}, "fuzz.gguf");
  if (!content) return 0;
  for (const sizeup::Tensor& tensor : content->tensors) {
    std::vector<float> row(static_cast<size_t>(tensor.columns()));
    for (int64_t r = 0; r < tensor.rows(); ++r) sizeup::dequantise_row(tensor, r, row);
  }
  return 0;
}
