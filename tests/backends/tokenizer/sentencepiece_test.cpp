// SentencePiece models: what add_special adds, where they are looked for, and what is refused.
#include <gmock/gmock.h>

#include "backends/engine/tokenizer/prefix_trie.h"
#include "tests/backends/formats/gguf_builder.h"
#include "tests/backends/tokenizer/tokenizer_fixtures.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Messages of sentencepiece_model.proto.
class Message {
 public:
  Message& number(uint32_t field, uint64_t value) {
    varint(field << 3);
    varint(value);
    return *this;
  }
  Message& text(uint32_t field, std::string_view value) {
    varint(field << 3 | 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& real(uint32_t field, float value) {
    varint(field << 3 | 5);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

std::string piece(std::string_view text, float score, uint64_t type) {
  return Message().text(1, text).real(2, score).number(3, type).bytes();
}

// A model of few pieces, which a test changes.
struct TinyModel {
  uint64_t algorithm = 2;  // BPE
  std::vector<std::string> pieces = {piece("<unk>", 0, 2),         piece("<s>", 0, 3), piece("</s>", 0, 3),
                                     piece("\xE2\x96\x81", -1, 1), piece("a", -2, 1),  piece("aa", -3, 1)};
  std::string normalizer = Message().number(4, 0).bytes();

  std::string bytes() const {
    Message model;
    for (const std::string& entry : pieces) model.text(1, entry);
    model.text(2, Message().number(3, algorithm).bytes()).text(3, normalizer);
    return model.bytes();
  }
  std::string error() const {
    const TemporaryFolder folder;
    return open_tokenizer(folder.write("m.model", bytes())).error;
  }
};

TEST(SentencePieceModels, AddWhatTheirKindsAdd) {
  TinyModel model;
  const TemporaryFolder folder;
  const auto path = folder.write("tokenizer.model", model.bytes());
  const OpenTokenizer bpe = open_tokenizer(path);
  ASSERT_EQ(bpe.error, "");
  EXPECT_EQ(bpe.tokenizer->kind(), "SentencePiece BPE");
  EXPECT_THAT(bpe.tokenizer->encode("aaa", {}), ElementsAre(1, 3, 5, 4));
  EXPECT_THAT(bpe.tokenizer->special().end_of_generation, ElementsAre(2));
  EXPECT_EQ(bpe.tokenizer->decode(std::vector<Token>{1, 3, 5, 0}, true), "aa");
  EXPECT_EQ(bpe.tokenizer->decode(std::vector<Token>{3, 5, 0}, false), "aa \xE2\x81\x87 ");
  folder.write("tokenizer_config.json", R"({"add_bos_token": false, "add_eos_token": true})");
  EXPECT_THAT(open_tokenizer(path).tokenizer->encode("a", {}), ElementsAre(3, 4, 2));
  EXPECT_THAT(open_tokenizer(folder.path()).tokenizer->encode("a", {}), ElementsAre(3, 4, 2))
      << "the folder is the same";

  model.algorithm = 1;
  const TemporaryFolder other;
  const OpenTokenizer unigram = open_tokenizer(other.write("any.model", model.bytes()));
  ASSERT_EQ(unigram.error, "");
  EXPECT_EQ(unigram.tokenizer->kind(), "SentencePiece Unigram");
  EXPECT_THAT(unigram.tokenizer->encode("aa", {}), ElementsAre(3, 5, 2));
}

TEST(SentencePieceModels, ParseSpecialTokensOnRequestOnly) {
  const TemporaryFolder folder;
  const OpenTokenizer opened = open_tokenizer(folder.write("m.model", TinyModel().bytes()));
  ASSERT_EQ(opened.error, "");
  const EncodeOptions parse{.add_special = false, .parse_special = true};
  EXPECT_THAT(opened.tokenizer->encode("a</s>a", parse), ElementsAre(3, 4, 2, 3, 4));
  EXPECT_THAT(plain(*opened.tokenizer, "a</s>"), testing::Not(testing::Contains(2)));
}

TEST(SentencePieceModels, RefuseWhatIsBroken) {
  const auto error = [](auto change) {
    TinyModel model;
    change(model);
    return model.error();
  };
  EXPECT_THAT(error([](auto& m) { m.algorithm = 3; }), HasSubstr("of words or characters"));
  EXPECT_THAT(error([](auto& m) { m.algorithm = 9; }), HasSubstr("model type 9"));
  EXPECT_THAT(error([](auto& m) { m.pieces.push_back(piece("a", 0, 1)); }), HasSubstr("twice: 6"));
  EXPECT_THAT(error([](auto& m) { m.pieces[4] = piece("", 0, 1); }), HasSubstr("empty piece"));
  EXPECT_THAT(error([](auto& m) { m.pieces[4] = piece("x", 0, 7); }), HasSubstr("piece of type 7"));
  EXPECT_THAT(error([](auto& m) { m.pieces[0] = piece("<unk>", 0, 3); }), HasSubstr("for unknown text"));
  EXPECT_THAT(error([](auto& m) { m.pieces.clear(); }), HasSubstr("has no pieces"));
  EXPECT_THAT(error([](auto& m) { m.pieces[4] = "\x0A\x7F"; }), HasSubstr("malformed field at byte 0"));
  EXPECT_THAT(error([](auto& m) { m.normalizer = Message().text(2, "abc").bytes(); }),
              HasSubstr("precompiled_charsmap is cut short"));
  const std::string whole = TinyModel().bytes();
  const TemporaryFolder folder;
  EXPECT_THAT(open_tokenizer(folder.write("m.model", whole.substr(0, whole.size() - 1))).error,
              HasSubstr("the download may be incomplete"));
}

TEST(PrefixTrie, FindsEveryKeyTheShortestFirst) {
  const PrefixTrie trie({{"ab", 1}, {"a", 2}, {"abcd", 3}, {"b", 4}, {"ab", 7}, {"", 9}});
  std::vector<std::pair<size_t, int32_t>> found;
  trie.visit_prefixes("abcx", [&](size_t length, int32_t value) { found.emplace_back(length, value); });
  EXPECT_THAT(found, ElementsAre(std::pair<size_t, int32_t>(1, 2), std::pair<size_t, int32_t>(2, 7)));
  EXPECT_EQ(trie.longest_prefix("abcd"), 4u);
  EXPECT_EQ(trie.longest_prefix("x"), 0u);
  EXPECT_EQ(trie.longest_prefix(""), 0u);
  EXPECT_EQ(PrefixTrie().longest_prefix("a"), 0u);
}

// GGUF spells BERT's pieces otherwise; the ids are those of the original vocabulary.
TEST(GgufKinds, BertIsWordPiece) {
  const std::vector<std::string> tokens = {
      "[PAD]", "[UNK]", "[CLS]", "[SEP]", "\xE2\x96\x81hello", "\xE2\x96\x81wor", "ld", "\xE2\x96\x81!"};
  GgufBuilder builder;
  builder.header(0, 6).key("tokenizer.ggml.model", 8).text("bert");
  builder.key("tokenizer.ggml.tokens", 9).value<uint32_t>(8).value<uint64_t>(tokens.size());
  for (const std::string& token : tokens) builder.text(token);
  builder.key("tokenizer.ggml.token_type", 9).value<uint32_t>(5).value<uint64_t>(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) builder.value<int32_t>(i == 1 ? 2 : i < 4 ? 3 : 1);
  builder.key("tokenizer.ggml.unknown_token_id", 4).value<uint32_t>(1);
  builder.key("tokenizer.ggml.cls_token_id", 4).value<uint32_t>(2);
  builder.key("tokenizer.ggml.seperator_token_id", 4).value<uint32_t>(3);
  const TemporaryFolder folder;
  const OpenTokenizer opened = open_tokenizer(folder.write("m.gguf", builder.bytes()));
  ASSERT_EQ(opened.error, "");
  const auto ids = opened.tokenizer->encode("HELLO w\xC3\xB6rld! ld", {});
  EXPECT_THAT(ids, ElementsAre(2, 4, 5, 6, 7, 1, 3));
  EXPECT_EQ(opened.tokenizer->decode(std::span(ids).subspan(0, 5), true), "hello world!");
  EXPECT_EQ(opened.tokenizer->piece(6), "##ld");
}

TEST(GgufKinds, T5IsUnigramAndEndsWithEos) {
  const std::vector<std::string> tokens = {"<pad>", "</s>", "<unk>", "\xE2\x96\x81", "a", "aa"};
  const std::vector<float> scores = {0, 0, 0, -1, -2, -3};
  const std::vector<int32_t> types = {3, 3, 2, 1, 1, 1};
  GgufBuilder builder;
  builder.header(0, 5).key("tokenizer.ggml.model", 8).text("t5");
  builder.key("tokenizer.ggml.tokens", 9).value<uint32_t>(8).value<uint64_t>(tokens.size());
  for (const std::string& token : tokens) builder.text(token);
  builder.key("tokenizer.ggml.token_type", 9).value<uint32_t>(5).value<uint64_t>(types.size());
  for (const int32_t type : types) builder.value(type);
  builder.key("tokenizer.ggml.scores", 9).value<uint32_t>(6).value<uint64_t>(scores.size());
  for (const float score : scores) builder.value(score);
  builder.key("tokenizer.ggml.eos_token_id", 4).value<uint32_t>(1);
  const TemporaryFolder folder;
  const OpenTokenizer opened = open_tokenizer(folder.write("m.gguf", builder.bytes()));
  ASSERT_EQ(opened.error, "");
  EXPECT_THAT(opened.tokenizer->encode("  aa  a ", {}), ElementsAre(3, 5, 3, 4, 1));
}

}  // namespace
}  // namespace sizeup
