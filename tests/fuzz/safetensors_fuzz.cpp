// Any bytes as a safetensors file: an error or tensors whose data can be read.
#include <cstdint>
#include <vector>

#include "backends/engine/formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto tensors =
      sizeup::parse_safetensors({reinterpret_cast<const std::byte*>(data), size}, "fuzz.safetensors");
  if (!tensors) return 0;
  for (const sizeup::Tensor& tensor : *tensors) {
    if (tensor.data.empty()) continue;  // a shape with a zero may have any other size
    std::vector<float> row(static_cast<size_t>(tensor.columns()));
    for (int64_t r = 0; r < tensor.rows(); ++r) sizeup::dequantise_row(tensor, r, row);
  }
  return 0;
}
