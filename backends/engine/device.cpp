#include "backends/engine/device.h"

namespace sizeup {

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
