#include "backends/cpu/product.h"

namespace sizeup::cpu {

size_t weight_bytes(WeightFormat format) {
  return format == WeightFormat::float32 ? 4 : 2;
}

}  // namespace sizeup::cpu
