// Parquet files that Arrow itself wrote (golden: tests/oracles/dataset_parquet.py), and broken ones.
#include "datasets/readers/parquet_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json/json.h"
#include "datasets/readers/reader.h"
#include "datasets/readers/row_reader.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

std::filesystem::path golden(const char* name) {
  return golden_folder() / "datasets" / name;
}

class Parquet : public testing::Test {
 protected:
  void SetUp() override {
    if (parquet_support().empty()) GTEST_SKIP() << "built without Apache Arrow";
  }
  TemporaryFolder folder;
};

TEST_F(Parquet, RowsAreThoseOfArrow) {
  const Result<Dataset> read = read_dataset(golden("rows.parquet"));
  ASSERT_TRUE(read.has_value()) << describe(read.error());
  const Result<Dataset> expected = read_dataset(golden("rows.json"));
  ASSERT_TRUE(expected.has_value());
  ASSERT_EQ(read->rows.size(), expected->rows.size());
  for (size_t i = 0; i < read->rows.size(); ++i) EXPECT_EQ(read->rows[i], expected->rows[i]) << i;
}

TEST_F(Parquet, PlacesCountRowsOverRowGroups) {
  BadRows none;
  RowReader reader({golden("rows.parquet")}, {}, none);
  for (int i = 0; i < 26; ++i) ASSERT_TRUE(reader.next().value().has_value());
  EXPECT_THAT(reader.place(), testing::EndsWith("rows.parquet, row 26"));
  EXPECT_EQ(reader.index(), 25);
}

TEST_F(Parquet, ColumnsThatAreNoTextsAreRefusedByName) {
  const Result<Dataset> read = read_dataset(golden("bytes.parquet"));
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(read.error().message, HasSubstr("'image' is binary"));
}

// Every cut, and a changed byte anywhere: an error or rows, never a crash.
TEST_F(Parquet, BrokenFilesAreErrors) {
  const std::string whole = read_whole(golden("rows.parquet"));
  for (size_t length = 0; length < whole.size(); length += 97) {
    const Result<Dataset> read = read_dataset(folder.write("a.parquet", whole.substr(0, length)));
    ASSERT_FALSE(read.has_value()) << length;
    EXPECT_EQ(read.error().kind, ErrorKind::bad_input);
  }
  for (size_t at = 0; at < whole.size(); at += 53) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x55);
    static_cast<void>(read_dataset(folder.write("a.parquet", changed)));
  }
  EXPECT_FALSE(read_dataset(folder.write("a.parquet", "{\"a\": 1}\n")).has_value());
}

TEST(ParquetWithoutArrow, IsRefusedWithAHint) {
  if (!parquet_support().empty()) GTEST_SKIP() << "built with Apache Arrow";
  const Result<Dataset> read = read_dataset(golden("rows.parquet"));
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(read.error().hint, HasSubstr("duckdb"));
}

}  // namespace
}  // namespace sizeup
