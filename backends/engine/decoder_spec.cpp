#include "backends/engine/decoder_spec.h"

#include <cmath>

namespace sizeup {

float AttentionSpec::score_scale() const {
  return scale != 0.0F ? scale : 1.0F / std::sqrt(static_cast<float>(head_size));
}

}  // namespace sizeup
