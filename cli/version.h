// The program's version, from CMake's project().
#pragma once

namespace sizeup::cli {
inline constexpr const char* kVersion = SIZEUP_VERSION;
}
