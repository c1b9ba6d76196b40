// Compressed files for tests.
#pragma once

#include <string>
#include <string_view>

namespace sizeup {

std::string gzip(std::string_view content);
std::string zstd(std::string_view content);  // with a checksum

}  // namespace sizeup
