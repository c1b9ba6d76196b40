#include "core/io/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/io/program_file.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

TEST(ProgramFile, IsTheRunningProgram) {
  EXPECT_EQ(program_file().filename(), "test_core");
  EXPECT_TRUE(std::filesystem::is_regular_file(program_file()));
}

class File : public testing::Test {
 protected:
  TemporaryFolder own;
  const std::filesystem::path& folder = own.path();
};

TEST_F(File, ReadsBackWhatItWrote) {
  const std::string content("a\0b\n", 4);
  ASSERT_TRUE(write_file(folder / "new" / "a.bin", content).has_value());
  const auto read = read_file(folder / "new" / "a.bin");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, content);
}

TEST_F(File, LeavesNoTemporaryBehind) {
  ASSERT_TRUE(write_file(folder / "a.txt", "one").has_value());
  ASSERT_TRUE(write_file(folder / "a.txt", "two").has_value());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  // A folder of that name cannot be replaced: an error, and still no temporary.
  std::filesystem::create_directories(folder / "b" / "c");
  EXPECT_FALSE(write_file(folder / "b", "x").has_value());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 2);
}

TEST_F(File, SaysWhatIsWrong) {
  EXPECT_EQ(read_file(folder / "none").error().message, "file not found");
  EXPECT_EQ(read_file(folder).error().message, "is a folder");
  ASSERT_TRUE(write_file(folder / "big", std::string(100, 'x')).has_value());
  EXPECT_EQ(read_file(folder / "big", 99).error().message, "file is too large");
  EXPECT_TRUE(read_file(folder / "big", 100).has_value());
}

}  // namespace
}  // namespace sizeup
