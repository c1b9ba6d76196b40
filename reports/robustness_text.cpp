#include "reports/robustness_text.h"

#include <fmt/format.h>

#include <cmath>

#include "reports/format.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

constexpr double kAlpha = 1.0 - kConfidence;

std::string named(const ReportData& data, const ReportRobustness& entry) {
  return fmt::format("{}, {}", data.models[static_cast<size_t>(entry.model)].name,
                     task_name(data, entry.task));
}

std::string p_text(double p) {
  return p < 1e-4 ? "p " + format_p(p) : "p = " + format_p(p);
}

std::string points(double difference) {
  return fmt::format("{:.1f}\u00a0pp", 100.0 * difference);
}

// The variant that loses most of those that are shown to lose; 0: none is.
size_t worst_variant(const VariantSpread& spread) {
  size_t worst = 0;
  for (size_t v = 1; v < spread.variants.size(); ++v) {
    const VariantResult& variant = spread.variants[v];
    if (!(variant.holm_p <= kAlpha) || variant.difference.difference >= 0.0) continue;
    if (worst == 0 || variant.difference.difference < spread.variants[worst].difference.difference) worst = v;
  }
  return worst;
}

}  // namespace

std::string spread_sentence(const ReportRobustness& entry) {
  const VariantSpread& spread = *entry.variants;
  const auto score = [&](size_t v) {
    return fmt::format("{} {}", entry.names[v], format_percent(spread.variants[v].score.value));
  };
  const std::string range =
      std::isnan(spread.interval.lo)
          ? std::string()
          : fmt::format("{:.1f}…{:.1f}; ", 100.0 * spread.interval.lo, 100.0 * spread.interval.hi);
  return fmt::format(
      "{} ways of asking {} documents lie {} apart ({}by chance alone {}, {}): lowest {}, highest {}. {} of "
      "the "
      "documents are right in some ways and wrong in others, {} right in all.",
      spread.variants.size(), format_count(spread.documents), points(spread.spread), range,
      points(spread.chance), p_text(spread.p), score(spread.lowest), score(spread.highest),
      format_percent(spread.changed.value), format_percent(spread.always_right.value));
}

std::string worst_slice_sentence(const ReportRobustness& entry) {
  const WorstSlice& worst = *entry.worst;
  const std::string range = worst.score.has_interval()
                                ? fmt::format(" ({})", format_percent_range(worst.score.lo, worst.score.hi))
                                : std::string();
  const char* shown = worst.holm_p <= kAlpha ? "shown to be lower than the others" : "which may be chance";
  return fmt::format(
      "lowest of {} slices: {} {}, {}{} where the others have {}; {}, {} allowing for all slices.",
      worst.looked_at, worst.field, worst.value, format_percent(worst.score.value), range,
      format_percent(worst.others), shown, p_text(worst.holm_p));
}

const ReportRobustness* worst_slice_of_candidate(const ReportData& data) {
  const ReportRobustness* found = nullptr;
  for (const ReportRobustness& entry : data.robustness) {
    if (!entry.worst || entry.model != data.candidate || std::isnan(entry.worst->holm_p)) continue;
    if (found == nullptr || entry.worst->holm_p < found->worst->holm_p) found = &entry;
  }
  return found;
}

std::vector<std::string> robustness_sentences(const ReportData& data) {
  std::vector<std::string> out;
  for (const ReportRobustness& entry : data.robustness) {
    if (entry.variants) out.push_back(named(data, entry) + ": " + spread_sentence(entry));
    if (entry.worst) out.push_back(named(data, entry) + ": " + worst_slice_sentence(entry));
  }
  return out;
}

std::string robustness_finding(const ReportData& data) {
  const ReportRobustness* found = nullptr;
  size_t variant = 0;
  bool apart = false;
  for (const ReportRobustness& entry : data.robustness) {
    if (!entry.variants || entry.model != data.candidate) continue;
    apart |= entry.variants->p <= kAlpha;
    const size_t worst = worst_variant(*entry.variants);
    if (worst == 0) continue;
    const double loss = entry.variants->variants[worst].difference.difference;
    if (found != nullptr && found->variants->variants[variant].difference.difference <= loss) continue;
    found = &entry;
    variant = worst;
  }
  if (found != nullptr) {
    return fmt::format("Small loses {} with {}: {}",
                       points(-found->variants->variants[variant].difference.difference),
                       task_name(data, found->task), found->names[variant]);
  }
  return apart ? "Small’s score hangs on the way it is asked"
               : "No way of asking is shown to lower small’s score";
}

std::vector<VariantCells> variant_cells(const ReportRobustness& entry) {
  std::vector<VariantCells> out;
  for (size_t v = 0; v < entry.names.size(); ++v) {
    const VariantResult& variant = entry.variants->variants[v];
    VariantCells cells{entry.names[v], format_percent(variant.score.value), {}, {}, {}};
    if (v > 0) {
      const PairedDifference& d = variant.difference;
      cells.difference =
          fmt::format("{} ({})", format_points(d.difference), format_points_range(d.lo, d.hi, 0.0));
      cells.flips = fmt::format("{} / {}", format_count(d.losses), format_count(d.wins));
      cells.holm_p = format_p(variant.holm_p);
    }
    out.push_back(std::move(cells));
  }
  return out;
}

}  // namespace sizeup
