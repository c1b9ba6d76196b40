// The log-probability of an answer with its source and without.
#include <cmath>

#include "tests/tasks/support.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

const Json kDocuments =
    Json::array({{{"id", "a"}, {"p", "The door is green."}, {"q", "Which colour?"}, {"a", "green"}},
                 {{"id", "b"}, {"p", nullptr}, {"q", "Which town?"}, {"a", "Paris"}}});

std::unique_ptr<Task> grounded(const std::string& text, const std::string& more = "") {
  return test::task_over(kDocuments, "output_type: loglikelihood\ndoc_to_text: \"" + text +
                                         "\"\ndoc_to_target: a\ngrounding: p\nmetric_list: [{metric: "
                                         "source_gain}]\n" +
                                         more);
}

constexpr const char* kText = "{% if p %}{{p}}\\n{% endif %}{{q}} ";

Reply reply(double logprob, int64_t tokens) {
  Reply out;
  out.logprob = logprob;
  out.tokens = tokens;
  return out;
}

TEST(SourceGain, AsksForTheTargetAfterBothPrompts) {
  const auto task = grounded(kText);
  const std::vector<Sample> samples = test::samples_of(*task);
  ASSERT_EQ(samples[0].asks.size(), 2u);
  const auto& with_source = std::get<AskScore>(samples[0].asks[0]);
  const auto& without_source = std::get<AskScore>(samples[0].asks[1]);
  EXPECT_EQ(samples[0].prompt.user + *with_source.context, "The door is green.\nWhich colour? ");
  EXPECT_EQ(samples[0].prompt.user + *without_source.context, "Which colour? ");
  EXPECT_EQ(with_source.continuation, "green");
  EXPECT_EQ(without_source.continuation, "green");
  // Without a source there is nothing to compare.
  EXPECT_EQ(samples[1].asks.size(), 1u);
}

TEST(SourceGain, IsTheDifferenceOfTheMeansOverTokens) {
  const auto task = grounded(kText);
  const Sample sample = test::samples_of(*task)[0];
  const Scored scored = task->score(sample, {reply(-1.5, 3), reply(-8.0, 4)});
  EXPECT_NEAR(scored.scores.at("source_gain"), 1.5, 1e-12);
  EXPECT_EQ(scored.details.at("with_source"), "-0.5");
  EXPECT_EQ(scored.details.at("without_source"), "-2");
  EXPECT_NEAR(task->score(sample, {reply(-6.0, 3), reply(-3.0, 3)}).scores.at("source_gain"), -1.0, 1e-12);
}

TEST(SourceGain, IsNothingWhereItCannotBeSaid) {
  const auto task = grounded(kText);
  const std::vector<Sample> samples = test::samples_of(*task);
  EXPECT_TRUE(task->score(samples[1], {reply(-1.0, 1)}).scores.empty());
  EXPECT_TRUE(task->score(samples[0], {reply(-1.0, 0), reply(-1.0, 0)}).scores.empty());
  EXPECT_TRUE(task->score(samples[0], {reply(-INFINITY, 1), reply(-1.0, 1)}).scores.empty());
}

// Examples keep their own sources: they are the same in both prompts.
TEST(SourceGain, ExamplesStandBeforeBothPrompts) {
  const auto task = grounded(
      kText, "num_fewshot: 1\nfewshot_config: {samples: [{p: It is hot., q: 'Is it?', a: 'yes'}]}\n");
  const Sample sample = test::samples_of(*task)[0];
  EXPECT_THAT(sample.prompt.user, HasSubstr("It is hot.\nIs it?"));
  EXPECT_EQ(*std::get<AskScore>(sample.asks[1]).context, "Which colour? ");
}

TEST(SourceGain, NeedsAPromptThatShowsTheSource) {
  const auto task = grounded("{{q}}");
  const Result<std::vector<Sample>> samples = task->samples(0);
  ASSERT_FALSE(samples.has_value());
  EXPECT_THAT(samples.error().message, HasSubstr("does not depend on the field 'p'"));
}

}  // namespace
}  // namespace sizeup
