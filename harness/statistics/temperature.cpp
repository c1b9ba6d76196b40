#include "harness/statistics/temperature.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/errors/result.h"
#include "core/random/counter_random.h"
#include "harness/statistics/logistic.h"

namespace sizeup {
namespace {

double logit(double confidence) {
  constexpr double kNearest = 1e-6;
  const double inside = std::clamp(confidence, kNearest, 1.0 - kNearest);
  return std::log(inside / (1.0 - inside));
}

struct Logit {
  double value = 0.0;
  bool right = false;
  int fold = 0;
};

// Slope and curvature of the negative log-likelihood in b = 1/T, in which it is convex.
struct Derivatives {
  double slope = 0.0;
  double curvature = 0.0;
};

Derivatives derivatives(std::span<const Logit> logits, double b, int left_out) {
  Derivatives out;
  for (const Logit& one : logits) {
    if (one.fold == left_out) continue;
    const double p = sigmoid(b * one.value);
    out.slope += (p - (one.right ? 1.0 : 0.0)) * one.value;
    out.curvature += p * (1.0 - p) * one.value * one.value;
  }
  return out;
}

constexpr int kNoFold = -1;

// Newton's method, kept within a bracket that every step narrows. It begins at T = 1 whatever other folds
// gave: their last digit would tell of the one left out.
double fit(std::span<const Logit> logits, int left_out) {
  constexpr int kMostSteps = 100;
  constexpr double kClose = 1e-12;
  double lo = 1.0 / kMostTemperature;
  double hi = 1.0 / kLeastTemperature;
  if (derivatives(logits, lo, left_out).slope >= 0.0) return lo;
  if (derivatives(logits, hi, left_out).slope <= 0.0) return hi;
  double b = 1.0;
  for (int step = 0; step < kMostSteps; ++step) {
    const Derivatives at = derivatives(logits, b, left_out);
    (at.slope < 0.0 ? lo : hi) = b;
    double next = b - at.slope / at.curvature;
    if (!(next > lo && next < hi)) next = 0.5 * (lo + hi);
    const bool done = std::fabs(next - b) <= kClose * b;
    b = next;
    if (done) break;
  }
  return b;
}

// Sandwich error of b: what each answer, or each document's answers together, pull at the slope.
double robust_error(std::span<const StatedAnswer> answers, std::span<const Logit> logits, double b) {
  const auto pull = [&](size_t i) {
    return (sigmoid(b * logits[i].value) - (logits[i].right ? 1.0 : 0.0)) * logits[i].value;
  };
  double squares = 0.0;
  if (has_repeats(answers)) {
    std::map<int64_t, double> pulls;
    for (size_t i = 0; i < logits.size(); ++i) pulls[answers[i].document] += pull(i);
    for (const auto& [document, sum] : pulls) squares += sum * sum;
  } else {
    for (size_t i = 0; i < logits.size(); ++i) squares += pull(i) * pull(i);
  }
  return std::sqrt(squares) / derivatives(logits, b, kNoFold).curvature;
}

// What is fitted on.
std::vector<StatedAnswer> thinned(std::span<const StatedAnswer> answers) {
  constexpr size_t kMostFitted = 50'000;
  const size_t step = answers.size() / kMostFitted + 1;
  std::vector<StatedAnswer> out;
  for (size_t i = 0; i < answers.size(); i += step) out.push_back(answers[i]);
  return out;
}

std::vector<Logit> logits_of(std::span<const StatedAnswer> answers) {
  std::vector<Logit> logits;
  logits.reserve(answers.size());
  for (const StatedAnswer& answer : answers) logits.push_back({logit(answer.confidence), answer.right, 0});
  return logits;
}

bool can_be_fitted(std::span<const Logit> logits, int left_out) {
  bool any_right = false;
  bool any_wrong = false;
  for (const Logit& one : logits) {
    if (one.fold == left_out) continue;
    (one.right ? any_right : any_wrong) = true;
  }
  return any_right && any_wrong;
}

}  // namespace

double scaled_confidence(double confidence, double temperature) {
  return sigmoid(logit(confidence) / temperature);
}

Temperature fit_temperature(std::span<const StatedAnswer> all, double confidence) {
  const std::vector<StatedAnswer> answers = thinned(all);
  const std::vector<Logit> logits = logits_of(answers);
  if (!can_be_fitted(logits, kNoFold)) return {};
  const double b = fit(logits, kNoFold);
  const double half = normal_quantile(0.5 + confidence / 2) * robust_error(answers, logits, b);
  const auto end = [&](double value) {
    return 1.0 / std::clamp(value, 1.0 / kMostTemperature, 1.0 / kLeastTemperature);
  };
  return {1.0 / b, {end(b + half), end(b - half)}};
}

std::vector<StatedAnswer> cross_fitted(std::span<const StatedAnswer> answers, uint64_t seed, int folds) {
  require(folds > 1, "cross-fitting needs folds");
  const auto fold_of = [&](const StatedAnswer& answer) {
    return static_cast<int>(uniform(seed, 0, static_cast<uint64_t>(answer.document)) * folds);
  };
  const std::vector<StatedAnswer> fitted_on = thinned(answers);
  std::vector<Logit> logits = logits_of(fitted_on);
  for (size_t i = 0; i < logits.size(); ++i) logits[i].fold = fold_of(fitted_on[i]);
  std::vector<double> temperatures(static_cast<size_t>(folds), kNoNumber);
  for (int fold = 0; fold < folds; ++fold) {
    if (can_be_fitted(logits, fold)) temperatures[static_cast<size_t>(fold)] = 1.0 / fit(logits, fold);
  }
  std::vector<StatedAnswer> out(answers.begin(), answers.end());
  for (StatedAnswer& answer : out) {
    const double temperature = temperatures[static_cast<size_t>(fold_of(answer))];
    if (!std::isnan(temperature)) answer.confidence = scaled_confidence(answer.confidence, temperature);
  }
  return out;
}

}  // namespace sizeup
