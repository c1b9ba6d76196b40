#include "tests/support/files.h"

namespace sizeup {

std::filesystem::path source_path(const std::string& name) {
  return std::filesystem::path(SIZEUP_SOURCE_DIR) / name;
}

}  // namespace sizeup
