#include "harness/run/asking.h"

#include <gmock/gmock.h>

#include <set>

#include "core/json/json.h"
#include "fake_backend.h"
#include "fake_task.h"

namespace sizeup {
namespace {

Sample sample_of(OutputType type) {
  return FakeTask("t", type, 1, "System. ").samples(1)->front();
}

ModelCard card() {
  ModelCard card;
  card.fingerprint = "f";
  card.backend = "engine";
  card.device = "cpu";
  card.tier = "avx2";
  card.precision = "float32";
  card.context_length = 128;
  return card;
}

Request generation(const Asking& asking, double temperature, size_t ask_index = 0) {
  const Sample sample = sample_of(OutputType::generate_until);
  AskGenerate ask;
  ask.temperature = temperature;
  ask.stop = {"\n"};
  return request_of(sample, ask, ask_index, prompt_of(sample.prompt, asking.chat_template), asking);
}

TEST(Asking, PlainTextJoinsDescriptionAndQuestion) {
  EXPECT_EQ(text_of(prompt_of({"System. ", "Question"}, false)), "System. Question");
  EXPECT_EQ(text_of(prompt_of({"System. ", "Question"}, true)), "<system>System. <user>Question<assistant>");
  EXPECT_EQ(text_of(prompt_of({"", "Question"}, true)), "<user>Question<assistant>");
  EXPECT_EQ(text_of(without_system(prompt_of({"System. ", "Question"}, true))), "<user>Question<assistant>");
}

TEST(Asking, AnAnswerThatHasBegunIsTheAssistantsLastMessage) {
  EXPECT_EQ(text_of(prompt_of({"", "Question", " ", "It is"}, false)), "Question It is");
  const Prompt chat = prompt_of({"System. ", "Question", " ", "It is"}, true);
  const auto& messages = std::get<std::vector<ChatMessage>>(chat);
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[1].content, "Question");
  EXPECT_EQ(messages[2].role, "assistant");
  EXPECT_EQ(messages[2].content, "It is");
}

TEST(Asking, ExamplesAreTurnsBeforeTheQuestion) {
  PromptText text{"System. ", "Question"};
  text.turns = {{"First", "one"}, {"Second", "two"}};
  EXPECT_EQ(text_of(prompt_of(text, true)),
            "<system>System. <user>First<assistant>one<user>Second<assistant>two<user>Question<assistant>");
}

// WinoGrande's form: the choice ends the prompt, so each ask has a prompt of its own.
TEST(Asking, AChoiceThatEndsThePrompt) {
  Sample sample = sample_of(OutputType::multiple_choice);
  sample.prompt = {"", "Shots\n\n"};
  sample.asks = {AskScore{" ", "ran away.", "Sam"}, AskScore{" ", "ran away.", "Tom"}};
  EXPECT_EQ(text_of(prompt_of(text_of(sample, sample.asks[1]), false)), "Shots\n\nTom");
  const Asking plain;
  const Request request = request_of(sample, sample.asks[1], 1, std::string("Shots\n\nTom"), plain);
  EXPECT_EQ(std::get<ScoreContinuation>(request.ask).continuation, " ran away.");
}

// As lm-evaluation-harness: the space before a choice is kept in a conversation only behind a begun answer.
TEST(Asking, AChoiceIsKeptApartFromABegunAnswer) {
  Sample sample = sample_of(OutputType::multiple_choice);
  Asking asking;
  asking.chat_template = true;
  for (const auto& [prefix, continuation] : {std::pair{"It is", " B"}, std::pair{"It is\n", "B"}}) {
    sample.prompt.prefix = prefix;
    const Request chat = request_of(sample, sample.asks[1], 1, prompt_of(sample.prompt, true), asking);
    EXPECT_EQ(std::get<ScoreContinuation>(chat.ask).continuation, continuation);
  }
}

TEST(Asking, TheDelimiterIsThereWithoutATemplateOnly) {
  const Sample sample = sample_of(OutputType::multiple_choice);
  Asking asking;
  const Request plain = request_of(sample, sample.asks[1], 1, prompt_of(sample.prompt, false), asking);
  EXPECT_EQ(std::get<ScoreContinuation>(plain.ask).continuation, " B");
  asking.chat_template = true;
  const Request chat = request_of(sample, sample.asks[1], 1, prompt_of(sample.prompt, true), asking);
  EXPECT_EQ(std::get<ScoreContinuation>(chat.ask).continuation, "B");
}

TEST(Asking, ARollingTextIsTheQuestionAlone) {
  const Sample sample = sample_of(OutputType::loglikelihood_rolling);
  const Request request = request_of(sample, sample.asks[0], 0, Prompt(sample.prompt.user), {});
  EXPECT_EQ(std::get<ScoreText>(request.ask).text, "question 0 of t");
}

TEST(Asking, TheTasksTruncationRuleReachesTheRequest) {
  EXPECT_EQ(generation({false, 1, Truncation::left}, 0).truncate, Truncate::left);
  EXPECT_EQ(generation({false, 1, Truncation::error}, 0).truncate, Truncate::error);
}

TEST(Asking, StreamsTellDocumentsAndAsksApart) {
  const auto stream = [](const Request& request) { return std::get<Generate>(request.ask).sampling.stream; };
  const Request request = generation({}, 0.5);
  EXPECT_EQ(stream(request), stream(generation({}, 0.5)));
  EXPECT_NE(stream(request), stream(generation({}, 0.5, 1)));
}

TEST(ResponseKey, DependsOnEverythingThatCanChangeTheAnswer) {
  std::set<std::string> keys;
  const auto differs = [&](const ModelCard& model, const Request& request, const std::string& rendered) {
    return keys.insert(response_key_json(model, request, rendered)).second;
  };
  const Request greedy = generation({}, 0);
  EXPECT_TRUE(differs(card(), greedy, "text"));
  EXPECT_FALSE(differs(card(), greedy, "text"));
  EXPECT_TRUE(differs(card(), greedy, "other text"));
  for (std::string ModelCard::*member : {&ModelCard::fingerprint, &ModelCard::backend, &ModelCard::device,
                                         &ModelCard::tier, &ModelCard::precision}) {
    ModelCard changed = card();
    changed.*member += "x";
    EXPECT_TRUE(differs(changed, greedy, "text"));
  }
  ModelCard shorter = card();
  shorter.context_length = 64;
  EXPECT_TRUE(differs(shorter, greedy, "text"));
  EXPECT_TRUE(differs(card(), generation({false, 0, Truncation::error}, 0), "text"));
  EXPECT_TRUE(differs(card(), generation({true, 0}, 0), "text"));  // special tokens are parsed in a template

  Request changed = greedy;
  std::get<Generate>(changed.ask).max_tokens = 7;
  EXPECT_TRUE(differs(card(), changed, "text"));
  changed = greedy;
  std::get<Generate>(changed.ask).stop = {"\n", "x"};
  EXPECT_TRUE(differs(card(), changed, "text"));
  changed = greedy;
  changed.add_special = false;
  EXPECT_TRUE(differs(card(), changed, "text"));

  EXPECT_TRUE(differs(card(), Request{0, ScoreText{"text"}}, "text"));
  EXPECT_TRUE(differs(card(), Request{0, ScoreContinuation{"text", " A"}}, "text"));
  EXPECT_TRUE(differs(card(), Request{0, ScoreContinuation{"text", " B"}}, "text"));
}

TEST(ResponseKey, SeedAndFiltersMatterOnlyWhereSomethingIsSampled) {
  const auto key = [](const Request& request) { return response_key_json(card(), request, "text"); };
  EXPECT_EQ(key(generation({false, 1}, 0)), key(generation({false, 2}, 0)));
  EXPECT_NE(key(generation({false, 1}, 0.5)), key(generation({false, 2}, 0.5)));
  Request narrow = generation({}, 0.5);
  std::get<Generate>(narrow.ask).sampling.top_k = 3;
  EXPECT_NE(key(generation({}, 0.5)), key(narrow));
}

TEST(ResponseKey, DoesNotHoldTheRequestsNumberOrTheText) {
  Request request = generation({}, 0);
  const std::string key = response_key_json(card(), request, "a long prompt");
  request.id = 17;
  EXPECT_EQ(response_key_json(card(), request, "a long prompt"), key);
  EXPECT_EQ(key.find("a long prompt"), std::string::npos);
  EXPECT_TRUE(parse_json(key, "key").has_value());
}

}  // namespace
}  // namespace sizeup
