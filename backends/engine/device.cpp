#include "backends/engine/device.h"

#include <algorithm>

namespace sizeup {

int state_pages(const DeviceTraits& traits) {
  return static_cast<int>((traits.state_bytes + traits.page_bytes - 1) /
                          std::max<int64_t>(1, traits.page_bytes));
}

std::string_view precision_name(Precision precision) {
  switch (precision) {
    case Precision::float32:
      return "float32";
    case Precision::bfloat16:
      return "bfloat16";
  }
  throw InternalError("a precision has a name");
}

}  // namespace sizeup
