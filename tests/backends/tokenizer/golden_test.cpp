// Equality with Hugging Face tokenizers on difficult texts, in each style of tokenizer.json that published
// models have; made by tests/oracles/tokenizers_golden.py.
#include <set>

#include "backends/engine/tokenizer/pre_tokenizer.h"
#include "backends/engine/tokenizer/split_regex.h"
#include "backends/engine/tokenizer/word_patterns.h"
#include "core/json/json.h"
#include "core/text/utf8.h"
#include "tests/backends/tokenizer/tokenizer_fixtures.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

Json golden(const std::string& name) {
  const fs::path path = golden_folder() / "tokenizers" / name;
  return *parse_json(read_whole(path), path.string());
}

// Where bytes are no text, Hugging Face writes U+FFFD once for each byte or for each part, by the kind of
// tokenizer.
std::string with_single_replacements(std::string text) {
  const std::string twice = "\xEF\xBF\xBD\xEF\xBF\xBD";
  for (size_t i = text.find(twice); i != std::string::npos; i = text.find(twice))
    text.erase(i, twice.size() / 2);
  return text;
}

class GoldenStyles : public testing::TestWithParam<const char*> {};

TEST_P(GoldenStyles, EncodeAndDecodeAsHuggingFace) {
  const OpenTokenizer opened = open_tokenizer(golden_folder() / "tokenizers" / GetParam());
  ASSERT_EQ(opened.error, "");
  const Tokenizer& tokenizer = *opened.tokenizer;
  const Json texts = golden("texts.json");
  const Json rows = golden(std::string(GetParam()) + ".json");
  ASSERT_EQ(texts.size(), rows.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto text = texts[i].get<std::string>();
    SCOPED_TRACE(to_line(texts[i]));
    const auto ids = rows[i][0].get<std::vector<Token>>();
    EXPECT_EQ(tokenizer.encode(text, {.add_special = true, .parse_special = true}), ids);
    EXPECT_EQ(plain(tokenizer, text), rows[i][1].get<std::vector<Token>>());
    const std::string decoded = rows[i][2].is_null() ? text : rows[i][2].get<std::string>();
    EXPECT_EQ(with_single_replacements(replace_invalid_utf8(tokenizer.decode(ids, true))),
              with_single_replacements(decoded));
  }
}

INSTANTIATE_TEST_SUITE_P(Styles, GoldenStyles,
                         testing::Values("gpt2", "gpt2_prefix", "llama3", "llama2", "metaspace",
                                         "metaspace_split", "gemma"),
                         [](const auto& test) { return std::string(test.param); });

// The patterns in our table are the published ones, and PCRE2 cuts with them as Oniguruma does.
TEST(WordPatterns, CutAsHuggingFace) {
  const Json texts = golden("texts.json");
  int compared = 0;
  for (const Json& row : golden("splits.json")) {
    const auto names = row["names"].get<std::vector<std::string>>();
    for (const GgufPreTokenizer& entry : gguf_pre_tokenizers()) {
      if (std::find(names.begin(), names.end(), entry.name) == names.end()) continue;
      SCOPED_TRACE(entry.name);
      ++compared;
      const bool same_text = !row["patterns"].is_null();
      if (same_text) {
        ASSERT_EQ(row["patterns"].size(), entry.patterns.size());
      }
      std::vector<PreTokenizerStep> steps;
      for (size_t i = 0; i < entry.patterns.size(); ++i) {
        if (same_text) {
          EXPECT_EQ(row["patterns"][i].get<std::string>(), entry.patterns[i]);
        }
        auto regex = SplitRegex::compile(entry.patterns[i], "table");
        ASSERT_TRUE(regex.has_value()) << describe(regex.error());
        steps.emplace_back(pretokenize::Split{std::move(*regex)});
      }
      const PreTokenizer pre_tokenizer(std::move(steps));
      for (size_t i = 0; i < texts.size(); ++i) {
        std::vector<size_t> lengths;
        const auto text = texts[i].get<std::string>();
        WordList words;
        pre_tokenizer.cut(text, true, words);
        for (size_t w = 0; w < words.size(); ++w) lengths.push_back(count_code_points(words[w]));
        EXPECT_EQ(lengths, row["words"][i].get<std::vector<size_t>>()) << to_line(texts[i]);
      }
    }
  }
  EXPECT_EQ(compared, 27);
}

// No name twice, and every pattern of the table compiles: a file with that name opens.
TEST(WordPatterns, OfEveryNameCompile) {
  std::set<std::string_view> names;
  for (const GgufPreTokenizer& entry : gguf_pre_tokenizers()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.patterns.empty()) << entry.name;
    for (const std::string_view pattern : entry.patterns) {
      const auto regex = SplitRegex::compile(pattern, std::string(entry.name));
      EXPECT_TRUE(regex.has_value()) << describe(regex.error());
    }
  }
  EXPECT_GT(names.size(), 85u);
}

}  // namespace
}  // namespace sizeup
