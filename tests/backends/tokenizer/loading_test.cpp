// What loading decides (special tokens, ends of generation) and what it refuses.
#include <gmock/gmock.h>

#include "core/json/json.h"
#include "tests/backends/formats/gguf_builder.h"
#include "tests/backends/tokenizer/tokenizer_fixtures.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A folder with one of the golden tokenizers, which a test then changes.
class HuggingFaceLoading : public testing::Test {
 protected:
  HuggingFaceLoading() {
    const fs::path path = golden_folder() / "tokenizers" / "gpt2" / "tokenizer.json";
    root_ = *parse_json(read_whole(path), path.string());
  }

  OpenTokenizer load() {
    folder_.write("tokenizer.json", to_line(root_));
    return open_tokenizer(folder_.path());
  }
  std::string error() { return load().error; }

  TemporaryFolder folder_;
  Json root_;
};

TEST_F(HuggingFaceLoading, TakesSpecialTokensFromTokenizerConfig) {
  folder_.write("tokenizer_config.json", R"({"bos_token": {"content": "<s>"}, "eos_token": "</s>"})");
  const OpenTokenizer opened = load();
  ASSERT_EQ(opened.error, "");
  const Tokenizer& tokenizer = *opened.tokenizer;
  ASSERT_TRUE(tokenizer.special().bos && tokenizer.special().eos);
  EXPECT_EQ(tokenizer.piece(*tokenizer.special().bos), "<s>");
  EXPECT_EQ(tokenizer.piece(*tokenizer.special().eos), "</s>");
  EXPECT_FALSE(tokenizer.special().add_bos) << "the post-processor adds none, whatever bos_token is";
  EXPECT_EQ(tokenizer.encode("a", {}).size(), 1u);
  EXPECT_TRUE(tokenizer.is_special(*tokenizer.special().bos));
}

TEST_F(HuggingFaceLoading, KnowsWhereGenerationEnds) {
  folder_.write("tokenizer_config.json", R"({"bos_token": null, "eos_token": "</s>"})");
  folder_.write("generation_config.json", R"({"eos_token_id": [3, 100000]})");
  const OpenTokenizer opened = load();
  ASSERT_EQ(opened.error, "");
  std::vector<std::string> pieces;
  for (const Token token : opened.tokenizer->special().end_of_generation) {
    pieces.push_back(opened.tokenizer->piece(token));
  }
  // Declared by the tokenizer, declared for generation, and known by its name.
  EXPECT_THAT(pieces, testing::UnorderedElementsAre("</s>", opened.tokenizer->piece(3), "<|end|>"));
  EXPECT_FALSE(opened.tokenizer->special().bos.has_value());
}

TEST_F(HuggingFaceLoading, KnowsWhereTheTextOfAModelOfSeveralPartsEnds) {
  folder_.write("tokenizer_config.json", "{}");
  folder_.write("config.json", R"({"eos_token_id": null, "text_config": {"eos_token_id": 3}})");
  const OpenTokenizer opened = load();
  ASSERT_EQ(opened.error, "");
  EXPECT_THAT(opened.tokenizer->special().end_of_generation, testing::Contains(3));
}

TEST_F(HuggingFaceLoading, TemplatesAddTokens) {
  const OpenTokenizer both = open_tokenizer(golden_folder() / "tokenizers" / "gpt2_prefix");
  ASSERT_EQ(both.error, "");
  EXPECT_TRUE(both.tokenizer->special().add_bos);
  EXPECT_TRUE(both.tokenizer->special().add_eos);
  const auto ids = both.tokenizer->encode("", {});
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_EQ(both.tokenizer->piece(ids[0]), "<s>");
  EXPECT_EQ(both.tokenizer->piece(ids[1]), "</s>");
  EXPECT_EQ(both.tokenizer->special().bos, ids[0]);
}

TEST_F(HuggingFaceLoading, NamesWhatIsNotSupported) {
  const auto with = [&](const std::string& pointer, const std::string& value) {
    const Json saved = root_;
    root_[Json::json_pointer(pointer)] = *parse_json(value, "test");
    const std::string message = error();
    root_ = saved;
    return message;
  };
  EXPECT_THAT(with("/model/type", "\"Odd\""), HasSubstr("model of type 'Odd' is not supported yet"));
  EXPECT_THAT(with("/model/dropout", "0.1"), HasSubstr("dropout"));
  EXPECT_THAT(with("/normalizer", R"({"type": "Odd"})"), HasSubstr("normalizer of type 'Odd'"));
  EXPECT_THAT(with("/pre_tokenizer", R"({"type": "Odd"})"), HasSubstr("pre_tokenizer of type 'Odd'"));
  EXPECT_THAT(with("/decoder", R"({"type": "Odd"})"), HasSubstr("decoder of type 'Odd'"));
  EXPECT_THAT(with("/post_processor", R"({"type": "Odd"})"), HasSubstr("post_processor of type 'Odd'"));
  EXPECT_THAT(
      with("/pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"})"),
      HasSubstr("not well-formed"));
  EXPECT_THAT(
      with("/pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "[a&&b]"}, "behavior": "Isolated"})"),
      HasSubstr("&&, which is not supported yet"));
  EXPECT_THAT(
      with("/pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "[a[^b]]"}, "behavior": "Isolated"})"),
      HasSubstr("a negated class inside of a class"));
  EXPECT_THAT(with("/pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Odd"})"),
              HasSubstr("behavior of type 'Odd'"));
}

TEST_F(HuggingFaceLoading, RefusesWhatIsBroken) {
  const auto with = [&](const std::string& pointer, const std::string& value) {
    const Json saved = root_;
    root_[Json::json_pointer(pointer)] = *parse_json(value, "test");
    const std::string message = error();
    root_ = saved;
    return message;
  };
  EXPECT_THAT(with("/model/vocab", "[]"), HasSubstr("model.vocab is missing"));
  EXPECT_THAT(with("/model/vocab/x1", "-1"), HasSubstr("an id that is no small integer"));
  EXPECT_THAT(with("/model/vocab/x1", "1000000000"), HasSubstr("has the id 1000000000"));
  EXPECT_THAT(with("/model/vocab/x1", "5"), HasSubstr("twice"));
  EXPECT_THAT(with("/model/merges/0", "\"abc\""), HasSubstr("malformed entry 0"));
  EXPECT_THAT(with("/model/merges/0", "\"a zzzz\""),
              HasSubstr("entry 0 whose pieces are not all in the vocabulary"));
  EXPECT_THAT(with("/model/unk_token", "\"nowhere\""), HasSubstr("unk_token is not in the vocabulary"));
  EXPECT_THAT(with("/added_tokens/0", "{}"), HasSubstr("without id or content"));
  EXPECT_THAT(with("/added_tokens/0/id", "5"), HasSubstr("for another piece"));
  EXPECT_THAT(
      with(
          "/post_processor",
          R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}], "special_tokens": {}})"),
      HasSubstr("template with an unknown token"));
  EXPECT_THAT(
      with("/post_processor", R"({"type": "TemplateProcessing", "single": [], "special_tokens": {}})"),
      HasSubstr("without one place for the text"));
  EXPECT_THAT(with("/post_processor", R"({"type": "BertProcessing", "cls": ["a", 0], "sep": ["b", 9999]})"),
              HasSubstr("a token that is not in the vocabulary"));
  EXPECT_THAT(with("/normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "AAAA"})"),
              HasSubstr("precompiled_charsmap is cut short"));
  EXPECT_THAT(with("/normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "CAAAAA=="})"),
              HasSubstr("has a trie of 8 bytes in 4"));
  EXPECT_THAT(with("/normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "*"})"),
              HasSubstr("is no base64 text"));
  EXPECT_THAT(with("/pre_tokenizer", R"({"type": "FixedLength", "length": 0})"),
              HasSubstr("malformed length"));
  EXPECT_THAT(with("/pre_tokenizer", R"({"type": "CharDelimiterSplit", "delimiter": "ab"})"),
              HasSubstr("malformed delimiter"));
  EXPECT_THAT(with("/pre_tokenizer", R"({"type": "Metaspace", "replacement": ""})"),
              HasSubstr("malformed replacement"));
  EXPECT_THAT(with("/decoder", R"({"type": "Strip", "content": " "})"),
              HasSubstr("decoder Strip is malformed"));
  EXPECT_THAT(with("/model", R"({"type": "Unigram", "vocab": []})"), HasSubstr("model.vocab is missing"));
  EXPECT_THAT(with("/model", R"({"type": "Unigram", "vocab": [["a", 0]]})"), HasSubstr("unk_id is missing"));
  EXPECT_THAT(with("/model", R"({"type": "Unigram", "vocab": [["a", 0], ["a"]], "unk_id": 0})"),
              HasSubstr("malformed entry 1"));
  EXPECT_THAT(with("/model", R"({"type": "Unigram", "unk_id": 0, "vocab": [[")" + std::string(5000, 'a') +
                                 R"(", 0]]})"),
              HasSubstr("the piece 0 is too long"));
  EXPECT_THAT(with("/model", R"({"type": "WordPiece", "vocab": {"a": 0}})"),
              HasSubstr("unk_token is not in"));
  EXPECT_THAT(with("/model", R"({"type": "WordLevel", "vocab": {"a": 0}})"),
              HasSubstr("unk_token is not in"));
  folder_.write("tokenizer.json", "{\"model\"");
  EXPECT_THAT(open_tokenizer(folder_.path()).error, HasSubstr("not valid JSON"));
  fs::remove(folder_.path() / "tokenizer.json");
  folder_.write("config.json", "{}");
  folder_.write("model.safetensors", GgufBuilder().value<uint64_t>(2).raw("{}").bytes());
  EXPECT_THAT(open_tokenizer(folder_.path()).error, HasSubstr("has no tokenizer.json"));
}

// A pattern that would run for ages stops; the text is still tokenised.
TEST_F(HuggingFaceLoading, SurvivesAnExponentialPattern) {
  root_["pre_tokenizer"] = *parse_json(
      R"({"type": "Sequence", "pretokenizers": [
          {"type": "Split", "pattern": {"Regex": "(?:(?:a+)+)+b"}, "behavior": "Isolated"},
          {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})",
      "test");
  const OpenTokenizer opened = load();
  ASSERT_EQ(opened.error, "");
  const std::string text(200, 'a');
  EXPECT_EQ(opened.tokenizer->decode(plain(*opened.tokenizer, text), false), text);
}

// A GGUF file with a vocabulary of single characters, fields of which a test changes.
struct GgufVocabulary {
  std::string architecture = "llama";
  std::string model = "llama";
  std::string pre = "gpt-2";
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>", "a", "b", "ab", "<|im_end|>"};
  std::vector<int32_t> types = {2, 3, 3, 1, 1, 1, 3};
  std::vector<float> scores = {0, 0, 0, -1, -2, -3, 0};
  std::vector<std::string> merges = {"a b"};
  uint32_t eos = 2;

  std::string bytes() const {
    GgufBuilder builder;
    builder.header(0, 9).key("general.architecture", 8).text(architecture);
    builder.key("tokenizer.ggml.model", 8).text(model).key("tokenizer.ggml.pre", 8).text(pre);
    strings(builder.key("tokenizer.ggml.tokens", 9), tokens);
    strings(builder.key("tokenizer.ggml.merges", 9), merges);
    builder.key("tokenizer.ggml.token_type", 9).value<uint32_t>(5).value<uint64_t>(types.size());
    for (const int32_t type : types) builder.value(type);
    builder.key("tokenizer.ggml.scores", 9).value<uint32_t>(6).value<uint64_t>(scores.size());
    for (const float score : scores) builder.value(score);
    builder.key("tokenizer.ggml.bos_token_id", 4).value<uint32_t>(1);
    builder.key("tokenizer.ggml.eos_token_id", 4).value(eos);
    return builder.bytes();
  }

  static void strings(GgufBuilder& builder, const std::vector<std::string>& texts) {
    builder.value<uint32_t>(8).value<uint64_t>(texts.size());
    for (const std::string& text : texts) builder.text(text);
  }

  OpenTokenizer load() const {
    const TemporaryFolder folder;
    return open_tokenizer(folder.write("m.gguf", bytes()));
  }
};

TEST(GgufLoading, FollowsTheRulesOfEachModel) {
  GgufVocabulary vocabulary;
  const OpenTokenizer sentencepiece = vocabulary.load();
  ASSERT_EQ(sentencepiece.error, "");
  EXPECT_TRUE(sentencepiece.tokenizer->special().add_bos)
      << "SentencePiece models add BOS unless they say otherwise";
  EXPECT_THAT(sentencepiece.tokenizer->special().end_of_generation, testing::ElementsAre(2, 6));
  EXPECT_THAT(sentencepiece.tokenizer->encode("<|im_end|>ab", {.add_special = true, .parse_special = true}),
              testing::ElementsAre(1, 6, 0, 5));
  EXPECT_THAT(plain(*sentencepiece.tokenizer, "</s>"), testing::Not(testing::Contains(2)));

  vocabulary.model = "gpt2";
  const OpenTokenizer gpt2 = vocabulary.load();
  ASSERT_EQ(gpt2.error, "");
  EXPECT_FALSE(gpt2.tokenizer->special().add_bos);
  EXPECT_THAT(gpt2.tokenizer->encode("abb", {}), testing::ElementsAre(5, 4));
  vocabulary.pre = "llama-bpe";
  EXPECT_TRUE(vocabulary.load().tokenizer->special().add_bos);
}

// GGUF does not say so, but Phi-3's control tokens take the white space behind them along.
TEST(GgufLoading, KnowsPhi3sControlTokens) {
  GgufVocabulary vocabulary;
  const EncodeOptions parse{.add_special = false, .parse_special = true};
  EXPECT_EQ(vocabulary.load().tokenizer->encode("<|im_end|>\n \nab", parse).size(), 6u);
  vocabulary.architecture = "phi3";
  EXPECT_THAT(vocabulary.load().tokenizer->encode("<|im_end|>\n \nab", parse), testing::ElementsAre(6, 0, 5));
  EXPECT_THAT(vocabulary.load().tokenizer->encode("<s>\nb", parse), testing::ElementsAre(1, 0, 0, 4));
}

// A user-defined token made of half a character must not cut a character of the text in two.
TEST(GgufLoading, SurvivesPiecesThatAreNoText) {
  GgufVocabulary vocabulary;
  vocabulary.tokens[4] = "\xA9";
  vocabulary.types[4] = 4;
  const OpenTokenizer opened = vocabulary.load();
  ASSERT_EQ(opened.error, "");
  EXPECT_THAT(plain(*opened.tokenizer, "a\xC3\xA9\xA9"), testing::Not(testing::Contains(4)));
}

TEST(GgufLoading, NamesKindAndKeyOfWhatItRefuses) {
  const auto error = [](auto change) {
    GgufVocabulary vocabulary;
    change(vocabulary);
    return vocabulary.load().error;
  };
  EXPECT_THAT(error([](auto& v) { v.model = "rwkv"; }),
              HasSubstr("tokenizer.ggml.model 'rwkv' is not supported yet"));
  EXPECT_THAT(error([](auto& v) { v.model = "bert"; }), HasSubstr("unknown_token_id is missing"));
  EXPECT_THAT(error([](auto& v) { v.model = "t5", v.types[0] = 3; }), HasSubstr("no piece for unknown text"));
  EXPECT_THAT(error([](auto& v) { v.model = ""; }), HasSubstr("tokenizer.ggml.model is missing"));
  EXPECT_THAT(error([](auto& v) { v.model = "gpt2", v.pre = "odd"; }),
              HasSubstr("tokenizer.ggml.pre 'odd' is not supported yet"));
  EXPECT_THAT(error([](auto& v) { v.tokens[4] = "a"; }), HasSubstr("has the token 4 twice"));
  EXPECT_THAT(error([](auto& v) { v.types.pop_back(); }),
              HasSubstr("tokenizer.ggml.token_type is malformed"));
  EXPECT_THAT(error([](auto& v) { v.scores.pop_back(); }), HasSubstr("tokenizer.ggml.scores is malformed"));
  EXPECT_THAT(error([](auto& v) { v.eos = 7; }), HasSubstr("tokenizer.ggml.eos_token_id is no token"));
  EXPECT_THAT(error([](auto& v) { v.model = "gpt2", v.merges = {"ab"}; }), HasSubstr("malformed entry 0"));
  EXPECT_THAT(error([](auto& v) { v.tokens.clear(); }), HasSubstr("tokenizer.ggml.tokens is empty"));
}

}  // namespace
}  // namespace sizeup
