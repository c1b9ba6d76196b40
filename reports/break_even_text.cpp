// Break-even in words.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/report.h"

namespace sizeup {
namespace {

const char* word(Cheaper side) {
  return side == Cheaper::candidate ? "small" : "large";
}

std::string amount(double value) {
  if (std::isinf(value)) return "never";
  if (value < 1000.0) return format_significant(value);
  const double unit = std::pow(10.0, std::floor(std::log10(value)) - 2.0);
  return format_significant(std::round(value / unit) * unit);
}

// " (95 % interval 1.1…1.3)"; "never" as an end says that the interval includes it.
std::string interval(const BreakEven& found, bool at_once) {
  if (std::isnan(found.lo)) return at_once ? "" : " (no interval: no token counts of samples)";
  if (at_once && found.hi <= 0) return "";
  if (std::isinf(found.lo)) return " (the 95\u00a0% interval is never)";
  return fmt::format(" (95\u00a0% interval {}…{}{})", amount(found.lo), amount(found.hi),
                     std::isinf(found.hi) ? ": it includes never" : "");
}

std::string volume_sentence(const BreakEven& found) {
  const Crossing& crossing = found.crossing;
  if (crossing.above == Cheaper::neither) {
    return "At no volume does one of the two stay the cheaper one: they cost the same, or change places as "
           "machines fill.";
  }
  const char* winner = word(crossing.above);
  if (!crossing.at) {
    const std::string range = interval(found, true);
    return fmt::format("{} costs less at every volume{}.",
                       winner == word(Cheaper::candidate) ? "Small" : "Large",
                       range.empty() ? "" : ", on the average of the samples" + range);
  }
  const std::string below = crossing.below == Cheaper::neither ? std::string("both cost the same")
                                                               : fmt::format("{} does", word(crossing.below));
  return fmt::format("Above {} requests a month {} costs less{}; just below, {}.", amount(*crossing.at),
                     winner, interval(found, false), below);
}

std::string month_sentence(const BreakEven& found, double volume) {
  const Crossing& crossing = found.crossing;
  const std::string at = fmt::format("At {} requests a month", format_count(std::llround(volume)));
  if (crossing.above == Cheaper::neither) return at + " neither of the two ever pays back.";
  const bool small = crossing.above == Cheaper::candidate;
  if (small && crossing.at) {
    return fmt::format("{} small has paid back what it costs more after {} months{}.", at,
                       amount(*crossing.at), interval(found, false));
  }
  if (small) return fmt::format("{} small costs less from the first day on{}.", at, interval(found, true));
  if (!crossing.at) return fmt::format("{} small never pays back{}.", at, interval(found, true));
  return fmt::format("{} large is the cheaper one for good after {} months{}.", at, amount(*crossing.at),
                     interval(found, false));
}

}  // namespace

std::vector<std::string> break_even_sentences(const ReportData& data) {
  const ReportPairCost& pair = *data.pair_cost;
  std::vector<std::string> out{volume_sentence(pair.by_volume)};
  if (pair.by_month) out.push_back(month_sentence(*pair.by_month, *pair.volume));
  return out;
}

}  // namespace sizeup
