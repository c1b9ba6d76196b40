// Where the program's own data lies: task definitions, bundled test sets and models.
#pragma once

#include <filesystem>

#include "core/errors/result.h"

namespace sizeup::cli {

// The folder that holds tasks/definitions: SIZEUP_HOME if set, else the nearest folder above the program.
Result<std::filesystem::path> installation_folder();

}  // namespace sizeup::cli
