#include "harness/statistics/judging.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "harness/statistics/clusters.h"

namespace sizeup {
namespace {

// One judge's scores of a document, of both orders.
struct JudgesCells {
  const JudgedCell* straight = nullptr;
  const JudgedCell* swapped = nullptr;
};

JudgesCells cells_of(const JudgedDocument& document, size_t judge) {
  JudgesCells out;
  for (const JudgedCell& cell : document.cells) {
    if (cell.judge != judge || cell.scores.empty()) continue;
    (cell.swapped ? out.swapped : out.straight) = &cell;
  }
  return out;
}

// A judge's mean of a document and its variance by the repeats, NaN where they do not say.
struct JudgesMean {
  double value = kNoNumber;
  double variance = kNoNumber;
};

JudgesMean mean_of(const JudgedCell& cell) {
  const double error = standard_error(cell.scores);
  return {mean(cell.scores), error * error};
}

JudgesMean mean_of(const JudgesCells& cells, JudgedAs as) {
  if (as == JudgedAs::alone) return cells.straight == nullptr ? JudgesMean{} : mean_of(*cells.straight);
  if (cells.straight == nullptr || cells.swapped == nullptr) return {};
  const JudgesMean first = mean_of(*cells.straight);
  const JudgesMean second = mean_of(*cells.swapped);
  return {(first.value + second.value) / 2.0, (first.variance + second.variance) / 4.0};
}

std::set<size_t> judges_of(const JudgedDocument& document) {
  std::set<size_t> judges;
  for (const JudgedCell& cell : document.cells) judges.insert(cell.judge);
  return judges;
}

JudgesMean mean_of(const JudgedDocument& document, JudgedAs as) {
  JudgesMean sum{0.0, 0.0};
  double judges = 0.0;
  for (const size_t judge : judges_of(document)) {
    const JudgesMean one = mean_of(cells_of(document, judge), as);
    if (std::isnan(one.value)) continue;
    sum.value += one.value;
    sum.variance += one.variance;
    ++judges;
  }
  if (judges == 0.0) return {};
  return {sum.value / judges, sum.variance / (judges * judges)};
}

// The candidate's mean when shown first and when shown second, of the documents that have both.
struct BothOrders {
  std::vector<double> first;
  std::vector<double> second;
  std::vector<int64_t> clusters;
};

BothOrders both_orders(std::span<const JudgedDocument> documents, size_t judge) {
  BothOrders out;
  for (const JudgedDocument& document : documents) {
    const JudgesCells cells = cells_of(document, judge);
    if (cells.straight == nullptr || cells.swapped == nullptr) continue;
    out.first.push_back(mean(cells.straight->scores));
    out.second.push_back(mean(cells.swapped->scores));
    out.clusters.push_back(document.cluster);
  }
  return out;
}

int favour(double score) {
  return static_cast<int>(score > 0.5) - static_cast<int>(score < 0.5);
}

}  // namespace

double document_score(const JudgedDocument& document, JudgedAs as) {
  return mean_of(document, as).value;
}

JudgedMean judged_mean(std::span<const JudgedDocument> documents, JudgedAs as) {
  JudgedMean out;
  std::vector<double> scores, noises;
  std::vector<int64_t> clusters;
  for (const JudgedDocument& document : documents) {
    const JudgesMean one = mean_of(document, as);
    if (std::isnan(one.value)) {
      ++out.without_score;
      continue;
    }
    scores.push_back(one.value);
    clusters.push_back(document.cluster);
    if (!std::isnan(one.variance)) noises.push_back(one.variance);
  }
  out.mean = estimate_over(scores, clusters);
  const double error = standard_error(scores);
  const double all = error * error * static_cast<double>(scores.size());
  if (noises.empty() || std::isnan(all)) return out;
  const double noise = mean(noises);
  out.noise_share = noise == 0.0 ? 0.0 : std::min(1.0, noise / all);
  return out;
}

Estimate position_bias(std::span<const JudgedDocument> documents, size_t judge) {
  const BothOrders orders = both_orders(documents, judge);
  // The score of whoever is shown first, from 0 to 1, where scores that are all the same have an interval
  // too.
  std::vector<double> scores;
  for (size_t i = 0; i < orders.first.size(); ++i)
    scores.push_back((orders.first[i] + 1.0 - orders.second[i]) / 2.0);
  Estimate bias = estimate_over(scores, orders.clusters);
  for (double* end : {&bias.value, &bias.lo, &bias.hi}) *end = 2.0 * *end - 1.0;
  return bias;
}

Estimate same_in_both_orders(std::span<const JudgedDocument> documents, size_t judge) {
  const BothOrders orders = both_orders(documents, judge);
  std::vector<double> same;
  for (size_t i = 0; i < orders.first.size(); ++i)
    same.push_back(favour(orders.first[i]) == favour(orders.second[i]) ? 1.0 : 0.0);
  return estimate_over(same, orders.clusters);
}

std::vector<UnitRatings> repeated_ratings(std::span<const JudgedDocument> documents, size_t judge) {
  std::vector<UnitRatings> units;
  for (const JudgedDocument& document : documents) {
    UnitRatings& unit = units.emplace_back();
    for (const JudgedCell& cell : document.cells) {
      if (cell.judge == judge) unit.insert(unit.end(), cell.scores.begin(), cell.scores.end());
    }
  }
  return units;
}

std::vector<UnitRatings> judges_ratings(std::span<const JudgedDocument> documents, size_t judges,
                                        JudgedAs as) {
  std::vector<UnitRatings> units;
  for (const JudgedDocument& document : documents) {
    UnitRatings& unit = units.emplace_back();
    for (size_t judge = 0; judge < judges; ++judge) {
      const double score = mean_of(cells_of(document, judge), as).value;
      if (!std::isnan(score)) unit.push_back(score);
    }
  }
  return units;
}

}  // namespace sizeup
