#include "core/io/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

class MappedFileTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
};

std::string text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST_F(MappedFileTest, HoldsTheBytesWhereverItIsMoved) {
  const std::string content(10000, 'x');
  auto opened = MappedFile::open(folder_.write("a", content));
  ASSERT_TRUE(opened.has_value());
  const std::byte* address = opened->bytes().data();
  MappedFile moved = std::move(*opened);
  EXPECT_EQ(moved.bytes().data(), address);
  EXPECT_EQ(text_of(moved), content);
  auto other = MappedFile::open(folder_.write("b", "other"));
  ASSERT_TRUE(other.has_value());
  moved = std::move(*other);
  EXPECT_EQ(text_of(moved), "other");
}

TEST_F(MappedFileTest, AnEmptyFileIsNoError) {
  const auto file = MappedFile::open(folder_.write("empty", ""));
  ASSERT_TRUE(file.has_value());
  EXPECT_TRUE(file->bytes().empty());
}

TEST_F(MappedFileTest, SaysWhyAFileCannotBeMapped) {
  EXPECT_THAT(describe(MappedFile::open(folder_.path() / "none").error()), HasSubstr("none: file not found"));
  EXPECT_THAT(describe(MappedFile::open(folder_.path()).error()), HasSubstr("is not a regular file"));
  ASSERT_EQ(mkfifo((folder_.path() / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(describe(MappedFile::open(folder_.path() / "pipe").error()),
              HasSubstr("is not a regular file"));
}

}  // namespace
}  // namespace sizeup
