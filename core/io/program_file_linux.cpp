#include <system_error>

#include "core/io/program_file.h"

namespace sizeup {

std::filesystem::path program_file() {
  std::error_code failed;
  return std::filesystem::read_symlink("/proc/self/exe", failed);
}

}  // namespace sizeup
