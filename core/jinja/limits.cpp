#include "core/jinja/limits.h"

namespace sizeup::jinja {

void fail(const std::string& message, int line) {
  throw TemplateError(message, line);
}

void fail_not_supported(const std::string& what, int line) {
  throw TemplateError(what + " is not supported yet", line);
}

}  // namespace sizeup::jinja
