// Where the running program lies.
#pragma once

#include <filesystem>

namespace sizeup {

// Its file, symbolic links followed; empty where the system does not say.
std::filesystem::path program_file();

}  // namespace sizeup
