#include "cli/installation.h"

#include <cstdlib>
#include <system_error>

#include "core/io/program_file.h"

namespace sizeup::cli {
namespace {

bool holds_definitions(const std::filesystem::path& folder) {
  std::error_code ignored;
  return std::filesystem::is_directory(folder / "tasks" / "definitions", ignored);
}

}  // namespace

Result<std::filesystem::path> installation_folder() {
  if (const char* home = std::getenv("SIZEUP_HOME"); home != nullptr && *home != '\0') {
    if (holds_definitions(home)) return std::filesystem::path(home);
    return unavailable(home, "SIZEUP_HOME does not hold tasks/definitions",
                       "unset it, or point it at the source tree");
  }
  const std::filesystem::path program = program_file();
  for (std::filesystem::path folder = program.parent_path(); !folder.empty(); folder = folder.parent_path()) {
    if (holds_definitions(folder)) return folder;
    if (folder == folder.parent_path()) break;
  }
  return unavailable(program.string(), "no folder above the program holds tasks/definitions",
                     "set SIZEUP_HOME to the source tree");
}

}  // namespace sizeup::cli
