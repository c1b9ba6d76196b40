#include "harness/run/protocol.h"

#include <gmock/gmock.h>

#include <cmath>

namespace sizeup {
namespace {

using testing::HasSubstr;

ModelCard card(const std::string& name, bool scores, bool generates) {
  ModelCard card;
  card.name = name;
  card.can_score = scores;
  card.can_generate = generates;
  return card;
}

const ModelCard kBoth = card("both", true, true);
const ModelCard kWriter = card("writer", false, true);
const ModelCard kScorer = card("scorer", true, false);
const TaskKind kChoice{"choice", OutputType::multiple_choice};
const TaskKind kWrite{"write", OutputType::generate_until};
const TaskKind kRolling{"rolling", OutputType::loglikelihood_rolling};

Result<Protocol> choose(ProtocolChoice choice, std::vector<const ModelCard*> models,
                        std::vector<TaskKind> tasks) {
  return choose_protocol(choice, models, tasks);
}

TEST(Protocol, AutomaticIsLikelihoodWhenEveryModelCanScore) {
  EXPECT_EQ(*choose(ProtocolChoice::automatic, {&kBoth, &kScorer}, {kChoice, kRolling}),
            Protocol::likelihood);
  EXPECT_EQ(*choose(ProtocolChoice::automatic, {&kBoth, &kWriter}, {kChoice, kWrite}), Protocol::generative);
  EXPECT_EQ(*choose(ProtocolChoice::automatic, {&kWriter}, {kWrite}),
            Protocol::likelihood);  // nothing to score
}

TEST(Protocol, SaysWhichModelAndTaskStandInTheWay) {
  const Error rolling = choose(ProtocolChoice::automatic, {&kBoth, &kWriter}, {kChoice, kRolling}).error();
  EXPECT_THAT(rolling.message, HasSubstr("task 'rolling' scores given texts"));
  const Error scoring = choose(ProtocolChoice::likelihood, {&kBoth, &kWriter}, {kChoice}).error();
  EXPECT_EQ(scoring.place, "writer");
  EXPECT_THAT(scoring.message, HasSubstr("cannot score given texts, which task 'choice' needs"));
  const Error writing = choose(ProtocolChoice::automatic, {&kScorer}, {kWrite}).error();
  EXPECT_EQ(writing.place, "scorer");
  EXPECT_THAT(writing.message, HasSubstr("cannot generate, which task 'write' needs"));
  EXPECT_FALSE(choose(ProtocolChoice::generative, {&kScorer}, {kChoice}).has_value());
  EXPECT_FALSE(choose(ProtocolChoice::generative, {&kBoth}, {kRolling}).has_value());
}

TEST(Protocol, CanBeForced) {
  EXPECT_EQ(*choose(ProtocolChoice::generative, {&kBoth}, {kChoice}), Protocol::generative);
}

TEST(Protocol, WrittenAnswersStayWritten) {
  EXPECT_EQ(protocol_of(OutputType::generate_until, Protocol::likelihood), Protocol::generative);
  EXPECT_EQ(protocol_of(OutputType::multiple_choice, Protocol::likelihood), Protocol::likelihood);
}

struct NamedCase {
  const char* answer;
  std::vector<std::string> choices;
  std::optional<size_t> named;
};

TEST(NamedChoice, FindsTheChoiceThatAnAnswerNames) {
  const std::vector<std::string> letters = {"A", "B", "C", "D"};
  const std::vector<std::string> words = {"refund", "refund request", "New York", "no"};
  const std::vector<NamedCase> cases = {
      {"B", letters, 1},
      {" b. ", letters, 1},
      {"(C)", letters, 2},
      {"**D**", letters, 3},
      {"B. Because the train is late", letters, 1},
      {"B because A is wrong", letters, 1},
      {"The answer is C.", letters, 2},
      {"Answer: D", letters, 3},
      {"either A or B", letters, std::nullopt},
      {"", letters, std::nullopt},
      {"none of them", letters, std::nullopt},
      {"a good reason", letters, std::nullopt},
      {"ABBA", letters, std::nullopt},
      {"Refund", words, 0},
      {"refund request, please", words, 1},  // the longest choice, not its beginning
      {"refunds", words, std::nullopt},
      {"new york!", words, 2},
      {"It is New York", words, 2},
      {"nothing", words, std::nullopt},
      {"\xC3\xA4"
       "A",
       letters, std::nullopt},  // a letter beyond ASCII continues the word
  };
  for (const NamedCase& one : cases)
    EXPECT_EQ(named_choice(one.answer, one.choices), one.named) << one.answer;
}

Sample asked(const std::string& user, const std::vector<AskScore>& choices) {
  Sample sample;
  sample.prompt = {"Choose. ", user};
  sample.asks.assign(choices.begin(), choices.end());
  return sample;
}

TEST(WrittenQuestion, ChoicesThatThePromptShowsNameThemselves) {
  for (const Sample& sample : {asked("Sky?\n(A) red (B) blue\n", {{" ", "(A)"}, {" ", "(B)"}}),
                               asked("Queue, billing or delivery:", {{" ", "billing"}, {" ", "delivery"}})}) {
    const WrittenQuestion question = written_question(sample);
    EXPECT_EQ(question.prompt.user, sample.prompt.user);
    EXPECT_EQ(question.names[1], std::get<AskScore>(sample.asks[1]).continuation);
  }
}

TEST(WrittenQuestion, OtherChoicesGetLetters) {
  Sample sample = asked("Where does rain fall?", {{" ", "up"}, {" ", "down"}});
  sample.prompt.prefix = "It falls";
  const WrittenQuestion question = written_question(sample);
  EXPECT_EQ(question.prompt.user, "Where does rain fall?\n\nA. up\nB. down\nThe letter of the right answer:");
  EXPECT_EQ(question.prompt.system, "Choose. ");
  EXPECT_EQ(question.prompt.prefix, "");
  EXPECT_THAT(question.names, testing::ElementsAre("A", "B"));
}

// The whole sentence is shown where the choices are what it begins with.
TEST(WrittenQuestion, ChoicesThatEndThePromptAreShownWithWhatFollows) {
  const WrittenQuestion question =
      written_question(asked("", {{" ", "ran away.", "The dog"}, {" ", "ran away.", "The cat"}}));
  EXPECT_EQ(question.prompt.user,
            "A. The dog ran away.\nB. The cat ran away.\nThe letter of the right answer:");
}

TEST(NamedChoice, AnswersAreShortAndEndWithTheLine) {
  EXPECT_THAT(written_choice().stop, testing::ElementsAre("\n"));
  EXPECT_EQ(written_choice().temperature, 0.0);
}

struct WeighedCase {
  const char* what;
  std::vector<std::pair<std::string, double>> first_tokens;  // and their probabilities
  std::vector<std::string> names;
  size_t chosen;
  double probability;  // NaN: none
};

TEST(NamedProbability, IsTheShareOfTheTokensThatNameTheChoice) {
  const double none = std::nan("");
  const std::vector<std::string> letters = {"A", "B", "C", "D"};
  const std::vector<std::string> labels = {"orders", "returns", "refunds"};
  const std::vector<WeighedCase> cases = {
      {"with and without a space", {{"B", 0.5}, {" B", 0.1}, {"A", 0.2}}, letters, 1, 0.75},
      {"other words count for nothing", {{"B", 0.6}, {"The", 0.2}, {"C", 0.2}}, letters, 1, 0.75},
      {"a letter in the wrong case is a word", {{"A", 0.6}, {"a", 0.2}, {"B", 0.2}}, letters, 0, 0.75},
      {"a letter is no beginning of a word", {{"B", 0.6}, {"Because", 0.2}, {"A", 0.2}}, letters, 1, 0.75},
      {"with what ends it", {{"B.", 0.6}, {"C)", 0.2}}, letters, 1, 0.75},
      {"the answer began with another word", {{"The", 0.9}, {"A", 0.1}}, letters, 0, none},
      {"nothing known", {}, letters, 0, none},
      {"the beginning of one label", {{" ord", 0.6}, {"ret", 0.2}}, labels, 0, 0.75},
      {"in any case", {{"Ord", 0.6}, {"RET", 0.2}}, labels, 0, 0.75},
      {"the beginning of two labels", {{"ord", 0.6}, {"re", 0.2}}, labels, 0, none},
      {"too little to matter", {{"ord", 0.6}, {"ret", 0.2}, {"re", 0.007}}, labels, 0, 0.75},
  };
  for (WeighedCase one : cases) {
    for (auto& [text, weight] : one.first_tokens) weight = std::log(weight);
    const double found = named_probability(one.first_tokens, one.names, one.chosen);
    if (std::isnan(one.probability)) {
      EXPECT_TRUE(std::isnan(found)) << one.what << ": " << found;
    } else {
      EXPECT_NEAR(found, one.probability, 1e-12) << one.what;
    }
  }
}

}  // namespace
}  // namespace sizeup
