// The skeleton of a metric for docs/add-a-metric.md: a function for one sample, a formula for a set, the row
// of the table, and the test. In the program the first three are in tasks/metrics; here they are only
// compiled.
#include <cmath>
#include <limits>

#include "core/jinja/text.h"
#include "tasks/metrics/metric.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

// 1. One sample. What the set formula needs is written as details; a metric that is a mean writes a score.
void score_length_ratio(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  if (input.sample.accepted.empty()) return;  // it does not apply: the sample does not count
  out.number("words_answered", static_cast<double>(jinja::split_words(input.answer, -1).size()));
  out.number("words_expected",
             static_cast<double>(jinja::split_words(input.sample.accepted.front(), -1).size()));
}

// 2. All samples together; NaN where it applies to none of them.
double aggregate_length_ratio(const ScoredSet& set) {
  const double expected = set.sum("words_expected");
  return expected == 0.0 ? std::numeric_limits<double>::quiet_NaN() : set.sum("words_answered") / expected;
}

// 3. The row of the table (tasks/metrics/text_rows.cpp): null instead of the formula would mean the mean. The
// last column names the details that the formula reads.
const MetricEntry kRow = {
    "length_ratio",
    "words of the answers / words of the targets",
    "metric_list: [{metric: length_ratio}]",
    true,
    {OutputType::generate_until},
    Need::none,
    score_length_ratio,
    aggregate_length_ratio,
    {"words_answered", "words_expected"},
};

// 4. The test: hand-worked numbers, none where it does not apply, and answers made to break it.
Scored scored_by(const MetricEntry& row, const std::vector<std::string>& accepted,
                 const std::string& answer) {
  const ScoringFacts facts;
  Sample sample;
  sample.accepted = accepted;
  const std::vector<Reply> replies(1);
  const ScoreInput input{facts, sample, replies, answer, {answer}};
  Scored scored;
  ScoreWriter writer(scored, "");
  row.score(input, {}, writer);
  return scored;
}

double aggregated(const std::vector<const Scored*>& scored) {
  const DetailTable table(scored, "", kRow.details);
  return kRow.aggregate(ScoredSet(table, table.counts()));
}

TEST(Skeleton, CountsOverTheSet) {
  const Scored half = scored_by(kRow, {"four words are expected"}, "two words");
  const Scored more = scored_by(kRow, {"one"}, "now there are four");
  EXPECT_DOUBLE_EQ(aggregated({&half, &more}), 6.0 / 5.0);
}

TEST(Skeleton, SaysWhereItDoesNotApply) {
  const Scored none = scored_by(kRow, {}, "words");
  EXPECT_TRUE(none.details.empty());
  EXPECT_TRUE(std::isnan(aggregated({&none})));
}

TEST(Skeleton, TakesHostileAnswers) {
  for (const std::string& answer :
       {std::string(1 << 20, 'x'), std::string(1 << 20, '\0'), std::string(1 << 20, '\n')})
    EXPECT_EQ(scored_by(kRow, {"a"}, answer).details.at("words_expected"), "1");
}

}  // namespace
}  // namespace sizeup
