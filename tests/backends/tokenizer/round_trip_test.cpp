// Properties that hold for any text.
#include <random>

#include "core/text/utf8.h"
#include "tests/backends/tokenizer/tokenizer_fixtures.h"

namespace sizeup {
namespace {

class RoundTrip : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    opened_ = open_tokenizer(golden_folder() / "tokenizers" / GetParam());
    ASSERT_EQ(opened_.error, "");
  }

  // Encoding adds one space where the style does, decoding takes it away again.
  void expect_round_trip(const std::string& text) const {
    const std::vector<Token> ids = plain(*opened_.tokenizer, text);
    for (const Token id : ids) ASSERT_TRUE(id >= 0 && id < opened_.tokenizer->vocabulary());
    ASSERT_EQ(opened_.tokenizer->decode(ids, false), replace_invalid_utf8(text));
  }

  OpenTokenizer opened_;
  std::mt19937 random_{20240601};
};

TEST_P(RoundTrip, OfRandomBytes) {
  for (int i = 0; i < 300; ++i) {
    std::string text(random_() % 40, '\0');
    for (char& byte : text) byte = static_cast<char>(random_() % 256);
    expect_round_trip(text);
  }
}

TEST_P(RoundTrip, OfRandomUnicode) {
  const char32_t limits[] = {0x80, 0x250, 0x3000, 0x10000, 0x110000};
  for (int i = 0; i < 300; ++i) {
    std::string text;
    const char32_t limit = limits[random_() % 5];
    for (uint32_t j = random_() % 40; j > 0; --j) append_utf8(text, random_() % limit);
    if (text.find("\xE2\x96\x81") != std::string::npos) continue;  // U+2581 comes back as a space
    expect_round_trip(text);
  }
}

// A quadratic merge would need hours for this.
TEST_P(RoundTrip, OfAVeryLongWord) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += static_cast<char>('a' + random_() % 26);
  expect_round_trip(text);
  expect_round_trip(std::string(300'000, 'a'));
  expect_round_trip(std::string(100'000, '<'));
}

TEST_P(RoundTrip, PartsOfACharacterJoin) {
  const std::vector<Token> ids = plain(*opened_.tokenizer, "\xF0\x9F\xA6\x86");  // U+1F986
  ASSERT_GT(ids.size(), 1u);
  std::string text = opened_.tokenizer->decode(std::span(ids).first(ids.size() - 1), false);
  EXPECT_EQ(incomplete_utf8_suffix(text), 3u);
}

// No NFC here (it changes texts), and no style that keeps its added space.
INSTANTIATE_TEST_SUITE_P(Styles, RoundTrip, testing::Values("llama3", "llama2", "gemma"),
                         [](const auto& test) { return std::string(test.param); });

TEST(Decode, PassesOverIdsOutsideTheVocabulary) {
  const OpenTokenizer opened = open_tokenizer(golden_folder() / "tokenizers" / "llama3");
  ASSERT_EQ(opened.error, "");
  const std::vector<Token> ids = {-1, 1 << 30, opened.tokenizer->vocabulary()};
  EXPECT_EQ(opened.tokenizer->decode(ids, false), "");
  EXPECT_FALSE(opened.tokenizer->is_special(-1));
  EXPECT_EQ(opened.tokenizer->piece(1 << 30), "[unused 1073741824]");
}

}  // namespace
}  // namespace sizeup
