#include "datasets/readers/reader.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/io/file.h"
#include "core/io/sha256.h"
#include "core/json/json.h"
#include "tests/datasets/compressed.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

// Files of one test, removed afterwards.
class DatasetReader : public testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }
  Result<Dataset> read(const std::string& name, std::string_view content) const {
    EXPECT_TRUE(write_file(path(name), content).has_value());
    return read_dataset(path(name));
  }
  // The rows as one JSON text, or the error.
  std::string rows(const std::string& name, std::string_view content) const {
    const auto dataset = read(name, content);
    return dataset ? Json(dataset->rows).dump() : describe(dataset.error());
  }
  // "place: message" with the file's name only.
  Error error(const std::string& name, std::string_view content) const {
    const auto dataset = read(name, content);
    EXPECT_FALSE(dataset.has_value()) << content;
    Error failure = dataset ? Error{} : dataset.error();
    if (failure.place.starts_with(folder_.path().string()))
      failure.place.erase(0, folder_.path().string().size() + 1);
    return failure;
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(DatasetReader, JsonLinesKeepOrderAndSkipBlankLines) {
  EXPECT_EQ(rows("a.jsonl", "{\"b\":1,\"a\":2}\n\n  \t\r\n{\"c\":\"é\"}\r\n{\"d\":null}"),
            R"([{"b":1,"a":2},{"c":"é"},{"d":null}])");
  EXPECT_EQ(rows("a.jsonl", "\xEF\xBB\xBF{\"a\":1}\n"), R"([{"a":1}])");
  EXPECT_EQ(rows("a.jsonl", ""), "[]");
}

TEST_F(DatasetReader, JsonLinesErrorsNameTheLine) {
  const Error broken = error("a.jsonl", "{\"a\":1}\n\n{\"a\":}\n{\"a\":2}\n");
  EXPECT_EQ(broken.place, "a.jsonl:3");
  EXPECT_NE(broken.message.find("column 6"), std::string::npos) << broken.message;
  EXPECT_EQ(broken.kind, ErrorKind::bad_input);
  EXPECT_TRUE(broken.hint.empty()) << broken.hint;

  const Error list = error("a.jsonl", "{\"a\":1}\n[1]\n");
  EXPECT_EQ(list.place, "a.jsonl:2");
  EXPECT_EQ(list.message, "the row is an array");

  const Error cut = error("a.jsonl", "{\"a\":1}\n{\"a\":\"one two");
  EXPECT_EQ(cut.place, "a.jsonl:2");
  EXPECT_NE(cut.hint.find("incomplete"), std::string::npos) << cut.hint;

  const Error bytes = error("a.jsonl", "{\"a\":1}\n{\"a\":\"x\xff\"}\n");
  EXPECT_EQ(bytes.place, "a.jsonl:2");
  EXPECT_NE(bytes.message.find("0xff"), std::string::npos) << bytes.message;
}

TEST_F(DatasetReader, JsonIsAnArrayOrLines) {
  EXPECT_EQ(rows("a.json", "[\n {\"a\": 1},\n {\"a\": [2, {\"b\": 3}]}\n]\n"),
            R"([{"a":1},{"a":[2,{"b":3}]}])");
  EXPECT_EQ(rows("a.json", "{\"a\":1}\n{\"a\":2}\n"), R"([{"a":1},{"a":2}])");
  EXPECT_EQ(rows("a.json", "[]"), "[]");
  EXPECT_EQ(error("a.json", " \n").message, "the file is empty");
  EXPECT_EQ(error("a.json", "{\n  \"data\": []\n}\n").expected, "an array of objects, or one object a line");
}

TEST_F(DatasetReader, JsonArrayErrorsNameTheLine) {
  const Error number = error("a.json", "[\n{\"a\": \"],[\\\"\"},\n{\"b\": [1,\n 2]}\n,\n  7]");
  EXPECT_EQ(number.place, "a.json:6");
  EXPECT_EQ(number.message, "the row is a number");
  const Error cut = error("a.json", "[\n{\"a\": 1},\n{\"a\"");
  EXPECT_EQ(cut.place, "a.json:3");
  EXPECT_EQ(cut.message, "the array ends within this row");
  EXPECT_NE(cut.hint.find("incomplete"), std::string::npos) << cut.hint;
  const Error inside = error("a.json", "[{\"a\": 1},\n{\"a\":\n1,\n]}]");
  EXPECT_EQ(inside.place, "a.json:2");
  EXPECT_NE(inside.message.find("line 3, column 1 of the row"), std::string::npos) << inside.message;
  EXPECT_EQ(error("a.json", std::string(1000, '[') + std::string(1000, ']')).message,
            "JSON is nested too deeply");
  EXPECT_EQ(error("a.json", "[{\"a\": 1},]").place, "a.json:1");
  EXPECT_EQ(error("a.json", "[{\"a\": 1},\n,{\"a\": 2}]").place, "a.json:2");
  EXPECT_EQ(error("a.json", "[{\"a\": 1}]\n]").message, "text follows the array");
  EXPECT_EQ(error("a.json", std::string("[{\"a\": 1}]\0", 11)).message, "text follows the array");
  EXPECT_EQ(error("a.json", "[{\"a\": 1\xff}]").message, "the byte 0xff is not valid UTF-8");
}

TEST_F(DatasetReader, CsvCellsAreStringsUnderTheHeader) {
  EXPECT_EQ(rows("a.csv", "q,a\n1,\"x, \"\"y\"\"\"\n,\n\"\",z\n"),
            R"([{"q":"1","a":"x, \"y\""},{"q":"","a":""},{"q":"","a":"z"}])");
  EXPECT_EQ(rows("a.csv", "\xEF\xBB\xBFq,a\r\n1,2\r\n\r\n3,\"4\r\n5\"\r\n"),
            R"([{"q":"1","a":"2"},{"q":"3","a":"4\r\n5"}])");
  EXPECT_EQ(rows("a.tsv", "q\ta\n1,2\tsay \"hi\"\n3\t\"a\tb\""),
            R"([{"q":"1,2","a":"say \"hi\""},{"q":"3","a":"a\tb"}])");
  EXPECT_EQ(rows("a.csv", "only\n\"\"\nx"), R"([{"only":""},{"only":"x"}])");
  EXPECT_EQ(rows("a.csv", "a,b\n"), "[]");
}

TEST_F(DatasetReader, CsvErrorsNameTheLine) {
  const Error ragged = error("a.csv", "a,b\n\"one\ntwo\",2\n1,2,3\n");
  EXPECT_EQ(ragged.place, "a.csv:4");  // the quoted newline counts
  EXPECT_EQ(ragged.message, "the row has 3 cells");
  EXPECT_EQ(ragged.expected, "2 cells, as in the header");
  EXPECT_EQ(error("a.csv", "a,b\n1\n").place, "a.csv:2");

  const Error open = error("a.csv", "a,b\n1,2\n\"x,2\n3,4\n");
  EXPECT_EQ(open.place, "a.csv:3");
  EXPECT_EQ(open.message, "a quoted cell is never closed");

  const Error lone = error("a.csv", "a,b\r1,2\r");
  EXPECT_EQ(lone.place, "a.csv:1");
  EXPECT_EQ(lone.message, "a carriage return without a newline");

  EXPECT_EQ(error("a.csv", "a,b\n\"x\"y,2\n").message, "text follows a quoted cell");
  EXPECT_EQ(error("a.csv", "a,a\n1,2\n").message, "two columns are named 'a'");
  EXPECT_EQ(error("a.csv", "a,\n1,2\n").message, "column 2 has no name");
  EXPECT_EQ(error("a.csv", "").message, "the file is empty");
  EXPECT_EQ(error("a.csv", "a,b\n1,\xC3\n").place, "a.csv:2");
  EXPECT_NE(error("a.csv", "\xFF\xFEq\0,").message.find("UTF-16"), std::string::npos);
}

// Rows that Python's csv module wrote (tests/oracles/dataset_cells.py) come back as they were.
TEST(DatasetGolden, CellsOfPythonsCsvReadBack) {
  const std::filesystem::path folder = golden_folder() / "datasets";
  const auto expected = read_dataset(folder / "cells.json");
  ASSERT_TRUE(expected.has_value()) << describe(expected.error());
  ASSERT_EQ(expected->rows.size(), 300u);
  for (const char* name : {"cells.csv", "cells.tsv"}) {
    const auto cells = read_dataset(folder / name);
    ASSERT_TRUE(cells.has_value()) << describe(cells.error());
    ASSERT_EQ(cells->rows.size(), expected->rows.size()) << name;
    for (size_t i = 0; i < cells->rows.size(); ++i)
      EXPECT_EQ(cells->rows[i], expected->rows[i]) << name << " " << i;
  }
}

TEST_F(DatasetReader, HashIsOfTheFilesBytes) {
  const auto dataset = read("a.csv", "\xEF\xBB\xBFq\n1\n");
  ASSERT_TRUE(dataset.has_value());
  EXPECT_EQ(dataset->hash, sha256_hex("\xEF\xBB\xBFq\n1\n"));
}

TEST_F(DatasetReader, PlainTextIsARowALine) {
  EXPECT_EQ(rows("a.txt", "one\n\ntwo \r\n\"three"),
            R"([{"text":"one"},{"text":""},{"text":"two "},{"text":"\"three"}])");
  EXPECT_EQ(rows("a.txt", "\xEF\xBB\xBFone\n"), R"([{"text":"one"}])");
  EXPECT_EQ(rows("a.txt", ""), "[]");
  EXPECT_EQ(error("a.txt", "one\nt\xffo\n").place, "a.txt:2");
}

TEST_F(DatasetReader, CompressedFilesOfEveryFormat) {
  for (const auto& [ending, compress] : {std::pair{".gz", &gzip}, std::pair{".zst", &zstd}}) {
    const auto name = [last = ending](const char* file) { return std::string(file) + last; };
    EXPECT_EQ(rows(name("a.jsonl"), compress("{\"a\":1}\n")), R"([{"a":1}])");
    EXPECT_EQ(rows(name("a.json"), compress("[{\"a\":1}]")), R"([{"a":1}])");
    EXPECT_EQ(rows(name("a.csv"), compress("a\n1\n")), R"([{"a":"1"}])");
    EXPECT_EQ(rows(name("a.tsv"), compress("a\tb\n1\t2\n")), R"([{"a":"1","b":"2"}])");
    EXPECT_EQ(rows(name("a.txt"), compress("1\n")), R"([{"text":"1"}])");
    EXPECT_EQ(rows(name("a.jsonl"), compress("{\"a\":1}\n{") + compress("\"a\":2}\n")),
              R"([{"a":1},{"a":2}])");  // two members, or frames
    EXPECT_EQ(error(name("a.jsonl"), compress("{\"a\":1}\n{\"a\":}\n")).place, name("a.jsonl") + ":2");
    EXPECT_EQ(rows(name("a.jsonl"), compress("")), "[]");
  }
}

TEST_F(DatasetReader, DamagedCompressedFilesAreRefused) {
  for (const auto& [name, compress] : {std::pair{"a.jsonl.gz", &gzip}, std::pair{"a.jsonl.zst", &zstd}}) {
    const std::string whole = compress("{\"a\":\"some text that is long enough\"}\n");
    for (size_t size = 1; size < whole.size(); ++size) {
      EXPECT_FALSE(read(name, whole.substr(0, size)).has_value()) << name << " " << size;
    }
    EXPECT_NE(error(name, whole.substr(0, whole.size() - 2)).hint.find("incomplete"), std::string::npos);
    EXPECT_NE(error(name, "{\"a\":1}\n").message.find("not valid"), std::string::npos);
    EXPECT_FALSE(read(name, whole + "rubbish").has_value()) << name;
    EXPECT_FALSE(read(name, "").has_value()) << name;
    std::string flipped = whole;
    flipped[whole.size() - 6] =
        static_cast<char>(flipped[whole.size() - 6] ^ 1);  // the content or its checksum
    EXPECT_FALSE(read(name, flipped).has_value()) << name;
  }
  // What is damaged is said, not that the row in it is.
  const std::string csv = gzip("a,b\n\"one\n" + std::string(500, 'x'));
  EXPECT_NE(error("a.csv.gz", csv.substr(0, csv.size() - 4)).message.find("too early"), std::string::npos);
}

TEST_F(DatasetReader, UnknownEndingsAndMissingFilesAreSaid) {
  EXPECT_NE(error("a.xlsx", "x").expected.find(".jsonl"), std::string::npos);
  EXPECT_FALSE(read("a.gz", gzip("{}")).has_value());
  EXPECT_FALSE(read("a.zst", zstd("{}")).has_value());
  const auto missing = read_dataset(path("nowhere.jsonl"));
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().message, "file not found");
}

}  // namespace
}  // namespace sizeup
