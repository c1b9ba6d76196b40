#include "datasets/readers/row_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "datasets/readers/byte_stream.h"
#include "datasets/readers/folder.h"
#include "datasets/readers/text_source.h"
#include "tests/datasets/compressed.h"
#include "tests/datasets/live_memory.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kAnyNumber = 1'000'000;

class RowReaderTest : public testing::Test {
 protected:
  // The rows as "INDEX PLACE JSON", or as the last entry the error; `bad` has the bad ones.
  std::vector<std::string> read(const std::vector<std::filesystem::path>& files, BadRows& bad,
                                RowOptions options = {}) {
    RowReader reader(files, std::move(options), bad);
    std::vector<std::string> rows;
    while (true) {
      const Result<std::optional<Json>> row = reader.next();
      if (!row) {
        rows.push_back(short_place(describe(row.error())));
        return rows;
      }
      if (!*row) break;
      rows.push_back(std::to_string(reader.index()) + " " + short_place(reader.place()) + " " +
                     to_line(**row));
    }
    hash = reader.hash();
    return rows;
  }

  std::string short_place(std::string text) const {
    const std::string prefix = folder.path().string() + "/";
    for (size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
      text.erase(at, prefix.size());
    }
    return text;
  }

  std::vector<std::string> places(const BadRows& bad) const {
    std::vector<std::string> all;
    for (const Error& error : bad.shown()) all.push_back(short_place(error.place));
    return all;
  }

  using Rows = std::vector<std::string>;
  TemporaryFolder folder;
  std::string hash;
};

// The objects of 60,000 lines take 10 MB, their text 2 MB; a reader that keeps a few at a time has its
// buffers and no more.
TEST_F(RowReaderTest, MemoryDoesNotGrowWithTheFile) {
  constexpr size_t kRows = 60'000;
  constexpr size_t kBound = size_t{1} << 20;
  std::string lines;
  std::string csv = "id,text\n";
  std::string array = "[";
  for (size_t i = 0; i < kRows; ++i) {
    const std::string row = "{\"id\":" + std::to_string(i) + ",\"text\":\"some text\"}";
    lines += row + "\n";
    csv += std::to_string(i) + ",\"some text\"\n";
    array += row + (i + 1 < kRows ? ",\n" : "]");
  }
  for (const auto& [name, content] :
       {std::pair{"a.jsonl", lines}, std::pair{"a.csv", csv}, std::pair{"a.json", array},
        std::pair{"a.txt", lines}, std::pair{"a.jsonl.gz", gzip(lines)}, std::pair{"a.csv.zst", zstd(csv)}}) {
    const std::filesystem::path file = folder.write(name, content);
    const size_t before = live_bytes();
    reset_most_live_bytes();
    BadRows bad;
    RowReader reader({file}, {}, bad);
    size_t count = 0;
    for (auto row = reader.next(); row && *row; row = reader.next()) ++count;
    EXPECT_EQ(count, kRows) << name;
    EXPECT_LT(most_live_bytes() - before, kBound) << name;
    EXPECT_EQ(reader.hash(), sha256_hex(content)) << name;
  }
}

// Whatever lies on the border between two chunks: escapes, quotes, line ends, code points.
TEST_F(RowReaderTest, RowsMayLieAcrossChunks) {
  const std::string text = "\"é,\r\n";  // as a cell: "\"\"é,\r\n"
  for (size_t shift = 0; shift < 16; ++shift) {
    const std::string filler(kStreamChunk - shift, 'x');
    const std::string json = to_line(Json{{"a", text}});
    const std::string cell = "\"\"\"é,\r\n\"";
    BadRows bad;
    EXPECT_EQ(
        read({folder.write("a.jsonl", "{\"a\":\"" + filler + "\"}\r\n" + json + "\r\n" + json)}, bad).back(),
        "2 a.jsonl:3 " + json);
    EXPECT_EQ(read({folder.write("a.json", "[{\"a\":\"" + filler + "\"}," + json + ",\n" + json + "]")}, bad)
                  .back(),
              "2 a.json:2 " + json);
    EXPECT_EQ(read({folder.write("a.csv", "a\r\n" + filler + "\r\n" + cell + "\r\n" + cell)}, bad).back(),
              "2 a.csv:5 " + json);
    EXPECT_EQ(
        read({folder.write("b.csv", "b,a\r\n" + filler + "," + cell + "\r\n\r\nz," + cell)}, bad).back(),
        "1 b.csv:5 " + to_line(Json{{"b", "z"}, {"a", text}}));
    EXPECT_EQ(bad.count(), 0);
  }
}

TEST_F(RowReaderTest, BadRowsAreLeftOutAndCounted) {
  BadRows bad(kAnyNumber);
  EXPECT_EQ(
      read({folder.write("a.jsonl", "{\"a\":1}\n{\"a\":}\n[2]\n\n{\"a\":\"\xff\"}\n{\"a\":3}\n{\"a\"")}, bad),
      (Rows{"0 a.jsonl:1 {\"a\":1}", "4 a.jsonl:6 {\"a\":3}"}));
  EXPECT_EQ(bad.count(), 4);
  EXPECT_EQ(places(bad), (Rows{"a.jsonl:2", "a.jsonl:3", "a.jsonl:5", "a.jsonl:7"}));

  BadRows cells(kAnyNumber);
  EXPECT_EQ(
      read({folder.write("a.csv", "a,b\n1,2\n1\n\"x\"y,2\n3,4\n1,2,3\n\xff,1\r\n5,\"6\n7\"\nx\ry,2\n8,9")},
           cells),
      (Rows{R"(0 a.csv:2 {"a":"1","b":"2"})", R"(3 a.csv:5 {"a":"3","b":"4"})",
            R"(6 a.csv:8 {"a":"5","b":"6\n7"})", R"(8 a.csv:11 {"a":"8","b":"9"})"}));
  EXPECT_EQ(places(cells), (Rows{"a.csv:3", "a.csv:4", "a.csv:6", "a.csv:7", "a.csv:10"}));

  BadRows elements(kAnyNumber);
  EXPECT_EQ(read({folder.write("a.json", "[1,\n{\"a\":[}]},\n{\"a\":1},,{\"a\":2}]")}, elements),
            (Rows{"2 a.json:3 {\"a\":1}", "4 a.json:3 {\"a\":2}"}));
  EXPECT_EQ(places(elements), (Rows{"a.json:1", "a.json:2", "a.json:3"}));

  BadRows lines(kAnyNumber);
  EXPECT_EQ(read({folder.write("a.txt", "one\n\xff\ntwo")}, lines),
            (Rows{R"(0 a.txt:1 {"text":"one"})", R"(2 a.txt:3 {"text":"two"})"}));
  EXPECT_EQ(places(lines), (Rows{"a.txt:2"}));
}

TEST_F(RowReaderTest, OneBadRowMoreThanAllowedEndsTheReading) {
  const auto file = folder.write("a.jsonl", "1\n{\"a\":1}\n2\n{\"a\":2}\n3\n{\"a\":3}\n");
  BadRows three(3);
  EXPECT_EQ(read({file}, three).size(), 3u);
  BadRows two(2);
  const Rows rows = read({file}, two);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_TRUE(
      rows.back().starts_with("a.jsonl:5: the row is a number (bad row number 3, and 2 may be left out)"))
      << rows.back();
  BadRows none;
  EXPECT_TRUE(read({file}, none).back().starts_with("a.jsonl:1: the row is a number (expected"));
}

// Rows that cannot be told apart are no bad rows: the rest of the file would be missing without a word.
TEST_F(RowReaderTest, ABrokenFileIsAnErrorHoweverManyBadRowsAreAllowed) {
  BadRows bad(kAnyNumber);
  EXPECT_NE(read({folder.write("a.csv", "a\n1\n\"2\n3\n")}, bad)
                .back()
                .find("a.csv:3: a quoted cell is never closed"),
            std::string::npos);
  EXPECT_NE(read({folder.write("a.json", "[{\"a\":1},{\"a\":")}, bad).back().find("the array ends"),
            std::string::npos);
  const std::string whole = gzip("{\"a\":1}\n");
  EXPECT_NE(
      read({folder.write("a.jsonl.gz", whole.substr(0, whole.size() - 1))}, bad).back().find("too early"),
      std::string::npos);
  EXPECT_EQ(bad.count(), 0);
}

TEST_F(RowReaderTest, ASmallFileThatHoldsTooMuchIsRefused) {
  const std::string spaces(10'000'000, ' ');
  for (const auto& [name, content] :
       {std::pair{"a.jsonl.gz", gzip(spaces)}, std::pair{"a.jsonl.zst", zstd(spaces)}}) {
    ASSERT_LT(content.size(), 20'000u);
    BadRows bad(kAnyNumber);
    const auto file = folder.write(name, content);
    EXPECT_NE(
        read({file}, bad, {.max_bytes = 1'000'000}).back().find("holds too much (expected: at most 1000000"),
        std::string::npos);
    EXPECT_TRUE(read({file}, bad, {.max_bytes = spaces.size()}).empty());
  }
}

TEST_F(RowReaderTest, ALineWithoutEndIsNotHeld) {
  const auto file = folder.write("a.jsonl.gz", gzip(std::string(kMaxRowBytes + 10, ' ') + "1\n{\"a\":1}\n"));
  BadRows bad(1);
  EXPECT_EQ(read({file}, bad), (Rows{"1 a.jsonl.gz:2 {\"a\":1}"}));
  ASSERT_EQ(bad.shown().size(), 1u);
  EXPECT_EQ(bad.shown()[0].message, "the row has more than 67108864 bytes");
}

TEST_F(RowReaderTest, SeveralFilesAreReadInTheirOrder) {
  const auto one = folder.write("1.jsonl", "{\"a\":1}\n2\n");
  const auto two = folder.write("2.csv.gz", gzip("a\n3\n"));
  BadRows bad(1);
  EXPECT_EQ(read({two, one}, bad), (Rows{R"(0 2.csv.gz:2 {"a":"3"})", R"(1 1.jsonl:1 {"a":1})"}));
  EXPECT_EQ(hash, sha256_hex(sha256_hex(read_whole(two)) + sha256_hex(read_whole(one))));
}

TEST_F(RowReaderTest, ColumnNamesStandInForAHeader) {
  const auto file = folder.write("a.csv", "1,\"x,y\"\n2,z\n");
  BadRows none;
  EXPECT_EQ(read({file}, none, {.column_names = {"n", "text"}}),
            (Rows{R"(0 a.csv:1 {"n":"1","text":"x,y"})", R"(1 a.csv:2 {"n":"2","text":"z"})"}));
  EXPECT_THAT(
      read({file}, none, {.column_names = {"n"}}),
      ElementsAre(HasSubstr("a.csv:1: the row has 2 cells (expected: 1 cells, as column_names has)")));
  EXPECT_THAT(read({file}, none, {.column_names = {"n", "n"}}),
              ElementsAre(HasSubstr("two columns are named 'n'")));
  EXPECT_THAT(read({folder.write("a.jsonl", "{}\n")}, none, {.column_names = {"n"}}),
              ElementsAre(HasSubstr("whose rows name their fields")));
}

TEST_F(RowReaderTest, ATextMayBeARowForEachFile) {
  std::filesystem::create_directory(folder.path() / "texts");
  folder.write("texts/b.txt", "three\n");
  folder.write("texts/a.txt", "one\n\ntwo");
  BadRows bad;
  EXPECT_EQ(read({folder.path() / "texts"}, bad, {.text_rows = TextRows::documents}),
            (Rows{R"(0 texts/a.txt:1 {"text":"one\n\ntwo"})", R"(1 texts/b.txt:1 {"text":"three\n"})"}));
}

class DataFolder : public testing::Test {
 protected:
  void write(const std::string& name) {
    std::filesystem::create_directories((folder.path() / name).parent_path());
    folder.write(name, "");
  }
  std::string names(const std::vector<std::filesystem::path>& files) const {
    std::string all;
    for (const auto& file : files) all += file.lexically_relative(folder.path()).string() + " ";
    return all;
  }
  std::string splits() const {
    const auto found = splits_of(folder.path());
    if (!found) return describe(found.error());
    std::string all;
    for (const auto& [split, files] : *found) all += split + ": " + names(files);
    return all;
  }

  TemporaryFolder folder;
};

TEST_F(DataFolder, DataFilesComeInNameOrder) {
  for (const char* name : {"b.jsonl", "a.jsonl.gz", "deep/c.jsonl.zst", ".hidden.jsonl", ".git/d.jsonl",
                           "dataset_infos.json", "README.txt", "notes.md"}) {
    write(name);
  }
  EXPECT_EQ(names(data_files_of(folder.path()).value()), "a.jsonl.gz b.jsonl deep/c.jsonl.zst ");
}

TEST_F(DataFolder, TwoFormatsAndNoDataAreErrors) {
  write("notes.md");
  EXPECT_NE(describe(data_files_of(folder.path()).error()).find("has no data file"), std::string::npos);
  write("a.csv");
  write("a.jsonl");
  EXPECT_NE(describe(data_files_of(folder.path()).error()).find("two formats: a.csv and a.jsonl"),
            std::string::npos);
  EXPECT_FALSE(data_files_of(folder.path() / "nowhere").has_value());
}

TEST_F(DataFolder, NamesSaySplits) {
  for (const char* name : {"data/test-00001-of-00002.csv", "data/test-00000-of-00002.csv", "data/train.csv",
                           "val/a.csv", "DEV_small.csv", "data/latest.csv", "eval/train_part.csv"}) {
    write(name);
  }
  EXPECT_EQ(splits(),
            "test: data/test-00000-of-00002.csv data/test-00001-of-00002.csv "
            "train: data/train.csv eval/train_part.csv "
            "validation: DEV_small.csv val/a.csv ");
}

TEST_F(DataFolder, WithoutSplitNamesAllIsTrain) {
  write("b.csv");
  write("a.csv");
  EXPECT_EQ(splits(), "train: a.csv b.csv ");
}

TEST_F(DataFolder, SplitsMayHaveDifferentFormats) {
  write("train.csv");
  write("test.jsonl");
  EXPECT_EQ(splits(), "test: test.jsonl train: train.csv ");
}

}  // namespace
}  // namespace sizeup
