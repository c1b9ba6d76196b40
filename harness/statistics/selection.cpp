#include "harness/statistics/selection.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>

#include "core/errors/result.h"

namespace sizeup {
namespace {

std::vector<size_t> surest_first(std::span<const StatedAnswer> answers) {
  std::vector<size_t> order(answers.size());
  std::iota(order.rbegin(), order.rend(), size_t{0});  // right already where the least sure come first
  const auto surer = [&](size_t a, size_t b) { return answers[a].confidence > answers[b].confidence; };
  if (!std::is_sorted(order.begin(), order.end(), surer)) std::sort(order.begin(), order.end(), surer);
  return order;
}

// Of each answer the share of the other kind that it beats (a right one is above, a wrong one below), ties
// counted half. Their mean over either kind is the area.
struct Placements {
  std::vector<double> shares;
  int64_t right = 0;
  int64_t wrong = 0;
  double area = kNoNumber;
};

Placements placements(std::span<const StatedAnswer> answers) {
  Placements out;
  out.shares.resize(answers.size());
  for (const StatedAnswer& answer : answers) ++(answer.right ? out.right : out.wrong);
  if (out.right == 0 || out.wrong == 0) return out;
  const std::vector<size_t> order = surest_first(answers);
  int64_t right_above = 0;
  int64_t wrong_above = 0;
  double sum = 0.0;
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    int64_t right = 0;
    int64_t wrong = 0;
    for (; end < order.size() && answers[order[end]].confidence == answers[order[begin]].confidence; ++end) {
      ++(answers[order[end]].right ? right : wrong);
    }
    const double wrong_below =
        static_cast<double>(out.wrong - wrong_above - wrong) + 0.5 * static_cast<double>(wrong);
    const double right_over = static_cast<double>(right_above) + 0.5 * static_cast<double>(right);
    for (size_t i = begin; i < end; ++i) {
      out.shares[order[i]] = answers[order[i]].right ? wrong_below / static_cast<double>(out.wrong)
                                                     : right_over / static_cast<double>(out.right);
    }
    sum += static_cast<double>(right) * wrong_below;
    right_above += right;
    wrong_above += wrong;
    begin = end;
  }
  out.area = sum / (static_cast<double>(out.right) * static_cast<double>(out.wrong));
  return out;
}

// DeLong's variance of the area: the variances of the two kinds' placements, each over its number.
double area_variance(std::span<const StatedAnswer> answers, const Placements& placed) {
  double right = 0.0;
  double wrong = 0.0;
  for (size_t i = 0; i < answers.size(); ++i) {
    const double off = placed.shares[i] - placed.area;
    (answers[i].right ? right : wrong) += off * off;
  }
  const auto m = static_cast<double>(placed.right);
  const auto n = static_cast<double>(placed.wrong);
  return right / (m - 1.0) / m + wrong / (n - 1.0) / n;
}

// The same from what each document moves the area by (Obuchowski 1997), as clustered_standard_error.
double area_variance_over_documents(std::span<const StatedAnswer> answers, const Placements& placed) {
  std::map<int64_t, double> moves;
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto of_kind = static_cast<double>(answers[i].right ? placed.right : placed.wrong);
    moves[answers[i].document] += (placed.shares[i] - placed.area) / of_kind;
  }
  double squares = 0.0;
  for (const auto& [document, move] : moves) squares += move * move;
  const auto count = static_cast<double>(moves.size());
  return squares * count / (count - 1.0);
}

}  // namespace

Estimate auroc(std::span<const StatedAnswer> answers, double confidence) {
  const Placements placed = placements(answers);
  Estimate estimate{placed.area, kNoNumber, kNoNumber, static_cast<int64_t>(answers.size())};
  if (placed.area == 0.0 || placed.area == 1.0) {
    const int64_t pairs = std::min(placed.right, placed.wrong);
    const Interval interval = wilson_interval(placed.area == 1.0 ? pairs : 0, pairs, confidence);
    estimate.lo = interval.lo;
    estimate.hi = interval.hi;
    return estimate;
  }
  const bool has_variance = placed.right > 1 && placed.wrong > 1;
  if (!has_variance) return estimate;
  const double variance =
      has_repeats(answers) ? area_variance_over_documents(answers, placed) : area_variance(answers, placed);
  const double centre = std::log(placed.area / (1.0 - placed.area));
  const double half =
      normal_quantile(0.5 + confidence / 2) * std::sqrt(variance) / (placed.area * (1.0 - placed.area));
  estimate.lo = 1.0 / (1.0 + std::exp(half - centre));
  estimate.hi = 1.0 / (1.0 + std::exp(-half - centre));
  return estimate;
}

std::vector<RiskPoint> risk_coverage(std::span<const StatedAnswer> answers) {
  std::vector<RiskPoint> curve;
  int64_t answered = 0;
  int64_t wrong = 0;
  for (const size_t place : surest_first(answers)) {
    const StatedAnswer& answer = answers[place];
    if (curve.empty() || curve.back().confidence != answer.confidence) curve.emplace_back();
    wrong += answer.right ? 0 : 1;
    curve.back() = {answer.confidence, ++answered, wrong};
  }
  return curve;
}

double risk_coverage_area(std::span<const RiskPoint> curve) {
  if (curve.empty()) return kNoNumber;
  double sum = 0.0;
  int64_t before = 0;
  for (const RiskPoint& point : curve) {
    sum += static_cast<double>(point.answered - before) * point.risk();
    before = point.answered;
  }
  return sum / static_cast<double>(before);
}

const RiskPoint& point_at_coverage(std::span<const RiskPoint> curve, double coverage) {
  require(!curve.empty(), "a risk-coverage curve has points");
  const double wanted = coverage * static_cast<double>(curve.back().answered);
  constexpr double kRounding = 1e-9;  // 0.07 * 100 is a little more than 7
  const auto found = std::find_if(curve.begin(), curve.end(), [&](const RiskPoint& point) {
    return static_cast<double>(point.answered) >= wanted - kRounding;
  });
  return found == curve.end() ? curve.back() : *found;
}

const RiskPoint* most_answers_within(std::span<const RiskPoint> curve, double risk) {
  for (size_t i = curve.size(); i-- > 0;) {
    if (curve[i].risk() <= risk) return &curve[i];
  }
  return nullptr;
}

}  // namespace sizeup
