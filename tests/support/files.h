// Where tests find what they read, and a folder of their own to write to.
#pragma once

#include <stdlib.h>
#include <unistd.h>  // mkdtemp on macOS

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "core/io/file.h"

namespace sizeup {

// A path of this repository.
std::filesystem::path source_path(const std::string& name);

inline std::filesystem::path golden_folder() {
  return source_path("tests/golden");
}

// Real models, vocabularies and data that are not in the repository: ../shared, or SIZEUP_SHARED. Tests
// report themselves skipped where what they need is absent.
inline std::filesystem::path shared_folder() {
  const char* given = std::getenv("SIZEUP_SHARED");
  return given ? std::filesystem::path(given) : source_path("../shared");
}

// Throws, which fails the test, if the file cannot be read.
inline std::string read_whole(const std::filesystem::path& path) {
  return read_file(path).value();
}

// A new folder, no other test's (ctest runs each case as a process of its own, several at once); removed with
// its content at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sizeup-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), "cannot make a folder for a test");
    }
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  // The path of the file, which now has this content.
  std::filesystem::path write(const std::string& name, std::string_view content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace sizeup
