// Closed book, grounded answers and abstention.
#include "tasks/metrics/grounded.h"
#include "tasks/metrics/refusal.h"
#include "tasks/metrics/sentences.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

const std::string kSource =
    "The extension of the marketing department is 1788. The legal department is led by Noel Abel since 2 "
    "April 2026. "
    "The budget is 1,250.50 euros. Its motto is \"measure twice\".";

bool supported(const std::string& answer) {
  const std::vector<Claim> claims = check_claims(answer, kSource);
  EXPECT_EQ(claims.size(), 1U) << answer;
  return !claims.empty() && claims[0].supported;
}

TEST(Grounded, NumbersNamesDatesAmountsAndQuotesMustBeInTheSource) {
  EXPECT_TRUE(supported("1788"));
  EXPECT_FALSE(supported("1787"));
  EXPECT_TRUE(supported("The legal department is led by Noel Abel."));
  EXPECT_FALSE(supported("The legal department is led by Noel Cain."));
  EXPECT_FALSE(supported("The legal department is led by Abel Noel."));
  EXPECT_TRUE(supported("Noel Abel has led the legal department since 2026-04-02."));
  EXPECT_FALSE(supported("Noel Abel has led the legal department since 2026-04-03."));
  EXPECT_TRUE(supported("The budget is 1250.5 euros."));
  EXPECT_FALSE(supported("The budget is 1250.6 euros."));
  EXPECT_TRUE(supported("The motto is \u201CMeasure twice\u201D."));
  EXPECT_FALSE(supported("The motto is \"measure once\"."));
}

TEST(Grounded, ContentWordsMustMostlyBeInTheSource) {
  EXPECT_TRUE(supported("The marketing department has an extension."));
  EXPECT_FALSE(supported("The marketing people enjoy cheap lunches downtown."));
  // 3 of 5 content words are 0.6, which is enough; 2 of 4 are not.
  EXPECT_TRUE(supported("marketing department budget sings loudly"));
  EXPECT_FALSE(supported("marketing budget sings loudly"));
}

TEST(Grounded, TheFirstWordOfASentenceIsNoName) {
  EXPECT_TRUE(supported("Department: marketing."));
  EXPECT_TRUE(supported("Led by Noel Abel."));
  EXPECT_FALSE(supported("NASA: marketing department extension."));  // an acronym is one
  EXPECT_FALSE(supported("Thursday"));                               // a sentence of one word is
}

TEST(Grounded, EvidenceHasOffsets) {
  const std::string answer = "It is 1788. Ask Noel Abel.";
  const std::vector<Claim> claims = check_claims(answer, kSource);
  ASSERT_EQ(claims.size(), 2U);
  EXPECT_EQ(answer.substr(claims[1].begin, claims[1].end - claims[1].begin), "Ask Noel Abel.");
  const ClaimItem& number = claims[0].items.at(0);
  EXPECT_EQ(answer.substr(number.begin, number.end - number.begin), "1788");
  EXPECT_EQ(kSource.substr(number.source_begin, number.source_end - number.source_begin), "1788");
}

TEST(Grounded, SentencesThatSayNothingAreNoClaims) {
  EXPECT_TRUE(check_claims("", kSource).empty());
  EXPECT_TRUE(check_claims("Yes. It is.\n\n...", kSource).empty());
}

TEST(Grounded, LongAnswersEnd) {
  std::string words;
  std::string numbers;
  for (int i = 0; words.size() < (1u << 20); ++i) words += "Ab " + std::to_string(i % 7) + " ";
  for (int i = 0; numbers.size() < (1u << 20); ++i) numbers += "2026-04-0" + std::to_string(i % 9 + 1) + ",";
  EXPECT_FALSE(check_claims(words, words + "end").empty());
  EXPECT_FALSE(check_claims(numbers, kSource).empty());
  EXPECT_FALSE(check_claims(std::string(1 << 20, '"') + "Aa", kSource).empty());
  EXPECT_FALSE(check_claims("\xFF\xFE Abel \xC3", kSource).empty());
}

TEST(Sentences, EndAtPointsButNotAtAbbreviations) {
  std::vector<std::string> found;
  const std::string text =
      "Dr. A. Smith of Acme Inc. met Mr. Bo. He paid 3.50 euros! \u201CWhy?\u201D she asked\n1. First "
      "item\nlast";
  for (const TextRange& sentence : split_sentences(text))
    found.push_back(text.substr(sentence.begin, sentence.end - sentence.begin));
  EXPECT_EQ(found, (std::vector<std::string>{"Dr. A. Smith of Acme Inc. met Mr. Bo.", "He paid 3.50 euros!",
                                             "\u201CWhy?\u201D", "she asked", "1. First item", "last"}));
}

TEST(Refusal, IsFoundWordByWord) {
  const RefusalPhrases own(std::vector<std::string>{"Not in the handbook."});
  EXPECT_TRUE(is_refusal("not in handbook", own));
  EXPECT_TRUE(is_refusal("Sorry, that is not in the handbook!", own));
  EXPECT_TRUE(is_refusal("  ", own));
  EXPECT_FALSE(is_refusal("Not in the handbooks", own));
  EXPECT_FALSE(is_refusal("I don't know", own));
  const RefusalPhrases common(default_refusals());
  EXPECT_TRUE(is_refusal("I don\u2019t know.", common));
  EXPECT_TRUE(is_refusal("Unfortunately I do not know that", common));
  EXPECT_FALSE(is_refusal("I know: 42", common));
}

class HandbookLike : public testing::Test {
 protected:
  HandbookLike() {
    folder_.write(
        "d.jsonl",
        R"({"id":"p","passage":"Extension of legal: 1520.","question":"q","answers":["1520"]})"
        "\n"
        R"({"id":"c1","passage":null,"question":"q","answers":["Rita Novak","Novak"]})"
        "\n"
        R"({"id":"c2","passage":null,"question":"q","answers":["650 euros"]})"
        "\n"
        R"({"id":"c3","passage":null,"question":"q","answers":["5423"]})"
        "\n"
        R"({"id":"u","passage":"Extension of legal: 1520.","question":"q","answers":["Not in the handbook."]})"
        "\n");
    task_ = test::load(folder_.write(
        "t.yaml",
        "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ntest_split: "
        "test\noutput_type: generate_until\n"
        "doc_to_text: \"{% if passage %}{{passage}}\\n{% endif %}{{question}}\"\ndoc_to_target: "
        "\"{{answers}}\"\ngrounding: passage\n"
        "refusals: [\"Not in the handbook.\"]\nmetric_list:\n  - {metric: exact_match, ignore_case: true, "
        "ignore_punctuation: true}\n"
        "  - {metric: closed_book}\n  - {metric: unsupported_rate}\n  - {metric: abstention}\n"));
    samples_ = test::samples_of(*task_);
  }
  std::vector<Scored> score(const std::vector<std::string>& answers) const {
    std::vector<Scored> scored;
    for (size_t i = 0; i < answers.size(); ++i)
      scored.push_back(test::score_text(*task_, samples_[i], answers[i]));
    return scored;
  }
  double value(const char* metric, const std::vector<Scored>& scored) const {
    return test::aggregate(*task_, metric, scored);
  }

  TemporaryFolder folder_;
  std::unique_ptr<Task> task_;
  std::vector<Sample> samples_;
};

TEST_F(HandbookLike, EachMetricAppliesToItsKindOfQuestion) {
  const std::vector<Scored> scored =
      score({"1520", "It is Rita Novak.", "Not in the handbook.", "1111", "Felix Abel"});
  EXPECT_EQ(scored[0].scores.count("hallucination_rate"), 0U);  // has a passage
  EXPECT_EQ(scored[0].scores.count("abstention"), 0U);
  EXPECT_EQ(scored[0].details.at("claims"), "1");
  EXPECT_EQ(scored[1].details.count("claims"), 0U);  // has none
  EXPECT_EQ(scored[1].details.at("verdict"), "correct");
  EXPECT_EQ(scored[2].details.at("verdict"), "not attempted");
  EXPECT_EQ(scored[3].details.at("verdict"), "incorrect");
  EXPECT_EQ(scored[4].scores.at("abstention"), 0.0);
  EXPECT_EQ(scored[4].details.at("claims_unsupported"), "1");
  EXPECT_DOUBLE_EQ(value("hallucination_rate", scored), 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(value("attempted", scored), 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(value("accuracy_given_attempted", scored), 0.5);
  EXPECT_DOUBLE_EQ(value("f_score", scored), 2.0 * 0.5 * (1.0 / 3.0) / (0.5 + 1.0 / 3.0));
  EXPECT_DOUBLE_EQ(value("unsupported_rate", scored), 0.5);
  EXPECT_DOUBLE_EQ(value("abstention", scored), 0.0);
  EXPECT_DOUBLE_EQ(value("exact_match", scored), 1.0 / 5.0);
}

TEST_F(HandbookLike, ARefusalIsNoClaimAndNoHallucination) {
  const std::vector<Scored> scored(5, test::score_text(*task_, samples_[4], "not in the handbook"));
  EXPECT_EQ(scored[0].scores.at("abstention"), 1.0);
  EXPECT_EQ(scored[0].scores.at("exact_match"), 1.0);
  EXPECT_EQ(scored[0].details.count("claims"), 0U);
  EXPECT_TRUE(std::isnan(value("unsupported_rate", scored)));
  EXPECT_TRUE(std::isnan(value("f_score", scored)));
  const Scored silent = test::score_text(*task_, samples_[1], "");
  EXPECT_EQ(silent.details.at("verdict"), "not attempted");
  EXPECT_TRUE(silent.no_answer);
}

TEST_F(HandbookLike, MetricsAreListedWithTheHeadlineFirst) {
  std::vector<std::string> names;
  for (const MetricInfo& info : task_->metrics()) names.push_back(info.name);
  EXPECT_EQ(names, (std::vector<std::string>{"exact_match", "hallucination_rate", "attempted",
                                             "accuracy_given_attempted", "f_score", "unsupported_rate",
                                             "abstention"}));
  EXPECT_FALSE(task_->metrics()[1].higher_is_better);
  EXPECT_TRUE(task_->metrics()[1].is_mean);
  EXPECT_FALSE(task_->metrics()[3].is_mean);
  EXPECT_EQ(samples_[0].source, "Extension of legal: 1520.");
  EXPECT_EQ(samples_[1].source, "");
}

}  // namespace
}  // namespace sizeup
