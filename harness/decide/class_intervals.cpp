#include "harness/decide/class_intervals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "core/errors/result.h"

namespace sizeup {
namespace {

enum class Share { recall, missed, precision };

constexpr std::array<std::pair<std::string_view, Share>, 3> kShares = {{
    {"recall:", Share::recall},
    {"false_negative_rate:", Share::missed},
    {"precision:", Share::precision},
}};

struct Count {
  int64_t hits = 0;
  int64_t of = 0;
};

Count counted(std::span<const ClassRow> labels, const EvidenceTask& task, const ResultRow& row, Share share,
              std::string_view label) {
  Count out;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (!row.slice_field.empty()) {
      const auto value = task.samples[i].slices.find(row.slice_field);
      if (value == task.samples[i].slices.end() || value->second != row.slice_value) continue;
    }
    const bool belongs = (share == Share::precision ? labels[i].predicted : labels[i].gold) == label;
    const bool right = labels[i].gold == labels[i].predicted;
    out.of += belongs ? 1 : 0;
    out.hits += belongs && right != (share == Share::missed) ? 1 : 0;
  }
  return out;
}

}  // namespace

bool has_class_metrics(const EvidenceTask& task) {
  return std::any_of(task.results.begin(), task.results.end(), [](const ResultRow& row) {
    return std::any_of(kShares.begin(), kShares.end(),
                       [&](const auto& share) { return row.metric.starts_with(share.first); });
  });
}

void use_class_counts(std::span<const ClassRow> labels, EvidenceTask& task) {
  require(labels.size() == task.samples.size(), "every sample has its labels");
  for (ResultRow& row : task.results) {
    for (const auto& [prefix, share] : kShares) {
      if (!row.metric.starts_with(prefix)) continue;
      const Count count =
          counted(labels, task, row, share, std::string_view(row.metric).substr(prefix.size()));
      // A class that the labels do not hold under this name (another filter's, say) keeps what is stored.
      constexpr double kRounding = 1e-9;
      const double value = static_cast<double>(count.hits) / static_cast<double>(count.of);
      if (count.of == 0 || !(std::fabs(value - row.value) < kRounding)) continue;
      const Interval interval = wilson_interval(count.hits, count.of);
      row.lo = interval.lo;
      row.hi = interval.hi;
      row.n = count.of;
    }
  }
}

}  // namespace sizeup
