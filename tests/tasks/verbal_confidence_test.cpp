#include "tasks/verbal_confidence.h"

#include <cmath>

#include "tests/tasks/support.h"

namespace sizeup {
namespace {

struct Stated {
  const char* text;
  const char* answer;
  double confidence;
};

TEST(VerbalConfidence, IsReadHoweverItIsWritten) {
  for (const Stated& one : {
           Stated{"Paris\nConfidence: 80%", "Paris", 0.8},
           Stated{"Paris\nConfidence: 0.8", "Paris", 0.8},
           Stated{"Paris\nConfidence: 80 %", "Paris", 0.8},
           Stated{"Paris\nConfidence: 80/100", "Paris", 0.8},
           Stated{"Paris\nConfidence: 8 / 10.", "Paris", 0.8},
           Stated{"Paris\nConfidence: 8 out of 10", "Paris", 0.8},
           Stated{"Paris\nConfidence: 80 percent", "Paris", 0.8},
           Stated{"Paris\nConfidence: 80", "Paris", 0.8},
           Stated{"Paris\nCONFIDENCE = 80,5 %", "Paris", 0.805},
           Stated{"Paris\n**Confidence:** 80%", "Paris", 0.8},
           Stated{"Paris\n- **Confidence**: ~80%**", "Paris", 0.8},
           Stated{"Paris (confidence: 0.95)", "Paris", 0.95},
           Stated{"Paris. Confidence: 0.95.", "Paris.", 0.95},
           Stated{"Confidence: 70%\nParis", "Paris", 0.7},
           Stated{"It is\nConfidence: 70%\nParis", "It is\nParis", 0.7},
           Stated{"Confidence: 10%\nParis\nConfidence: 90%", "Confidence: 10%\nParis", 0.9},
           Stated{"Paris\nConfidence: 0%", "Paris", 0.0},
           Stated{"Paris\nConfidence: 100%", "Paris", 1.0},
           Stated{"Paris\nConfidence: 1", "Paris", 1.0},
           Stated{"Paris\nConfidence: 1%", "Paris", 0.01},
           Stated{"Paris\nConfidence: 1/2", "Paris", 0.5},
       }) {
    const VerbalConfidence read = take_verbal_confidence(one.text, "Confidence");
    EXPECT_EQ(read.answer, one.answer) << one.text;
    EXPECT_NEAR(read.confidence, one.confidence, 1e-12) << one.text;
  }
}

TEST(VerbalConfidence, IsNoneWhereNoneCanBeRead) {
  for (const Stated& one : {
           Stated{"Paris", "Paris", NAN},
           Stated{"", "", NAN},
           Stated{" Paris ", " Paris ", NAN},  // an answer without a statement stays as it is
           Stated{"Paris\nConfidence: high", "Paris", NAN},
           Stated{"Paris\nConfidence: quite high\nI think", "Paris\nI think", NAN},
           Stated{"Paris\nConfidence: 120%", "Paris", NAN},
           Stated{"Paris\nConfidence: -5%", "Paris", NAN},
           Stated{"Paris\nConfidence: 9/0", "Paris", NAN},
           Stated{"Paris\nConfidence: 12/10", "Paris", NAN},
           Stated{"Paris\nConfidence:", "Paris", NAN},
           Stated{"Overconfidence: 80%", "Overconfidence: 80%", NAN},
           Stated{"The confidence of 80% is", "The confidence of 80% is", NAN},
       }) {
    const VerbalConfidence read = take_verbal_confidence(one.text, "Confidence");
    EXPECT_EQ(read.answer, one.answer) << one.text;
    EXPECT_TRUE(std::isnan(read.confidence)) << one.text;
  }
}

TEST(VerbalConfidence, TheMarkIsTheTasks) {
  EXPECT_NEAR(take_verbal_confidence("Rom\nSicherheit: 60 %", "Sicherheit").confidence, 0.6, 1e-12);
  EXPECT_TRUE(std::isnan(take_verbal_confidence("Rom\nSicherheit: 60 %", "Confidence").confidence));
  EXPECT_EQ(take_verbal_confidence("é\nconfiance: 60 %", "Confiance").answer, "é");
}

class VerbalTask : public testing::Test {
 protected:
  static std::unique_ptr<Task> task(const std::string& more = "") {
    return test::task_with("{metric: exact_match}", Json::array({"Paris"}),
                           "verbal_confidence: Confidence\n" + more);
  }
  static Scored scored(const Task& task, const std::string& text) {
    return test::score_text(task, test::samples_of(task).front(), text);
  }
};

// The answer is scored without the statement, which is its confidence.
TEST_F(VerbalTask, TakesTheStatementOffBeforeScoring) {
  const auto one = task();
  const Scored sure = scored(*one, "Paris\nConfidence: 80%");
  EXPECT_EQ(sure.answer, "Paris");
  EXPECT_EQ(sure.scores.at("exact_match"), 1.0);
  EXPECT_EQ(sure.confidence, 0.8);
  EXPECT_EQ(sure.scores.at("confidence_stated"), 1.0);
  EXPECT_EQ(sure.details.at(kVerbalConfidence), "0.8");
  EXPECT_EQ(scored(*one, "Lyon\nConfidence: 80%").scores.at("exact_match"), 0.0);
}

TEST_F(VerbalTask, CountsWhatStatesNone) {
  const auto one = task();
  for (const char* text : {"Paris", "Paris\nConfidence: sure", "Paris\nConfidence: 300%"}) {
    const Scored silent = scored(*one, text);
    EXPECT_EQ(silent.scores.at("exact_match"), 1.0) << text;
    EXPECT_EQ(silent.scores.at("confidence_stated"), 0.0) << text;
    EXPECT_TRUE(std::isnan(silent.confidence)) << text;
    EXPECT_EQ(silent.details.at(kVerbalConfidence), "nan") << text;
  }
  // A statement is no answer.
  EXPECT_TRUE(scored(*one, "Confidence: 80%").no_answer);
}

TEST_F(VerbalTask, FiltersSeeTheAnswerAlone) {
  const auto one = task(
      "filter_list: [{name: last, filter: [{function: regex, regex_pattern: '(\\S+)$'}, {function: "
      "take_first}]}]\n");
  EXPECT_EQ(scored(*one, "It is Paris\nConfidence: 80%").answer, "Paris");
}

TEST_F(VerbalTask, IsOfWrittenAnswers) {
  const auto refused = [](const std::string& keys) {
    try {
      test::task_over(Json::array({{{"q", "x"}, {"a", 0}}}), keys);
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string choice =
      "output_type: multiple_choice\ndoc_to_text: q\ndoc_to_target: a\ndoc_to_choice: [a, b]\n";
  EXPECT_THAT(refused(choice + "verbal_confidence: Confidence\n"),
              testing::HasSubstr("only written answers state a confidence in words"));
  const std::string written = "output_type: generate_until\ndoc_to_text: q\ndoc_to_target: a\n";
  EXPECT_THAT(refused(written + "verbal_confidence: ''\n"), testing::HasSubstr("verbal_confidence"));
  EXPECT_THAT(refused(written + "metric_list: [{metric: confidence_stated}]\n"),
              testing::HasSubstr("verbal_confidence: Confidence"));
}

}  // namespace
}  // namespace sizeup
