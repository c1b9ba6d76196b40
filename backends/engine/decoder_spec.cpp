#include "backends/engine/decoder_spec.h"

#include <cmath>

#include "backends/engine/decoder_extension.h"

namespace sizeup {

float AttentionSpec::score_scale() const {
  return scale != 0.0F ? scale : 1.0F / std::sqrt(static_cast<float>(head_size));
}

// Where the extension's type is known.
DecoderTensors::DecoderTensors() = default;
DecoderTensors::DecoderTensors(DecoderTensors&&) noexcept = default;
DecoderTensors& DecoderTensors::operator=(DecoderTensors&&) noexcept = default;
DecoderTensors::~DecoderTensors() = default;

}  // namespace sizeup
