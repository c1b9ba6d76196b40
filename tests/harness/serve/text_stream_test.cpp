// Whatever tokens come, the pieces joined are the text of the whole answer, and no piece comes too early.
#include "harness/serve/text_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "backends/engine/answer_text.h"
#include "core/text/utf8.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

// Byte-level, SentencePiece with byte tokens and a space before every text, and both in other files.
std::vector<std::filesystem::path> tokenizer_files() {
  std::vector<std::filesystem::path> files = {source_path("models/pocket/tokenizer.json")};
  const auto stories = shared_folder() / "models" / "stories260K-F32.gguf";
  if (std::filesystem::exists(stories)) files.push_back(stories);
  return files;
}

// As the engine makes an answer's text.
std::string whole_text(const Tokenizer& tokenizer, const std::vector<Token>& tokens,
                       const std::vector<std::string>& stops) {
  const std::string text = tokenizer.decode(tokens, true);
  return replace_invalid_utf8(before_stops(text, stops));
}

void expect_same(const Tokenizer& tokenizer, const std::vector<Token>& tokens,
                 const std::vector<std::string>& stops) {
  TextStream stream(tokenizer, stops);
  std::string joined;
  std::vector<Token> given;
  for (const Token token : tokens) {
    given.push_back(token);
    const std::string piece = stream.push(token);
    ASSERT_TRUE(is_valid_utf8(piece));
    joined += piece;
    if (contains_stop(tokenizer.decode(given, true), stops)) break;  // the engine ends the answer here
  }
  const std::string whole = whole_text(tokenizer, given, stops);
  ASSERT_TRUE(whole.starts_with(joined)) << joined << "\n" << whole;
  ASSERT_EQ(joined + stream.finish(whole), whole);
}

const std::vector<std::vector<std::string>> kStops = {
    {}, {"\n"}, {"ab", "b"}, {"the end"}, {"\xC3\xA9"}, {"aab", "abc", "\xE4\xB8\xAD\xE6\x96\x87"}};

TEST(TextStream, JoinsToTheWholeTextOfRandomTokens) {
  std::mt19937_64 random(5);
  for (const auto& file : tokenizer_files()) {
    const auto tokenizer = load_tokenizer(file);
    ASSERT_TRUE(tokenizer.has_value()) << describe(tokenizer.error());
    const int vocabulary = (*tokenizer)->vocabulary();
    for (int round = 0; round < 600; ++round) {
      std::vector<Token> tokens(random() % 150);
      // Half of them bytes and short pieces: incomplete and invalid characters everywhere.
      const int most = round % 2 == 0 ? vocabulary : std::min(vocabulary, 262);
      for (Token& token : tokens) token = static_cast<Token>(random() % static_cast<uint64_t>(most));
      expect_same(**tokenizer, tokens, kStops[static_cast<size_t>(round) % kStops.size()]);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(TextStream, JoinsToTheWholeTextOfWriting) {
  const std::string text =
      "aab aabab ab\xC3\xA9 caf\xC3\xA9 \xE4\xB8\xAD\xE6\x96\x87\xF0\x9F\x98\x80\xF0\x9F\x91\xA9\xE2\x80\x8D"
      "\xF0\x9F\x91\xA7 the en the end\n  two  spaces\nlines";
  std::string longer;
  for (int i = 0; i < 20; ++i) longer += text;
  for (const auto& file : tokenizer_files()) {
    const auto tokenizer = load_tokenizer(file);
    ASSERT_TRUE(tokenizer.has_value());
    for (const std::string& written : {text, longer}) {
      const std::vector<Token> tokens = (*tokenizer)->encode(written, {.add_special = false});
      for (const auto& stops : kStops) expect_same(**tokenizer, tokens, stops);
    }
  }
}

TEST(TextStream, HoldsBackOnlyWhatIsOpen) {
  const auto tokenizer = load_tokenizer(source_path("models/pocket/tokenizer.json"));
  ASSERT_TRUE(tokenizer.has_value());
  const auto pieces = [&](const std::string& text, std::vector<std::string> stops) {
    TextStream stream(**tokenizer, std::move(stops));
    std::string joined;
    for (const Token token : (*tokenizer)->encode(text, {.add_special = false})) joined += stream.push(token);
    return joined;
  };
  EXPECT_EQ(pieces("one two", {}), "one two");
  EXPECT_EQ(pieces("one tw", {"two"}), "one ");
  EXPECT_EQ(pieces("one twi", {"two"}), "one twi");
  EXPECT_EQ(pieces("one two three", {"two"}), "one ");
}

}  // namespace
}  // namespace sizeup
