#include "harness/decide/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "invented_evidence.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// 40 documents of which the candidate loses two and wins one.
struct Example {
  std::vector<double> candidate = scores_of(30, 40);
  std::vector<double> baseline = scores_of(30, 40);
  Example() {
    candidate[0] = candidate[1] = 0.0;
    candidate[39] = 1.0;
  }
};

Comparison compared(const Evidence& candidate, const Evidence& baseline) {
  Result<Comparison> comparison = compare(candidate, baseline, {}, 0.05);
  if (!comparison) throw std::runtime_error(describe(comparison.error()));
  return std::move(*comparison);
}

TEST(Comparison, PairsByDocumentWhateverTheOrder) {
  const Example example;
  const Evidence candidate = invented_evidence("small", {invented_task("t", example.candidate)});
  Evidence baseline = invented_evidence("large", {invented_task("t", example.baseline)});
  std::reverse(baseline.tasks[0].samples.begin(), baseline.tasks[0].samples.end());
  const Comparison comparison = compared(candidate, baseline);
  ASSERT_EQ(comparison.tasks.size(), 1u);
  const PairedDifference& d = comparison.tasks[0].difference.result.difference;
  const PairedDifference expected = paired_difference(example.candidate, example.baseline);
  EXPECT_EQ(d.wins, 1);
  EXPECT_EQ(d.losses, 2);
  EXPECT_EQ(d.lo, expected.lo);
  EXPECT_EQ(d.hi, expected.hi);
  EXPECT_EQ(comparison.tasks[0].difference.holm_p, expected.p) << "one task: nothing to adjust";
  EXPECT_FALSE(comparison.overall.has_value());
  EXPECT_EQ(comparison.verdict.verdict, Verdict::not_enough_data);
  std::vector<std::string> flipped;
  for (const Flip& flip : comparison.tasks[0].flips) flipped.push_back(flip.document_id);
  EXPECT_THAT(flipped, ElementsAre("doc-0", "doc-1", "doc-39")) << "losses first";
}

TEST(Comparison, SwappingTheSidesFlipsTheSign) {
  const Example example;
  const Evidence a = invented_evidence("a", {invented_task("t", example.candidate)});
  const Evidence b = invented_evidence("b", {invented_task("t", example.baseline)});
  const PairedDifference one = compared(a, b).tasks[0].difference.result.difference;
  const PairedDifference other = compared(b, a).tasks[0].difference.result.difference;
  EXPECT_DOUBLE_EQ(one.difference, -other.difference);
  EXPECT_NEAR(one.lo, -other.hi, 1e-12);
  EXPECT_DOUBLE_EQ(one.p, other.p);
}

// Every row of the data stands there three times under other names: no more is known than from one of each.
TEST(Comparison, RepeatsOfOneDocumentAreNoIndependentSamples) {
  const std::vector<double> scores = {0.2, 0.9, 0.4, 0.7, 1.0, 0.1};
  const std::vector<double> others = {0.3, 0.8, 0.9, 0.7, 0.6, 0.5};
  const auto thrice = [](const std::vector<double>& once) {
    std::vector<double> all;
    for (int copy = 0; copy < 3; ++copy) all.insert(all.end(), once.begin(), once.end());
    EvidenceTask task = invented_task("t", all);
    for (size_t i = 0; i < all.size(); ++i) {
      task.samples[i].document_hash = "hash-" + std::to_string(i % once.size());
    }
    return task;
  };
  const Evidence a = invented_evidence("a", {invented_task("t", scores)});
  const Evidence b = invented_evidence("b", {invented_task("t", others)});
  const Difference once = compared(a, b).tasks[0].difference;
  const Difference repeated =
      compared(invented_evidence("a", {thrice(scores)}), invented_evidence("b", {thrice(others)}))
          .tasks[0]
          .difference;
  EXPECT_EQ(repeated.result.difference.n, 18);
  EXPECT_NEAR(repeated.result.difference.lo, once.result.difference.lo, 1e-12);
  EXPECT_NEAR(repeated.result.difference.hi, once.result.difference.hi, 1e-12);
  EXPECT_NEAR(repeated.result.difference.p, once.result.difference.p, 1e-12);
  // Resampling three copies of a row each as independent would shrink this interval by the root of three.
  EXPECT_GT(repeated.kept.bootstrap.hi - repeated.kept.bootstrap.lo,
            0.8 * (once.kept.bootstrap.hi - once.kept.bootstrap.lo));
}

TEST(Comparison, OtherQuestionsAreRefusedByName) {
  const Example example;
  const Evidence candidate = invented_evidence("small", {invented_task("t", example.candidate)});
  const auto refusal = [&](const std::function<void(EvidenceTask&)>& change) {
    Evidence baseline = invented_evidence("large", {invented_task("t", example.baseline)});
    change(baseline.tasks[0]);
    const Result<Comparison> comparison = compare(candidate, baseline, {}, 0.05);
    EXPECT_FALSE(comparison.has_value());
    if (comparison) return std::string();
    EXPECT_EQ(comparison.error().kind, ErrorKind::bad_input);
    EXPECT_FALSE(comparison.error().hint.empty());
    return comparison.error().message;
  };
  EXPECT_THAT(refusal([](EvidenceTask& task) { task.data_hash = "other"; }),
              HasSubstr("task 't' cannot be compared: the data differ (data and other)"));
  EXPECT_THAT(refusal([](EvidenceTask& task) { task.definition_hash = "d2"; }), HasSubstr("the definitions"));
  EXPECT_THAT(refusal([](EvidenceTask& task) { task.protocol = "likelihood"; }),
              HasSubstr("the protocols differ (generative and likelihood)"));
  EXPECT_THAT(refusal([](EvidenceTask& task) { task.num_fewshot = 5; }), HasSubstr("numbers of examples"));
  EXPECT_THAT(refusal([](EvidenceTask& task) {
                for (EvidenceSample& sample : task.samples) sample.prompt_hash += "x";
              }),
              HasSubstr("no sample has a score on both sides"));
  EXPECT_THAT(refusal([](EvidenceTask& task) { task.name = "u"; }), HasSubstr("no task of both"));
}

TEST(Comparison, WhatIsLeftOutIsSaid) {
  const Example example;
  EvidenceTask unscored = invented_task("unscored", {kNoNumber, kNoNumber});
  unscored.metric.clear();
  Evidence candidate = invented_evidence(
      "small", {invented_task("t", example.candidate), unscored, invented_task("own", {1.0})});
  Evidence baseline = invented_evidence("large", {invented_task("t", example.baseline), unscored});
  candidate.tasks[0].samples[5].score = kNoNumber;  // a failed request
  baseline.tasks[0].chat_template = true;
  const Comparison comparison = compared(candidate, baseline);
  ASSERT_EQ(comparison.tasks.size(), 1u);
  EXPECT_EQ(comparison.tasks[0].difference.result.difference.n, 39);
  EXPECT_THAT(comparison.notes, ElementsAre(HasSubstr("one side only: own"),
                                            HasSubstr("a chat template was applied for the baseline"),
                                            HasSubstr("39 of 40 and 40"), HasSubstr("unscored: left out")));
  const Result<Comparison> absent = compare(candidate, baseline, {"own"}, 0.05);
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().kind, ErrorKind::usage);
  EXPECT_THAT(absent.error().hint, HasSubstr("t, unscored"));
}

TEST(Comparison, SlicesAreWidenedAndSeveralTasksHaveAnOverall) {
  const Example example;
  const auto sliced = [](EvidenceTask task) {
    task.slice_fields = {"language", "constant"};
    for (size_t i = 0; i < task.samples.size(); ++i) {
      task.samples[i].slices =
          std::make_shared<const Slices>(Slices{{"language", i % 2 == 0 ? "de" : "en"}, {"constant", "x"}});
    }
    return task;
  };
  const Evidence candidate = invented_evidence(
      "small", {sliced(invented_task("t", example.candidate)), invented_task("u", scores_of(10, 10))});
  const Evidence baseline = invented_evidence(
      "large", {sliced(invented_task("t", example.baseline)), invented_task("u", scores_of(9, 10))});
  const Comparison comparison = compared(candidate, baseline);
  const std::vector<SliceComparison>& slices = comparison.tasks[0].slices;
  ASSERT_EQ(slices.size(), 2u) << "a field with one value is no slice";
  EXPECT_EQ(slices[0].value, "de");
  EXPECT_EQ(slices[0].difference.result.difference.n, 20);
  EXPECT_LT(slices[0].difference.widened.lo, slices[0].difference.result.difference.lo);
  ASSERT_TRUE(comparison.overall.has_value());
  EXPECT_EQ(comparison.overall->result.difference.n, 50);
  EXPECT_EQ(comparison.overall->result.difference.losses, 2) << "documents of two tasks are not one document";
  EXPECT_GE(comparison.tasks[0].difference.holm_p, comparison.tasks[0].difference.result.difference.p);
}

}  // namespace
}  // namespace sizeup
