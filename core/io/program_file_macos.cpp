#include <mach-o/dyld.h>

#include <string>
#include <system_error>

#include "core/io/program_file.h"

namespace sizeup {

std::filesystem::path program_file() {
  uint32_t size = 0;
  _NSGetExecutablePath(nullptr, &size);  // fails, and says the size
  std::string name(size, '\0');
  if (_NSGetExecutablePath(name.data(), &size) != 0) return {};
  std::error_code failed;
  return std::filesystem::canonical(name.c_str(), failed);
}

}  // namespace sizeup
