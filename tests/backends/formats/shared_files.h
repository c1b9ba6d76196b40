// Where tests find real models and vocabularies, and a folder of their own to write to.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "core/io/file.h"

namespace sizeup {

inline std::filesystem::path shared_folder() {
  const char* given = std::getenv("SIZEUP_SHARED");
  return given ? std::filesystem::path(given) : std::filesystem::path(SIZEUP_SOURCE_DIR) / ".." / "shared";
}

inline std::filesystem::path golden_folder() {
  return std::filesystem::path(SIZEUP_SOURCE_DIR) / "tests" / "golden";
}

// Throws, which fails the test, if the file cannot be read.
inline std::string read_whole(const std::filesystem::path& path) {
  return read_file(path).value();
}

// Removed with its content at the end of the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sizeup-test-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, std::string_view content) const {
    const std::filesystem::path path = path_ / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace sizeup
