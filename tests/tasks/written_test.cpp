// Metrics of written answers against sacrebleu, rouge_score, nltk and SQuAD's script (golden:
// tests/oracles/tasks_metrics.py), hand-worked edge cases, and answers made to break them.
#include <cmath>

#include "tasks/metrics/bleu.h"
#include "tasks/metrics/metric.h"
#include "tasks/metrics/rouge.h"
#include "tasks/metrics/similarity.h"
#include "tasks/metrics/ter.h"
#include "tasks/text/unicode.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

using test::one;
using test::scored;
using test::task_with;

TEST(Bleu, SplitsWordsAsMtevalDoes) {
  for (const Json file = test::golden("metrics.json"); const Json& expected : file.at("bleu_words")) {
    EXPECT_EQ(bleu_words(expected["text"].get<std::string>()),
              expected["words"].get<std::vector<std::string>>())
        << expected["text"];
  }
}

TEST(Translations, EqualSacrebleuOverTheSet) {
  for (const Json file = test::golden("metrics.json"); const Json& expected : file.at("translations")) {
    SCOPED_TRACE(to_line(expected["answers"]).substr(0, 200));
    const auto task =
        task_with("{metric: bleu}, {metric: chrf}, {metric: chrf++}, {metric: ter}", expected["accepted"]);
    const std::vector<Scored> answers = scored(*task, expected["answers"]);
    for (const char* metric : {"bleu", "chrf", "chrf++", "ter"}) {
      EXPECT_NEAR(test::aggregate(*task, metric, answers), expected[metric].get<double>(), 1e-9) << metric;
    }
  }
}

// A long answer that is right weighs more than a short one that is wrong.
TEST(Bleu, IsNoMeanOverSamples) {
  const auto task = task_with("{metric: bleu}", Json::array({"a b c d e f g h", "a b c d"}));
  const std::vector<Scored> both = scored(*task, Json::array({"a b c d e f g h", "x y z w"}));
  // Precisions 8/12, 7/10, 6/8, 5/6; both texts are 12 words long.
  EXPECT_NEAR(test::aggregate(*task, "bleu", both),
              100.0 * std::pow(8.0 / 12 * 7.0 / 10 * 6.0 / 8 * 5.0 / 6, 0.25), 1e-9);
  EXPECT_NEAR(test::aggregate(*task, "bleu", {both[0]}), 100.0, 1e-9);
  EXPECT_TRUE(both[0].scores.empty());
}

TEST(WrittenAnswers, EqualTheReferencePrograms) {
  for (const Json file = test::golden("metrics.json"); const Json& expected : file.at("pairs")) {
    const std::string target = expected["expected"];
    const std::string answer = expected["answer"];
    SCOPED_TRACE(to_line(expected));
    EXPECT_NEAR(rouge_n(target, answer, 1), expected["rouge1"].get<double>(), 1e-12);
    EXPECT_NEAR(rouge_n(target, answer, 2), expected["rouge2"].get<double>(), 1e-12);
    EXPECT_NEAR(rouge_l(target, answer), expected["rougeL"].get<double>(), 1e-12);
    EXPECT_NEAR(rouge_l_sum(target, answer), expected["rougeLsum"].get<double>(), 1e-12);
    EXPECT_NEAR(token_f1(target, answer), expected["f1"].get<double>(), 1e-12);
    EXPECT_EQ(squad_text(target) == squad_text(answer), expected["exact"].get<int>() == 1);
    EXPECT_EQ(edit_distance(target, answer, TextUnit::characters).edits,
              expected["characters"].get<int64_t>());
    EXPECT_EQ(edit_distance(target, answer, TextUnit::words).edits, expected["words"].get<int64_t>());
  }
}

TEST(WrittenAnswers, TheNearestAcceptedAnswerCounts) {
  const Json accepted = {"a long way off", "the red car", "red"};
  EXPECT_DOUBLE_EQ(one("token_f1", accepted, "red car"), 1.0);
  EXPECT_DOUBLE_EQ(one("rouge1", accepted, "red car"), 0.8);
  EXPECT_DOUBLE_EQ(one("edit_distance", accepted, "reds"), 1.0);
  EXPECT_DOUBLE_EQ(one("edit_similarity", accepted, "reds"), 0.75);
  EXPECT_DOUBLE_EQ(one("edit_distance", accepted, "the car", ", unit: words"), 1.0);
  EXPECT_DOUBLE_EQ(one("quasi_exact_match", accepted, " The RED, car!"), 1.0);
  EXPECT_DOUBLE_EQ(one("exact_match", accepted, " The RED, car!"), 0.0);
}

TEST(WrittenAnswers, PrefixesMatch) {
  EXPECT_DOUBLE_EQ(one("prefix_match", "Paris", "Paris, of course"), 1.0);
  EXPECT_DOUBLE_EQ(one("prefix_match", "Paris", "paris"), 0.0);
  EXPECT_DOUBLE_EQ(one("prefix_match", "Paris", "It is Paris"), 0.0);
  EXPECT_DOUBLE_EQ(one("prefix_quasi_exact_match", "The Hague", "hague (I think)"), 1.0);
  EXPECT_DOUBLE_EQ(one("prefix_quasi_exact_match", "The Hague", "It is the Hague"), 0.0);
}

TEST(NumericMatch, KnowsHowNumbersAreWritten) {
  EXPECT_DOUBLE_EQ(one("numeric_match", "1234.5", "The total is 1,234.50"), 1.0);
  EXPECT_DOUBLE_EQ(one("numeric_match", "1234.5", "1.234,50"), 1.0);
  EXPECT_DOUBLE_EQ(one("numeric_match", 42, "First 7, then 42."), 1.0);
  EXPECT_DOUBLE_EQ(one("numeric_match", 42, "First 42, then 7."), 0.0);
  EXPECT_DOUBLE_EQ(one("numeric_match", 42, "no number"), 0.0);
  EXPECT_DOUBLE_EQ(one("numeric_match", -3, "3"), 0.0);
  EXPECT_DOUBLE_EQ(one("numeric_match", 1e-5, "0.00001"), 1.0);
  EXPECT_DOUBLE_EQ(one("numeric_match", "EUR 12.00", "€12"), 1.0);
  EXPECT_DOUBLE_EQ(one("numeric_match", 0, std::string(1000, '9')), 0.0);  // beyond a double: no number
  EXPECT_TRUE(std::isnan(one("numeric_match", "unknown", "3")));
}

TEST(NumericMatch, ToleratesWhatItIsTold) {
  EXPECT_DOUBLE_EQ(one("numeric_match", 1.0, "1.1", ", tolerance: 0.1"), 1.0);
  EXPECT_DOUBLE_EQ(one("numeric_match", 1.0, "1.11", ", tolerance: 0.1"), 0.0);
  EXPECT_DOUBLE_EQ(one("numeric_match", 200, "198", ", relative_tolerance: 0.01"), 1.0);
  EXPECT_DOUBLE_EQ(one("numeric_match", 200, "197", ", relative_tolerance: 0.01"), 0.0);
  EXPECT_DOUBLE_EQ(one("numeric_match", 0, "0.5", ", relative_tolerance: 0.5, tolerance: 0.5"), 1.0);
}

TEST(MajorityVote, FirstOfEqualsWins) {
  const auto task = task_with("{metric: maj@k, k: [1, 3, 4], ignore_case: true}", Json::array({"Paris"}),
                              "repeats: 4\ngeneration_kwargs: {temperature: 1.0}\n");
  const Sample sample = test::samples_of(*task).front();
  const auto scores = test::score_texts(*task, sample, {"Rome", "paris", "Paris", "Rome"}).scores;
  EXPECT_EQ(scores.at("maj@1"), 0.0);
  EXPECT_EQ(scores.at("maj@3"), 1.0);
  EXPECT_EQ(scores.at("maj@4"), 0.0);
  EXPECT_EQ(task->metrics().size(), 3U);
}

// Of the answers as they are compared: "paris" and "Paris" say the same here.
TEST(MajorityVote, AgreementIsTheShareOfItsVoters) {
  const auto task = task_with("{metric: maj@k, k: [1, 3, 4], ignore_case: true}", Json::array({"Paris"}),
                              "repeats: 4\ngeneration_kwargs: {temperature: 1.0}\n");
  const auto details =
      test::score_texts(*task, test::samples_of(*task).front(), {"Rome", "paris", "Paris", "Oslo"}).details;
  EXPECT_EQ(details.at("agreement@1"), "1");
  EXPECT_NEAR(std::stod(details.at("agreement@3")), 2.0 / 3.0, 1e-15);
  EXPECT_EQ(details.at("agreement@4"), "0.5");
}

// tests/oracles/entropy_golden.py: SciPy's entropy of the counts.
TEST(SemanticEntropy, IsTheEntropyOfTheDistinctAnswers) {
  for (const Json& row : test::golden("entropy.json")) {
    std::vector<std::string> answers;
    for (size_t meaning = 0; meaning < row[0].size(); ++meaning)
      answers.insert(answers.end(), row[0][meaning].get<size_t>(),
                     std::string(1, static_cast<char>('a' + meaning)));
    const auto task =
        task_with("{metric: semantic_entropy}", Json::array({"b"}),
                  "repeats: " + std::to_string(answers.size()) + "\ngeneration_kwargs: {temperature: 1.0}\n");
    const auto scores = test::score_texts(*task, test::samples_of(*task).front(), answers).scores;
    EXPECT_NEAR(scores.at("semantic_entropy"), row[1].get<double>(), 1e-15) << row[0];
    EXPECT_FALSE(std::signbit(scores.at("semantic_entropy")));
  }
}

TEST(SemanticEntropy, WhatIsComparedAsEqualIsOneMeaning) {
  const auto task = task_with("{metric: semantic_entropy, ignore_case: true, ignore_punctuation: true}",
                              Json::array({"Paris"}), "repeats: 3\ngeneration_kwargs: {temperature: 1.0}\n");
  const Sample sample = test::samples_of(*task).front();
  EXPECT_EQ(test::score_texts(*task, sample, {"Paris.", "paris", "PARIS"}).scores.at("semantic_entropy"),
            0.0);
  EXPECT_FALSE(task->metrics().front().higher_is_better);
}

// tests/oracles/selfcheck_golden.py: the published unigram model.
TEST(SelfCheck, IsTheUnigramModelOfAllAnswers) {
  for (const Json& row : test::golden("selfcheck.json")) {
    const auto answers = row[0].get<std::vector<std::string>>();
    const auto task =
        task_with("{metric: selfcheck_mean}, {metric: selfcheck_max}", Json::array({"b"}),
                  "repeats: " + std::to_string(answers.size()) + "\ngeneration_kwargs: {temperature: 1.0}\n");
    const auto scores = test::score_texts(*task, test::samples_of(*task).front(), answers).scores;
    EXPECT_NEAR(scores.at("selfcheck_mean"), row[1].get<double>(), 1e-12) << row[0];
    EXPECT_NEAR(scores.at("selfcheck_max"), row[2].get<double>(), 1e-12) << row[0];
  }
}

// Signs are tokens of their own, in numbers they are not; nothing is said of an answer without words.
TEST(SelfCheck, TokensAreWordsAndSigns) {
  const auto task = task_with("{metric: selfcheck_mean}", Json::array({"b"}),
                              "repeats: 2\ngeneration_kwargs: {temperature: 1.0}\n");
  const Sample sample = test::samples_of(*task).front();
  EXPECT_NEAR(test::score_texts(*task, sample, {"1,250.50!", "No."}).scores.at("selfcheck_mean"),
              std::log(4.0), 1e-12);
  EXPECT_FALSE(test::score_texts(*task, sample, {" ", "No."}).scores.contains("selfcheck_mean"));
  EXPECT_FALSE(task->metrics().front().higher_is_better);
}

// Two of four are right: C(2, k) / C(4, k).
TEST(AllOfK, IsTheShareOfDrawsThatAreAllRight) {
  const auto task = task_with("{metric: pass^k, k: [1, 2, 3], ignore_case: true}", Json::array({"Paris"}),
                              "repeats: 4\ngeneration_kwargs: {temperature: 1.0}\n");
  const Sample sample = test::samples_of(*task).front();
  const auto scores = test::score_texts(*task, sample, {"Rome", "paris", "Paris", "Rome"}).scores;
  EXPECT_DOUBLE_EQ(scores.at("pass^1"), 0.5);
  EXPECT_DOUBLE_EQ(scores.at("pass^2"), 1.0 / 6.0);
  EXPECT_EQ(scores.at("pass^3"), 0.0);
}

// Exact numbers of sets that are hard on the formulas: nothing given, nothing expected, too short for
// n-grams.
TEST(WrittenAnswers, EmptyTextsGiveNumbers) {
  EXPECT_DOUBLE_EQ(one("token_f1", "the", "an"), 1.0);
  EXPECT_DOUBLE_EQ(one("token_f1", "word", ""), 0.0);
  EXPECT_DOUBLE_EQ(one("edit_similarity", "", ""), 1.0);
  EXPECT_DOUBLE_EQ(one("edit_similarity", "abc", ""), 0.0);
  EXPECT_DOUBLE_EQ(one("bleu", "a b", ""), 0.0);
  EXPECT_DOUBLE_EQ(one("chrf", "ab", ""), 0.0);
  EXPECT_DOUBLE_EQ(one("rougeL", "", ""), 0.0);
  const auto task = task_with("{metric: bleu}, {metric: chrf}", Json::array({"x"}));
  EXPECT_TRUE(std::isnan(test::aggregate(*task, "bleu", {})));
  EXPECT_TRUE(std::isnan(test::aggregate(*task, "chrf", {})));
}

TEST(WrittenAnswers, HostileTextsAreScored) {
  const auto task = task_with(
      "{metric: bleu}, {metric: chrf++}, {metric: ter}, {metric: rougeL}, {metric: rougeLsum}, {metric: "
      "rouge2}, {metric: "
      "token_f1}, {metric: edit_similarity}, {metric: numeric_match}, {metric: prefix_match}, {metric: "
      "quasi_exact_match}",
      Json::array({"the total is 42"}));
  const Sample sample = test::samples_of(*task).front();
  std::string words;
  while (words.size() < 1 << 20)
    words += "word" + std::to_string(words.size() % 1000) + (words.size() % 7 ? " " : "\n");
  for (const std::string& text :
       {std::string(1 << 20, '\xFF'), std::string(1 << 20, '\0'), std::string(1 << 20, '9'),
        std::string(1 << 20, '.'), std::string(1 << 20, '\n'), words}) {
    const Scored scored = test::score_text(*task, sample, text);
    EXPECT_EQ(scored.scores.at("token_f1"), 0.0);
    EXPECT_EQ(scored.scores.at("prefix_match"), 0.0);
    EXPECT_EQ(scored.scores.at("rougeL"), 0.0);
    EXPECT_LT(scored.scores.at("edit_similarity"), 0.001);
    EXPECT_LT(test::aggregate(*task, "bleu", {scored}), 0.01);
    EXPECT_LT(test::aggregate(*task, "chrf++", {scored}), 1.0);
    EXPECT_GE(test::aggregate(*task, "ter", {scored}), 100.0);
  }
}

// Both sides as long as an answer may be: an upper bound of the distance, in bounded time.
TEST(WrittenAnswers, LongTextsAreCompared) {
  std::string expected;
  std::string answer;
  for (int i = 0; i < 60'000; ++i) {
    expected += "w" + std::to_string(i % 100) + " ";
    answer += "w" + std::to_string((i + 1) % 100) + " ";
  }
  EXPECT_GT(rouge_l(expected, answer), 0.1);
  EXPECT_GT(edit_distance(expected, answer, TextUnit::characters).similarity(), 0.0);
  EXPECT_LE(edit_distance(expected, answer, TextUnit::words).edits, 60'000);
  EXPECT_GE(translation_edits(expected, answer), 56'000);  // as many words are not compared
  EXPECT_LE(translation_edits(expected, answer), 60'000);
}

}  // namespace
}  // namespace sizeup
