#include "harness/decide/robustness.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/decide/pairs.h"
#include "tasks/variant_field.h"

namespace sizeup {
namespace {

struct Mean {
  double sum = 0.0;
  int64_t count = 0;

  void add(double score) {
    sum += score;
    ++count;
  }
  double value() const { return sum / static_cast<double>(count); }
};

using DocumentMeans = std::map<int64_t, Mean>;  // by DocumentNumbers

struct NumberedSample {
  const OutcomeRow* row;
  int64_t document;

  const std::string* slice(const std::string& field) const { return row->slice(field); }
};

std::vector<NumberedSample> scored_samples(std::span<const OutcomeRow> samples) {
  DocumentNumbers numbers;
  std::vector<NumberedSample> out;
  for (const OutcomeRow& row : samples) {
    if (!std::isnan(row.score)) out.push_back({&row, numbers.number_of(row.document_hash)});
  }
  return out;
}

std::vector<double> values_of(const DocumentMeans& means) {
  std::vector<double> out;
  for (const auto& [document, mean] : means) out.push_back(mean.value());
  return out;
}

// Of each value of a field in the order of the data, the documents' means.
struct FieldValues {
  std::vector<std::string> values;
  std::vector<DocumentMeans> means;
  DocumentMeans without;  // documents that have no value in the field

  FieldValues(const std::vector<NumberedSample>& samples, const std::string& field) {
    std::map<std::string, size_t> places;
    for (const NumberedSample& sample : samples) {
      const std::string* value = sample.slice(field);
      if (value == nullptr) {
        without[sample.document].add(sample.row->score);
        continue;
      }
      const auto [place, is_new] = places.try_emplace(*value, values.size());
      if (is_new) {
        values.push_back(*value);
        means.emplace_back();
      }
      means[place->second][sample.document].add(sample.row->score);
    }
  }
};

void add_slices(const std::vector<NumberedSample>& samples, const std::string& field,
                std::vector<SliceScores>& out) {
  const FieldValues found(samples, field);
  if (found.values.size() < 2) return;  // the whole task again
  for (size_t v = 0; v < found.values.size(); ++v) {
    SliceScores slice{field, found.values[v], values_of(found.means[v]), values_of(found.without)};
    for (size_t other = 0; other < found.values.size(); ++other) {
      if (other == v) continue;
      const std::vector<double> scores = values_of(found.means[other]);
      slice.outside.insert(slice.outside.end(), scores.begin(), scores.end());
    }
    out.push_back(std::move(slice));
  }
}

void compare_variants(const std::vector<NumberedSample>& samples, TaskRobustness& out) {
  FieldValues found(samples, kVariantField);
  const auto original = std::ranges::find(found.values, kOriginal) - found.values.begin();
  if (found.values.size() < 2 || original == std::ssize(found.values)) return;
  std::rotate(found.values.begin(), found.values.begin() + original, found.values.begin() + original + 1);
  std::rotate(found.means.begin(), found.means.begin() + original, found.means.begin() + original + 1);
  std::vector<std::vector<double>> scores(found.values.size());
  for (const auto& [document, own] : found.means.front()) {
    const bool everywhere = std::ranges::all_of(
        found.means, [id = document](const DocumentMeans& means) { return means.contains(id); });
    if (!everywhere) continue;
    for (size_t v = 0; v < scores.size(); ++v) scores[v].push_back(found.means[v].at(document).value());
  }
  if (scores.front().empty()) return;
  out.variants = variant_spread(scores);
  out.names = std::move(found.values);
}

}  // namespace

TaskRobustness robustness_of(std::span<const OutcomeRow> samples,
                             const std::vector<std::string>& slice_fields) {
  const std::vector<NumberedSample> scored = scored_samples(samples);
  TaskRobustness out;
  std::vector<SliceScores> slices;
  for (const std::string& field : slice_fields) {
    if (field == kVariantField) {
      compare_variants(scored, out);
    } else {
      add_slices(scored, field, slices);
    }
  }
  out.worst = worst_slice(slices);
  return out;
}

}  // namespace sizeup
