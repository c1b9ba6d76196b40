// Cutting and truncating as lm-evaluation-harness does it, on a tokenizer that is easy to read: one token a
// byte, except that "ab" is one token, and "<s>" and "</s>" are special.
#include "backends/engine/request_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "backends/engine/answer_text.h"
#include "backends/engine/trailing_space.h"
#include "core/json/json.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Token kBos = 256;
constexpr Token kEos = 257;
constexpr Token kAb = 258;

class ByteTokenizer : public Tokenizer {
 public:
  explicit ByteTokenizer(SpecialTokens special) : special_(std::move(special)) {}
  std::string_view kind() const override { return "bytes"; }
  int vocabulary() const override { return 259; }
  const SpecialTokens& special() const override { return special_; }
  std::vector<Token> encode(std::string_view text, const EncodeOptions& options) const override {
    std::vector<Token> tokens;
    if (options.add_special && special_.add_bos) tokens.push_back(kBos);
    while (!text.empty()) {
      const auto take = [&](std::string_view piece, Token token) {
        if (!text.starts_with(piece)) return false;
        tokens.push_back(token);
        text.remove_prefix(piece.size());
        return true;
      };
      if (options.parse_special && (take("<s>", kBos) || take("</s>", kEos))) continue;
      if (!take("ab", kAb)) take(text.substr(0, 1), static_cast<unsigned char>(text[0]));
    }
    return tokens;
  }
  std::string decode(std::span<const Token>, bool) const override { return {}; }
  std::string piece(Token token) const override {
    return token == kBos ? "<s>" : token == kEos ? "</s>" : "?";
  }
  bool is_special(Token token) const override { return token == kBos || token == kEos; }

 private:
  SpecialTokens special_;
};

TextModel model(SpecialTokens special, std::optional<std::string> chat_template = std::nullopt) {
  return TextModel(std::make_unique<ByteTokenizer>(std::move(special)), std::move(chat_template),
                   "2026-01-01T00:00:00");
}

const SpecialTokens kAddsBos{.bos = kBos, .eos = kEos, .end_of_generation = {kEos}, .add_bos = true};
const SpecialTokens kKnowsBos{.bos = kBos, .eos = kEos, .end_of_generation = {kEos}};
const SpecialTokens kOnlyEos{.bos = std::nullopt, .eos = kEos, .end_of_generation = {kEos}};
const SpecialTokens kNothing{.bos = std::nullopt, .eos = std::nullopt, .end_of_generation = {}};
const DecoderLimits kLimits{.context_length = 8, .vocabulary = 259};

Request score(Prompt context, std::string continuation, Truncate truncate = Truncate::left) {
  return {
      .id = 1, .ask = ScoreContinuation{std::move(context), std::move(continuation)}, .truncate = truncate};
}

Request generate(std::string prompt, int max_tokens, Truncate truncate = Truncate::left) {
  return {.id = 1,
          .ask = Generate{.prompt = std::move(prompt), .max_tokens = max_tokens, .stop = {}, .sampling = {}},
          .truncate = truncate};
}

Result<TokenisedRequest> tokenise(const Request& request, const TextModel& text,
                                  const DecoderLimits& limits) {
  return RequestTokeniser(text, limits).tokenise(request);
}

std::vector<Token> all_tokens(const TokenRequest& part) {
  std::vector<Token> all = part.tokens;
  all.push_back(part.targets.back());
  return all;
}

TEST(ScoreTokens, FollowTheContext) {
  const auto result = tokenise(score("xy", " z"), model(kAddsBos), kLimits);
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(result->parts[0].tokens, ElementsAre(kBos, 'x', 'y', ' '));
  EXPECT_THAT(result->parts[0].targets, ElementsAre(' ', 'z'));
  EXPECT_EQ(result->parts[0].first_target, 2);
  EXPECT_THAT(result->response.tokens, ElementsAre(' ', 'z'));
  EXPECT_EQ(result->response.prompt_tokens, 3);
  EXPECT_FALSE(result->response.truncated);
}

TEST(ScoreTokens, AddNothingWhenToldSo) {
  Request request = score("xy", " z");
  request.add_special = false;
  const auto result = tokenise(request, model(kAddsBos), kLimits);
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(result->parts[0].tokens, ElementsAre('x', 'y', ' '));
  EXPECT_EQ(result->response.prompt_tokens, 2);
}

TEST(ScoreTokens, TakeOverTheContextsTrailingSpace) {
  const auto result = tokenise(score("x \n", "z"), model(kAddsBos), kLimits);
  EXPECT_THAT(result->response.tokens, ElementsAre(' ', '\n', 'z'));
  EXPECT_EQ(result->response.prompt_tokens, 2);
}

TEST(ScoreTokens, AreCutAtTheContextsOwnTokenCount) {
  // The joined text's "ab" is one token; cutting it at the two tokens of "xa" leaves the continuation without
  // it, and the context stays as it is encoded alone.
  const auto result = tokenise(score("xa", "bc"), model(kKnowsBos), kLimits);
  EXPECT_THAT(result->response.tokens, ElementsAre('c'));
  EXPECT_THAT(all_tokens(result->parts[0]), ElementsAre('x', 'a', 'c'));
}

TEST(ScoreTokens, DoNotDependOnTheRequestsBefore) {
  const TextModel text = model(kAddsBos);
  RequestTokeniser tokeniser(text, kLimits);
  Request bare = score("xa", "z");
  bare.add_special = false;
  for (const Request& request : {score("xa", "bc"), score("xa", "z"), bare, score("xb", "z"),
                                 score("xb ", "z"), score("", "z"), score("xb", "z")}) {
    const auto alone = tokenise(request, text, kLimits);
    const auto after = tokeniser.tokenise(request);
    ASSERT_TRUE(after.has_value());
    EXPECT_EQ(after->response.tokens, alone->response.tokens);
    EXPECT_EQ(after->parts[0].tokens, alone->parts[0].tokens);
  }
}

TEST(ScoreTokens, OfAnEmptyContextFollowBosOrEos) {
  for (const auto& special : {kAddsBos, kKnowsBos}) {
    const auto result = tokenise(score("", "xy"), model(special), kLimits);
    EXPECT_THAT(all_tokens(result->parts[0]), ElementsAre(kBos, 'x', 'y'));
    EXPECT_THAT(result->response.tokens, ElementsAre('x', 'y'));
  }
  EXPECT_THAT(all_tokens(tokenise(score("", "xy"), model(kOnlyEos), kLimits)->parts[0]),
              ElementsAre(kEos, 'x', 'y'));
  EXPECT_THAT(all_tokens(tokenise(score("  ", "x"), model(kOnlyEos), kLimits)->parts[0]),
              ElementsAre(kEos, ' ', ' ', 'x'));
  EXPECT_THAT(tokenise(score("", "xy"), model(kNothing), kLimits).error().message,
              HasSubstr("neither BOS nor EOS"));
}

TEST(ScoreTokens, GetNoSecondBos) {
  const auto result = tokenise(score("<s>x", "</s>"), model(kAddsBos), kLimits);
  EXPECT_THAT(all_tokens(result->parts[0]), ElementsAre(kBos, 'x', kEos));
  // Elsewhere in a plain prompt special tokens are text.
  EXPECT_THAT(tokenise(score("x", "</s>"), model(kKnowsBos), kLimits)->response.tokens,
              ElementsAre('<', '/', 's', '>'));
}

TEST(ScoreTokens, AreTruncatedFromTheLeft) {
  const auto exact = tokenise(score("1234567", "89"), model(kKnowsBos), kLimits);
  EXPECT_FALSE(exact->response.truncated);  // nine tokens: eight are read, the last is only predicted
  EXPECT_EQ(exact->parts[0].tokens.size(), 8u);
  const auto cut = tokenise(score("01234567", "89"), model(kKnowsBos), kLimits);
  EXPECT_TRUE(cut->response.truncated);
  EXPECT_THAT(cut->parts[0].tokens, ElementsAre('1', '2', '3', '4', '5', '6', '7', '8'));
  EXPECT_THAT(cut->parts[0].targets, ElementsAre('8', '9'));
  EXPECT_THAT(tokenise(score("01234567", "89", Truncate::error), model(kKnowsBos), kLimits).error().message,
              HasSubstr("have 10 tokens"));
  EXPECT_THAT(tokenise(score("x", "123456789"), model(kKnowsBos), kLimits).error().message,
              HasSubstr("continuation has 9 tokens"));
  EXPECT_THAT(tokenise(score("x", ""), model(kKnowsBos), kLimits).error().message, HasSubstr("no tokens"));
}

TEST(ScoreTokens, OfAConversationAreParsedAndGetNothingAdded) {
  const std::string chat_template =
      "{{ bos_token }}{% for m in messages %}[{{ m.content }}]{% endfor %}{% if add_generation_prompt %}>{% "
      "endif %}";
  const Prompt chat = std::vector<ChatMessage>{{"user", "x</s>"}};
  const auto result = tokenise(score(chat, "y"), model(kAddsBos, chat_template), kLimits);
  ASSERT_TRUE(result.has_value()) << describe(result.error());
  EXPECT_THAT(all_tokens(result->parts[0]), ElementsAre(kBos, '[', 'x', kEos, ']', '>', 'y'));
  EXPECT_THAT(tokenise(score(chat, "y"), model(kAddsBos), kLimits).error().message,
              HasSubstr("no chat template"));
  const TextModel broken = model(kAddsBos, "{% for %}");
  EXPECT_TRUE(tokenise(score("x", "y"), broken, kLimits).has_value());
  EXPECT_FALSE(tokenise(score(chat, "y"), broken, kLimits).has_value());
}

// Golden: tests/oracles/chat_continue_golden.py.
TEST(Conversation, ALastMessageOfTheAssistantIsContinuedAsTransformersDoes) {
  const Json cases = Json::parse(read_whole(golden_folder() / "chat_continue.json"));
  ASSERT_EQ(cases.size(), 12U);
  for (const Json& one : cases) {
    std::vector<ChatMessage> chat;
    for (const Json& message : one["messages"]) chat.push_back({message[0], message[1]});
    const auto rendered = model(kAddsBos, one["template"].get<std::string>()).render(chat);
    ASSERT_TRUE(rendered.has_value()) << describe(rendered.error());
    EXPECT_EQ(rendered->text, one["text"].get<std::string>()) << one["name"];
  }
  const TextModel drops = model(kAddsBos, "{{ messages[0].content }}");
  EXPECT_THAT(drops.render(std::vector<ChatMessage>{{"user", "x"}, {"assistant", "y"}}).error().message,
              HasSubstr("leaves out the last message"));
}

TEST(ScoreTokens, MustHaveAnEmbedding) {
  EXPECT_THAT(
      tokenise(score("x", "ab"), model(kKnowsBos), {.context_length = 8, .vocabulary = 258}).error().message,
      HasSubstr("no embedding"));
}

// Values of get_rolling_token_windows(tokens, prefix, max_seq_len=4, context_len=1), lm_eval/utils.py.
TEST(TextTokens, AreCutIntoTheReferencesWindows) {
  const DecoderLimits four{.context_length = 4, .vocabulary = 259};
  const auto windows = [&](std::string text) {
    const auto result = tokenise({.id = 1, .ask = ScoreText{std::move(text)}}, model(kKnowsBos), four);
    std::string all;
    for (size_t i = 0; i < result->parts.size(); ++i) {
      const TokenRequest& part = result->parts[i];
      EXPECT_EQ(result->response.tokens[static_cast<size_t>(result->offsets[i])], part.targets.front());
      for (const Token token : part.tokens) all += token == kBos ? '^' : static_cast<char>(token);
      all += '|';
      for (const Token token : part.targets) all += static_cast<char>(token);
      all += ' ';
    }
    return all;
  };
  EXPECT_EQ(windows("0"), "^|0 ");
  EXPECT_EQ(windows("0123"), "^012|0123 ");
  EXPECT_EQ(windows("01234"), "^012|0123 0123|4 ");
  EXPECT_EQ(windows("01234567"), "^012|0123 3456|4567 ");
  EXPECT_EQ(windows("0123456789"), "^012|0123 3456|4567 5678|89 ");
}

TEST(TextTokens, AreConditionedOnBosEvenWhereTheTokenizerAddsOne) {
  const auto result = tokenise({.id = 1, .ask = ScoreText{"x"}}, model(kAddsBos), kLimits);
  EXPECT_THAT(all_tokens(result->parts[0]), ElementsAre(kBos, kBos, 'x'));
  EXPECT_THAT(result->response.tokens, ElementsAre(kBos, 'x'));
}

TEST(TextTokens, WithoutBosAndEosStartUnconditioned) {
  const auto result = tokenise({.id = 1, .ask = ScoreText{"xyz"}}, model(kNothing), kLimits);
  EXPECT_THAT(all_tokens(result->parts[0]), ElementsAre('x', 'y', 'z'));
  EXPECT_THAT(result->offsets, ElementsAre(1));
  EXPECT_TRUE(std::isnan(result->response.token_logprobs[0]));
  EXPECT_THAT(tokenise({.id = 1, .ask = ScoreText{"x"}}, model(kNothing), kLimits)->parts, IsEmpty());
  EXPECT_THAT(tokenise({.id = 1, .ask = ScoreText{""}}, model(kKnowsBos), kLimits)->parts, IsEmpty());
}

TEST(GenerationTokens, LeaveRoomForTheAnswer) {
  const auto fits = tokenise(generate("12345", 3), model(kKnowsBos), kLimits);
  EXPECT_FALSE(fits->response.truncated);
  EXPECT_EQ(fits->parts[0].max_new_tokens, 3);
  const auto cut = tokenise(generate("12345", 4), model(kKnowsBos), kLimits);
  EXPECT_TRUE(cut->response.truncated);
  EXPECT_THAT(cut->parts[0].tokens, ElementsAre('2', '3', '4', '5'));
  const auto one = tokenise(generate("12345", 100), model(kKnowsBos), kLimits);
  EXPECT_THAT(one->parts[0].tokens, ElementsAre('5'));
  EXPECT_EQ(one->parts[0].max_new_tokens, 7);
  EXPECT_THAT(tokenise(generate("12345", 4, Truncate::error), model(kKnowsBos), kLimits).error().message,
              HasSubstr("prompt has 5 tokens"));
}

TEST(GenerationTokens, OfAnEmptyPromptAreBosOrEos) {
  EXPECT_THAT(tokenise(generate("", 4), model(kOnlyEos), kLimits)->parts[0].tokens, ElementsAre(kEos));
  EXPECT_FALSE(tokenise(generate("", 4), model(kNothing), kLimits).has_value());
  const auto none = tokenise(generate("x", 0), model(kKnowsBos), kLimits);
  EXPECT_THAT(none->parts, IsEmpty());
  EXPECT_EQ(none->response.finish, FinishReason::length);
}

TEST(TrailingSpace, IsPythons) {
  const auto kept = [](std::string_view text) {
    return std::string(text.substr(0, length_without_trailing_space(text)));
  };
  EXPECT_EQ(kept("a \t\r\n\v\f\x1c\x1f"), "a");
  EXPECT_EQ(kept("a\u00A0\u0085\u1680\u2003\u2028\u202F\u205F\u3000"), "a");
  EXPECT_EQ(kept("a\u200B"), "a\u200B");  // a zero-width space is none
  EXPECT_EQ(kept(" a"), " a");
  EXPECT_EQ(kept("  "), "");
  EXPECT_EQ(kept("\xA0"), "\xA0");  // not UTF-8: a byte of its own
}

TEST(AnswerText, EndsBeforeStopsInTheirOrder) {
  const std::vector<std::string> stops = {"\n\n", "", "Q:"};
  EXPECT_EQ(before_stops("a Q: b\n\nc", stops), "a ");
  EXPECT_EQ(before_stops("a\n\nQ: b", stops), "a");
  EXPECT_EQ(before_stops("plain", stops), "plain");
  EXPECT_FALSE(contains_stop("a\nb", stops));
  EXPECT_TRUE(contains_stop("xQ:", stops));
  // "abc" cut by "b" first leaves "xa"; the reference applies them one after the other.
  EXPECT_EQ(before_stops("xabc", std::vector<std::string>{"b", "abc"}), "xa");
}

}  // namespace
}  // namespace sizeup
