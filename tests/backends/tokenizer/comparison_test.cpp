// Where two tokenizers disagree, against counts made of Hugging Face's ids and pieces:
// tests/oracles/tokenizer_comparison_golden.py.
#include "backends/engine/tokenizer/comparison.h"

#include <fmt/format.h>

#include <sstream>

#include "core/json/json.h"
#include "tests/backends/tokenizer/tokenizer_fixtures.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

const fs::path kComparison = golden_folder() / "tokenizers" / "comparison";

std::vector<SlicedText> read_texts() {
  std::vector<SlicedText> texts;
  std::istringstream lines(read_whole(kComparison / "texts.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const Json row = *parse_json(line, "texts.jsonl");
    texts.push_back({.text = row["text"], .slices = {"language=" + row["language"].get<std::string>()}});
  }
  return texts;
}

Json as_json(const TextTokens& counts) {
  return {counts.texts, counts.characters, counts.words, counts.tokens[0], counts.tokens[1]};
}

Json hexadecimal(const std::vector<std::string>& parts) {
  Json list = Json::array();
  for (const std::string& part : parts) {
    std::string digits;
    for (const char c : part) digits += fmt::format("{:02x}", static_cast<uint8_t>(c));
    list.push_back(digits);
  }
  return list;
}

Json as_json(const CutWords& words) {
  return {words.words,       words.cut_differently, words.more_parts,
          words.fewer_parts, words.distinct,        words.distinct_cut_differently};
}

void expect_comparison(const BothTokenizers& tokenizers, const Json& expected) {
  const TextComparison found = compare_texts(tokenizers, read_texts(), expected["examples"].size());
  EXPECT_EQ(as_json(found.all), expected["all"]);
  Json slices = Json::object();
  for (const auto& [slice, counts] : found.slices) slices[slice] = as_json(counts);
  EXPECT_EQ(slices, expected["slices"]);
  EXPECT_EQ(as_json(found.words), expected["words"]);
  Json examples = Json::array();
  for (const CutWord& word : found.words.examples)
    examples.push_back({word.word, word.count, hexadecimal(word.parts[0]), hexadecimal(word.parts[1])});
  EXPECT_EQ(examples, expected["examples"]);
  const VocabularyOverlap overlap = compare_vocabularies(tokenizers);
  EXPECT_EQ(Json({overlap.tokens[0], overlap.tokens[1], overlap.common}), expected["vocabulary"]);
}

TEST(TokenizerComparison, CountsWhatHuggingFaceCounts) {
  const Json golden = parse_json(read_whole(kComparison / "expected.json"), "expected.json").value();
  ASSERT_EQ(golden.size(), 4u);
  for (const Json& entry : golden) {
    const fs::path root =
        entry["shared"].get<bool>() ? shared_folder() / "tokenizers" : golden_folder() / "tokenizers";
    SCOPED_TRACE(to_line(entry["files"]));
    if (!fs::exists(root)) continue;  // real vocabularies are not in the repository
    const Unpacked first(root / entry["files"][0].get<std::string>() / "tokenizer.json");
    const Unpacked second(root / entry["files"][1].get<std::string>() / "tokenizer.json");
    ASSERT_EQ(first.opened.error + second.opened.error, "");
    expect_comparison({first.opened.tokenizer.get(), second.opened.tokenizer.get()}, entry);
  }
}

TEST(TokenizerComparison, OfATokenizerWithItselfFindsNothing) {
  const OpenTokenizer opened = open_tokenizer(golden_folder() / "tokenizers" / "llama3");
  ASSERT_EQ(opened.error, "");
  const BothTokenizers same = {opened.tokenizer.get(), opened.tokenizer.get()};
  const TextComparison found = compare_texts(same, read_texts(), 10);
  EXPECT_EQ(found.all.tokens[0], found.all.tokens[1]);
  EXPECT_EQ(found.words.cut_differently, 0);
  EXPECT_TRUE(found.words.examples.empty());
  const VocabularyOverlap overlap = compare_vocabularies(same);
  EXPECT_EQ(overlap.common, overlap.tokens[0]);
}

TEST(TokenizerComparison, SeparatesWordsByEveryKindOfWhiteSpace) {
  const OpenTokenizer opened = open_tokenizer(golden_folder() / "tokenizers" / "llama3");
  ASSERT_EQ(opened.error, "");
  const BothTokenizers same = {opened.tokenizer.get(), opened.tokenizer.get()};
  const auto words = [&](const std::string& text) {
    return compare_texts(same, std::vector<SlicedText>{{.text = text, .slices = {}}}, 1).all.words;
  };
  EXPECT_EQ(words(""), 0);
  EXPECT_EQ(words(" \n\t"), 0);
  EXPECT_EQ(words("one"), 1);
  EXPECT_EQ(words("one\u00a0two\u3000three\r\nfour\u2028"), 4);
  EXPECT_EQ(words("\xff\xfe one"), 2);
}

}  // namespace
}  // namespace sizeup
