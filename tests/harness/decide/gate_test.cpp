#include "harness/decide/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/random/counter_random.h"
#include "invented_evidence.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Policy policy_of(const std::string& rules) {
  Result<Policy> policy = parse_policy("rules:\n" + rules, "p.yaml");
  if (!policy) throw std::runtime_error(describe(policy.error()));
  return std::move(*policy);
}

GateResult judged(const std::string& rules, const Evidence& candidate, const Evidence* baseline = nullptr) {
  Result<GateResult> result = apply_policy(policy_of(rules), candidate, baseline);
  if (!result) throw std::runtime_error(describe(result.error()));
  return std::move(*result);
}

std::string refusal(const std::string& rules, const Evidence& candidate, const Evidence* baseline = nullptr) {
  const Result<GateResult> result = apply_policy(policy_of(rules), candidate, baseline);
  EXPECT_FALSE(result.has_value());
  return result ? std::string() : describe(result.error());
}

std::vector<GateOutcome> outcomes(const GateResult& result) {
  std::vector<GateOutcome> out;
  for (const GateLine& line : result.lines) out.push_back(line.outcome);
  return out;
}

constexpr GateOutcome kPass = GateOutcome::pass;
constexpr GateOutcome kFail = GateOutcome::fail;
constexpr GateOutcome kOpen = GateOutcome::not_enough_data;

TEST(HeldAgainst, TheWholeIntervalDecides) {
  const Estimate measured{0.8, 0.7, 0.9, 100};
  EXPECT_EQ(held_against(measured, 0.7, true, false), kPass);
  EXPECT_EQ(held_against(measured, 0.75, true, false), kOpen);
  EXPECT_EQ(held_against(measured, 0.95, true, false), kFail);
  EXPECT_EQ(held_against(measured, 0.9, false, false), kPass);
  EXPECT_EQ(held_against(measured, 0.6, false, false), kFail);
  EXPECT_EQ(held_against(measured, 0.75, true, true), kPass) << "by the estimate";
  EXPECT_EQ(held_against(measured, 0.85, true, true), kFail);
  EXPECT_EQ(held_against({0.8, kNoNumber, kNoNumber, 1}, 0.1, true, false), kOpen);
  EXPECT_EQ(held_against({}, 0.1, true, true), kOpen);
}

TEST(Gate, NonInferiorityPassesFailsOrStaysOpen) {
  const Evidence baseline = invented_evidence("large", {invented_task("t", scores_of(900, 1000))});
  const std::string rule = "  - non_inferior: {margin: 0.05}\n";
  const auto outcome = [&](const std::vector<double>& scores) {
    return judged(rule, invented_evidence("small", {invented_task("t", scores)}), &baseline).outcome;
  };
  EXPECT_EQ(outcome(scores_of(895, 1000)), kPass);
  EXPECT_EQ(outcome(scores_of(700, 1000)), kFail);
  EXPECT_EQ(outcome(scores_of(10, 12)), kOpen) << "12 samples only";
  EXPECT_THAT(refusal(rule, baseline), HasSubstr("--baseline"));
  Evidence other = baseline;
  other.tasks[0].data_hash = "other";
  EXPECT_THAT(refusal(rule, other, &baseline), HasSubstr("the data differ"));
}

TEST(Gate, ANamedTaskTakesItsOwnRuleAndNoTaskGoesMissing) {
  const Evidence baseline = invented_evidence(
      "large", {invented_task("a", scores_of(90, 100)), invented_task("b", scores_of(90, 100)),
                invented_task("c", scores_of(90, 100))});
  const Evidence candidate = invented_evidence(
      "small", {invented_task("a", scores_of(90, 100)), invented_task("b", scores_of(50, 100)),
                invented_task("d", scores_of(90, 100))});
  const GateResult result =
      judged("  - non_inferior: {margin: 0.1}\n  - task: b\n    non_inferior: {margin: 0.6}\n", candidate,
             &baseline);
  std::vector<std::string> tasks;
  for (const GateLine& line : result.lines) tasks.push_back(line.task);
  EXPECT_THAT(tasks, ElementsAre("a", "d", "c", "b"));
  EXPECT_THAT(outcomes(result), ElementsAre(kPass, kOpen, kOpen, kPass));
  EXPECT_THAT(result.lines[1].finding, HasSubstr("no such task"));
  EXPECT_THAT(result.lines[2].finding, HasSubstr("has not answered it"));
  EXPECT_EQ(result.outcome, kOpen);
  EXPECT_EQ(wording(result), "not enough data: 2 of 4 checks undecided");
  EXPECT_THAT(refusal("  - task: x\n    non_inferior: {margin: 0.1}\n", candidate, &baseline),
              testing::AllOf(HasSubstr("p.yaml:2"), HasSubstr("no task 'x'"), HasSubstr("a, b, d")));
}

// Too little in each task and enough in all: what a suite of many small tasks is judged by.
TEST(Gate, APoolIsJudgedAsOneTask) {
  std::vector<EvidenceTask> large;
  std::vector<EvidenceTask> small;
  for (const char* name : {"mmlu_law", "mmlu_physics", "mmlu_biology", "mmlu_history"}) {
    large.push_back(invented_task(name, scores_of(80, 100)));
    small.push_back(invented_task(name, scores_of(79, 100)));
  }
  large.push_back(invented_task("gsm8k", scores_of(90, 100)));
  small.push_back(invented_task("gsm8k", scores_of(10, 100)));
  const Evidence baseline = invented_evidence("large", large);
  const Evidence candidate = invented_evidence("small", small);
  const GateResult pooled = judged(
      "  - pool: mmlu_*\n    non_inferior: {margin: 0.03}\n    minimum: {acc: 0.74}\n"
      "    maximum: {error_rate: 0.01}\n",
      candidate, &baseline);
  EXPECT_THAT(outcomes(pooled), ElementsAre(kPass, kPass, kPass));
  EXPECT_EQ(pooled.lines[0].task, "mmlu_* (4 tasks)");
  EXPECT_EQ(pooled.lines[0].measured.n, 400);
  EXPECT_DOUBLE_EQ(pooled.lines[0].measured.value, -0.01);
  EXPECT_DOUBLE_EQ(pooled.lines[1].measured.value, 0.79);
  EXPECT_EQ(judged("  - task: mmlu_law\n    non_inferior: {margin: 0.03}\n", candidate, &baseline).outcome,
            kOpen);
  const GateResult named =
      judged("  - pool: [gsm8k, mmlu_l*]\n    non_inferior: {margin: 0.03}\n", candidate, &baseline);
  EXPECT_THAT(outcomes(named), ElementsAre(kFail));
  EXPECT_EQ(named.lines[0].task, "gsm8k, mmlu_l* (2 tasks)");
}

// Tasks with more samples weigh more, as in a group that is weighted by size.
TEST(Gate, EverySampleOfAPoolCountsAsMuch) {
  const Evidence candidate = invented_evidence(
      "small", {invented_task("a", scores_of(900, 900)), invented_task("b", scores_of(0, 100))});
  const GateResult result = judged("  - pool: '*'\n    minimum: {acc: 0.85}\n", candidate);
  EXPECT_THAT(outcomes(result), ElementsAre(kPass));
  EXPECT_DOUBLE_EQ(result.lines[0].measured.value, 0.9);
}

// Documents of two tasks are others, even with the same text; those of one task are counted once.
TEST(Gate, RepeatedDocumentsOfAPoolCountOnce) {
  EvidenceTask repeated = invented_task("a", scores_of(6, 12));
  for (EvidenceSample& sample : repeated.samples) sample.document_hash = "the same";
  EvidenceTask baseline_task = repeated;
  for (EvidenceSample& sample : baseline_task.samples) sample.score = 1.0;
  EvidenceTask other = baseline_task;
  other.name = "b";
  const Evidence baseline = invented_evidence("large", {baseline_task, other});
  const Evidence candidate = invented_evidence("small", {repeated, other});
  const GateResult result =
      judged("  - pool: [a, b]\n    non_inferior: {margin: 0.01}\n", candidate, &baseline);
  EXPECT_EQ(result.lines[0].outcome, kOpen) << "two documents prove nothing";
}

TEST(Gate, APoolThatLacksATaskStaysOpen) {
  const Evidence baseline = invented_evidence(
      "large", {invented_task("a1", scores_of(90, 100)), invented_task("a2", scores_of(90, 100))});
  Evidence candidate = invented_evidence("small", {invented_task("a1", scores_of(95, 100))});
  const std::string rule = "  - pool: a*\n    minimum: {acc: 0.5}\n";
  EXPECT_EQ(judged(rule, candidate).outcome, kPass);
  const GateResult less = judged(rule, candidate, &baseline);
  EXPECT_THAT(outcomes(less), ElementsAre(kOpen));
  EXPECT_THAT(less.lines[0].finding,
              testing::AllOf(HasSubstr("has not answered all of a2"), HasSubstr("small")));
  candidate.unfinished = {"a3"};
  EXPECT_THAT(judged(rule, candidate).lines[0].finding, HasSubstr("a3"));
  const Evidence more = invented_evidence(
      "small", {invented_task("a1", scores_of(95, 100)), invented_task("a2", scores_of(95, 100)),
                invented_task("a3", scores_of(95, 100))});
  const GateResult unknown = judged("  - pool: a*\n    non_inferior: {margin: 0.1}\n", more, &baseline);
  EXPECT_THAT(outcomes(unknown), ElementsAre(kOpen));
  EXPECT_THAT(unknown.lines[0].finding, testing::AllOf(HasSubstr("large"), HasSubstr("a3")));
}

TEST(Gate, WhatCannotBePooledIsRefused) {
  Evidence candidate = invented_evidence(
      "small", {invented_task("a", scores_of(90, 100)), invented_task("b", scores_of(90, 100))});
  candidate.tasks[1].metric = "exact_match";
  EXPECT_THAT(
      refusal("  - pool: '*'\n    minimum: {acc: 0.5}\n", candidate),
      testing::AllOf(HasSubstr("p.yaml:2"), HasSubstr("'acc' of task 'b'"), HasSubstr("exact_match")));
  EXPECT_THAT(refusal("  - pool: [a, x*]\n    minimum: {acc: 0.5}\n", candidate),
              testing::AllOf(HasSubstr("no task fits 'x*'"), HasSubstr("a, b")));
  EXPECT_THAT(refusal("  - pool: a\n    non_inferior: {margin: 0.1}\n", candidate), HasSubstr("--baseline"));
  EXPECT_THAT(outcomes(judged("  - pool: '*'\n    maximum: {error_rate: 0.1}\n", candidate)),
              ElementsAre(kPass));
}

Evidence with_results() {
  EvidenceTask task = invented_task("t", scores_of(80, 100));
  task.results = {{"acc", "", "", 0.8, 0.711, 0.867, 100},
                  {"recall:fraud", "", "", 0.95, 0.90, 0.98, 200},
                  {"recall:fraud", "language", "de", 0.6, 0.4, 0.8, 20},
                  {"abstention", "", "", 0.9, 0.85, 0.94, 150},
                  {"macro_f1", "", "", 1.0, 1.0, 1.0, 5}};
  for (size_t i = 0; i < task.samples.size(); ++i) {
    task.samples[i].slices = std::make_shared<const Slices>(Slices{{"language", i < 50 ? "de" : "en"}});
    task.samples[i].invalid = i < 30;
  }
  task.samples[0].failed = true;
  return invented_evidence("small", {task});
}

TEST(Gate, MetricsOfTheWholeAndOfSlices) {
  const Evidence candidate = with_results();
  EXPECT_THAT(outcomes(judged("  - minimum: {'recall:fraud': 0.9}\n    maximum: {acc: 0.7}\n", candidate)),
              ElementsAre(kPass, kFail));
  const GateResult slice =
      judged("  - task: t\n    slice: {language: de}\n    minimum: {'recall:fraud': 0.7}\n", candidate);
  EXPECT_EQ(slice.outcome, kOpen);
  EXPECT_EQ(slice.lines[0].slice, "language = de");
  EXPECT_GT(slice.lines[0].more, 20);
  // Stored for the whole alone, so counted from the samples: 29 of 49 that did not fail, none of 50.
  const GateResult rates =
      judged("  - slice: {language: '*'}\n    maximum: {invalid_rate: 0.2}\n", candidate);
  EXPECT_THAT(outcomes(rates), ElementsAre(kFail, kPass));
  EXPECT_EQ(rates.lines[0].measured.n, 49);
  EXPECT_THAT(
      refusal("  - minimum: {f1: 0.9}\n", candidate),
      testing::AllOf(HasSubstr("no metric 'f1'"), HasSubstr("abstention, acc, macro_f1, recall:fraud")));
  EXPECT_THAT(
      refusal("  - task: t\n    slice: {language: fr}\n    minimum: {'recall:fraud': 0.9}\n", candidate),
      HasSubstr("recall:fraud of de"));
}

TEST(Gate, AShareWithoutSpreadIsNoCertainty) {
  // 5 of 5: Wilson's lower end is 0.566 (statsmodels: proportion_confint(5, 5, method="wilson")).
  const GateResult result = judged("  - minimum: {macro_f1: 0.6}\n", with_results());
  EXPECT_EQ(result.outcome, kOpen);
  EXPECT_NEAR(result.lines[0].measured.lo, 0.5655, 1e-4);
}

TEST(Gate, HallucinationByKind) {
  const GateResult result = judged("  - hallucination: {unanswerable: 0.2}\n", with_results());
  EXPECT_EQ(result.outcome, kPass);
  EXPECT_NEAR(result.lines[0].measured.hi, 0.15, 1e-12) << "what is not declined is invented";
  EXPECT_EQ(judged("  - hallucination: {unanswerable: 0.05}\n", with_results()).outcome, kFail);
  EXPECT_THAT(refusal("  - hallucination: {closed_book: 0.2}\n", with_results()),
              HasSubstr("no metric 'hallucination_rate'"));
  Evidence small = with_results();
  small.tasks[0].metrics = {"acc", "hallucination_rate"};
  const GateResult open = judged("  - hallucination: {closed_book: 0.2}\n", small);
  EXPECT_EQ(open.outcome, kOpen) << "the task has the metric, its few samples do not";
  EXPECT_THAT(open.lines[0].finding, HasSubstr("none of the samples asked"));
}

Evidence timed(double ms, size_t requests, const char* scenario = "single") {
  EvidenceTask task = invented_task("t", scores_of(5, 10));
  for (size_t i = 0; i < requests; ++i)
    task.times[scenario].total_ms.push_back(ms + static_cast<double>(i % 10));
  return invented_evidence("small", {task});
}

TEST(Gate, LatencyTakesEnoughRequests) {
  const std::string rule = "  - latency: {percentile: 95, maximum_ms: 200}\n";
  EXPECT_EQ(judged(rule, timed(100.0, 400)).outcome, kPass);
  EXPECT_EQ(judged(rule, timed(300.0, 400)).outcome, kFail);
  EXPECT_EQ(judged(rule, timed(195.0, 400)).outcome, kFail) << "195 to 204, the p95 being 204";
  const GateResult few = judged(rule, timed(100.0, 40));
  EXPECT_EQ(few.outcome, kOpen);
  EXPECT_THAT(few.lines[0].finding, HasSubstr("a claim about p95 takes 130 requests"));
  EXPECT_EQ(few.lines[0].more, 90);
  EXPECT_THAT(judged(rule, timed(100.0, 0)).lines[0].finding, HasSubstr("no request was timed"));
}

TEST(Gate, LatencyUnderTheLoadThatTheRuleNames) {
  const std::string rule = "  - latency: {percentile: 95, scenario: 'server:10', maximum_ms: 200}\n";
  EXPECT_EQ(judged(rule, timed(100.0, 400, "server:10")).outcome, kPass);
  const GateResult slow = judged(rule, timed(300.0, 400, "server:10"));
  EXPECT_EQ(slow.outcome, kFail);
  EXPECT_THAT(slow.lines[0].rule, HasSubstr("in scenario server:10"));
  const GateResult other = judged(rule, timed(100.0, 400));
  EXPECT_EQ(other.outcome, kOpen) << "one request at a time says nothing of a load";
  EXPECT_THAT(other.lines[0].finding,
              HasSubstr("no request was timed in scenario 'server:10', but in single"));

  const std::string change = "  - latency: {percentile: 95, scenario: 'server:10', increase_percent: 20}\n";
  const Evidence single = timed(100.0, 400);
  const Evidence load = timed(100.0, 400, "server:10");
  EXPECT_EQ(judged(change, timed(105.0, 400, "server:10"), &load).outcome, kPass);
  const GateResult unknown = judged(change, timed(105.0, 400, "server:10"), &single);
  EXPECT_EQ(unknown.outcome, kOpen);
  EXPECT_THAT(unknown.lines[0].finding, HasSubstr("of the baseline, no request was timed in scenario"));
}

TEST(Gate, LatencyAgainstTheBaselineOnTheSameMachineOnly) {
  const std::string rule = "  - latency: {percentile: 95, increase_percent: 20}\n";
  Evidence baseline = timed(100.0, 400);
  EXPECT_EQ(judged(rule, timed(105.0, 400), &baseline).outcome, kPass);
  EXPECT_EQ(judged(rule, timed(140.0, 400), &baseline).outcome, kFail);
  baseline.machine = "{}";
  const GateResult other = judged(rule, timed(105.0, 400), &baseline);
  EXPECT_EQ(other.outcome, kOpen);
  EXPECT_THAT(other.lines[0].finding, HasSubstr("different machines"));
}

TEST(Gate, ThroughputCostAndMemory) {
  Evidence candidate = invented_evidence("small", {invented_task("t", scores_of(5, 10))});
  Evidence baseline = candidate;
  const std::string rules =
      "  - throughput: {minimum_tokens_per_second: 100, decrease_percent: 10}\n"
      "  - cost: {maximum_per_1000: 2, increase_percent: 10}\n"
      "  - memory: {maximum_mb: 0.0011, increase_percent: 0}\n";
  const GateResult unknown = judged(rules, candidate, &baseline);
  EXPECT_THAT(outcomes(unknown), ElementsAre(kOpen, kOpen, kOpen, kOpen, kPass, kPass));
  EXPECT_THAT(unknown.lines[2].finding, HasSubstr("no price was given"));
  candidate.tasks[0].work = EvidenceWork{10, 1200, 10.0};
  candidate.tasks[0].cost_per_sample = 0.001;
  candidate.tasks[0].currency = "EUR";
  baseline.tasks[0].work = EvidenceWork{10, 1500, 10.0};
  baseline.tasks[0].cost_per_sample = 0.0005;
  baseline.tasks[0].currency = "EUR";
  baseline.packed_bytes = 900;
  EXPECT_THAT(outcomes(judged(rules, candidate, &baseline)),
              ElementsAre(kPass, kFail, kPass, kFail, kPass, kFail));
  baseline.tasks[0].currency = "USD";
  EXPECT_THAT(judged(rules, candidate, &baseline).lines[3].finding, HasSubstr("EUR and USD"));
}

TEST(Gate, AllSlicesTogetherAreWidened) {
  EvidenceTask large = invented_task("t", scores_of(100, 100));
  EvidenceTask small = invented_task("t", scores_of(97, 100));
  for (size_t i = 0; i < 100; ++i) {
    large.samples[i].slices = small.samples[i].slices =
        std::make_shared<const Slices>(Slices{{"tier", i % 2 == 0 ? "gold" : "basic"}});
  }
  const Evidence baseline = invented_evidence("large", {large});
  const Evidence candidate = invented_evidence("small", {small});
  const auto upper = [&](const std::string& value) {
    const GateResult result =
        judged("  - slice: {tier: '" + value + "'}\n    non_inferior: {margin: 0.3}\n", candidate, &baseline);
    EXPECT_EQ(result.outcome, kPass);
    return result.lines[0].measured.lo;
  };
  EXPECT_LT(upper("*"), upper("gold"));
  EXPECT_THAT(
      refusal("  - task: t\n    slice: {tier: tin}\n    non_inferior: {margin: 0.3}\n", candidate, &baseline),
      HasSubstr("one of gold, basic"));
}

// Looking anytime costs width: what one look at the end decides may stay open.
TEST(Gate, LookingAnytimeIsWider) {
  const Evidence baseline = invented_evidence("large", {invented_task("t", scores_of(90, 100))});
  const Evidence candidate = invented_evidence("small", {invented_task("t", scores_of(89, 100))});
  const Policy policy = policy_of("  - non_inferior: {margin: 0.06}\n  - minimum: {acc: 0.8}\n");
  const GateResult once = *apply_policy(policy, candidate, &baseline, Looking::once);
  const GateResult anytime = *apply_policy(policy, candidate, &baseline, Looking::anytime);
  EXPECT_EQ(once.lines[0].outcome, kPass);
  EXPECT_EQ(anytime.lines[0].outcome, kOpen);
  EXPECT_LT(anytime.lines[0].measured.lo, once.lines[0].measured.lo);
  EXPECT_LT(anytime.lines[1].measured.lo, 0.82);
  EXPECT_EQ(anytime.lines[1].measured.n, 100);
}

// A candidate that is worse by exactly the margin, looked at five times: each wrong answer stays as rare as
// one look's, 2.5 % of 400; 19 is three standard errors more than these 10.
TEST(Gate, LookingAnytimeKeepsTheErrorRate) {
  const Policy policy = policy_of("  - non_inferior: {margin: 0.1}\n");
  int passed = 0;
  int failed = 0;
  for (uint64_t data = 0; data < 400; ++data) {
    std::vector<double> scores;
    for (uint64_t i = 0; i < 512; ++i) scores.push_back(uniform(11, data, i) < 0.1 ? 0.0 : 1.0);
    GateOutcome outcome = kOpen;
    for (size_t n = 32; n <= scores.size() && outcome == kOpen; n *= 2) {
      const std::vector<double> seen(scores.begin(), scores.begin() + static_cast<long>(n));
      const Evidence candidate = invented_evidence("small", {invented_task("t", seen)});
      const Evidence baseline = invented_evidence("large", {invented_task("t", scores_of(n, n))});
      outcome = apply_policy(policy, candidate, &baseline, Looking::anytime)->outcome;
    }
    passed += outcome == kPass ? 1 : 0;
    failed += outcome == kFail ? 1 : 0;
  }
  EXPECT_LE(passed, 19);
  EXPECT_LE(failed, 19);
}

}  // namespace
}  // namespace sizeup
