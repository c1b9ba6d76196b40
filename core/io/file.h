// Whole files: read, write so that a crash never leaves half a file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/errors/result.h"

namespace sizeup {

// The whole file; bad_input if it cannot be opened, is a directory or exceeds `limit` bytes.
Result<std::string> read_file(const std::filesystem::path& path, size_t limit = size_t{1} << 30);

// Writes to a temporary file in the same directory, then renames it over `path`.
Result<void> write_file(const std::filesystem::path& path, std::string_view content);

}  // namespace sizeup
