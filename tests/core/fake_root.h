// A folder that stands for "/": what the system would show in files.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/files.h"

namespace sizeup {

class FakeRoot : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    folder_.write(path, text);
  }

  const TemporaryFolder folder_;
  const std::filesystem::path root_ = folder_.path();
};

}  // namespace sizeup
