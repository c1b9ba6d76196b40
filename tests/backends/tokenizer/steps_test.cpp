// Normalizers, pre-tokenizers and decoders of tokenizer.json by themselves, as Hugging Face tokenizers has
// them; made by tests/oracles/tokenizers_generated.py.
#include "backends/engine/tokenizer/byte_alphabet.h"
#include "backends/engine/tokenizer/huggingface_steps.h"
#include "core/json/json.h"
#include "core/text/utf8.h"
#include "tests/backends/tokenizer/tokenizer_fixtures.h"

namespace sizeup {
namespace {

const SortedJson& steps() {
  static const SortedJson kSteps = *parse_sorted_json(
      read_packed(golden_folder() / "tokenizers" / "generated" / "steps.json.gz"), "steps.json");
  return kSteps;
}

std::vector<std::string> texts() {
  const auto path = golden_folder() / "tokenizers" / "texts.json";
  return parse_sorted_json(read_whole(path), path.string())->get<std::vector<std::string>>();
}

std::string shown(const SortedJson& step) {
  return step.dump().substr(0, 200);
}

TEST(HuggingFaceSteps, Normalize) {
  const auto inputs = texts();
  int compared = 0;
  for (const SortedJson& row : steps()["normalizers"]) {
    const auto normalizer = read_normalizer(row[0], "test");
    ASSERT_TRUE(normalizer.has_value()) << describe(normalizer.error());
    for (size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_EQ(normalizer->apply(inputs[i]), row[1][i].get<std::string>())
          << shown(row[0]) << " of " << to_line(Json(inputs[i]));
    }
    ++compared;
  }
  EXPECT_EQ(compared, 21);
}

TEST(HuggingFaceSteps, PreTokenize) {
  const auto inputs = texts();
  int compared = 0;
  for (const SortedJson& row : steps()["pre_tokenizers"]) {
    const auto pre_tokenizer = read_pre_tokenizer(row[0], "test");
    ASSERT_TRUE(pre_tokenizer.has_value()) << describe(pre_tokenizer.error());
    WordList words;
    for (size_t i = 0; i < inputs.size(); ++i) {
      pre_tokenizer->cut(inputs[i], true, words);
      std::vector<std::string> found;
      for (size_t w = 0; w < words.size(); ++w) {
        found.push_back(pre_tokenizer->spells_bytes() ? to_byte_alphabet(words[w]) : std::string(words[w]));
      }
      EXPECT_EQ(found, row[1][i].get<std::vector<std::string>>())
          << shown(row[0]) << " of " << to_line(Json(inputs[i]));
    }
    ++compared;
  }
  EXPECT_EQ(compared, 42);
}

// Bytes that are no text stay bytes here, so that a stream can go on; Hugging Face writes U+FFFD at once.
std::string with_single_replacements(std::string text) {
  const std::string twice = "\xEF\xBF\xBD\xEF\xBF\xBD";
  text = replace_invalid_utf8(text);
  for (size_t i = text.find(twice); i != std::string::npos; i = text.find(twice))
    text.erase(i, twice.size() / 2);
  return text;
}

TEST(HuggingFaceSteps, Decode) {
  int compared = 0;
  for (const SortedJson& row : steps()["decoders"]) {
    const auto decoder = read_decoder(row[0], "test");
    ASSERT_TRUE(decoder.has_value()) << describe(decoder.error());
    const SortedJson& lists = steps()["pieces"];
    for (size_t i = 0; i < lists.size(); ++i) {
      std::vector<std::string> prepared;
      for (const SortedJson& piece : lists[i]) prepared.push_back(decoder->prepare(piece.get<std::string>()));
      std::vector<const std::string*> pieces;
      for (const std::string& piece : prepared) pieces.push_back(&piece);
      EXPECT_EQ(with_single_replacements(decoder->join(pieces)),
                with_single_replacements(row[1][i].get<std::string>()))
          << shown(row[0]) << " of " << lists[i].dump();
    }
    ++compared;
  }
  EXPECT_EQ(compared, 20);
}

}  // namespace
}  // namespace sizeup
