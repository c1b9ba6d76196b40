#include "tasks/metrics/hallucination.h"

#include <algorithm>
#include <limits>

#include "tasks/metrics/refusal.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kCorrect = "correct";
constexpr const char* kIncorrect = "incorrect";
constexpr const char* kNotAttempted = "not attempted";

// Empty where closed book does not apply.
std::string_view verdict_of(const ScoreInput& input) {
  const RefusalPhrases& refusals = input.facts.refusals;
  if (!input.sample.source.empty() || is_unanswerable(input.sample, refusals)) return {};
  const std::string answer = squad_text(input.answer);
  for (const std::string& accepted : input.sample.accepted) {
    if (contains_words(answer, squad_text(accepted))) return kCorrect;
  }
  return is_refusal(input.answer, refusals) ? kNotAttempted : kIncorrect;
}

}  // namespace

void score_verdict(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  const std::string_view verdict = verdict_of(input);
  if (!verdict.empty()) out.detail("verdict", std::string(verdict));
}

void score_hallucination(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out) {
  score_verdict(input, parameters, out);
  const std::string_view verdict = verdict_of(input);
  if (!verdict.empty()) out.score("hallucination_rate", verdict == kIncorrect ? 1.0 : 0.0);
}

void score_attempted(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out) {
  score_verdict(input, parameters, out);
  const std::string_view verdict = verdict_of(input);
  if (!verdict.empty()) out.score("attempted", verdict == kNotAttempted ? 0.0 : 1.0);
}

double aggregate_accuracy_given_attempted(const ScoredSet& set) {
  const auto correct = static_cast<double>(set.with("verdict", kCorrect));
  const auto incorrect = static_cast<double>(set.with("verdict", kIncorrect));
  return correct + incorrect == 0.0 ? kNaN : correct / (correct + incorrect);
}

// With c correct of n, a of them attempted: 2 (c/a)(c/n) / (c/a + c/n) = 2c / (a + n).
double aggregate_f_score(const ScoredSet& set) {
  const auto correct = static_cast<double>(set.with("verdict", kCorrect));
  const double attempted = correct + static_cast<double>(set.with("verdict", kIncorrect));
  const double all = attempted + static_cast<double>(set.with("verdict", kNotAttempted));
  return all == 0.0 ? kNaN : 2.0 * correct / (attempted + all);
}

void score_abstention(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  if (!is_unanswerable(input.sample, input.facts.refusals)) return;
  out.score("abstention", is_refusal(input.answer, input.facts.refusals) ? 1.0 : 0.0);
}

}  // namespace sizeup
