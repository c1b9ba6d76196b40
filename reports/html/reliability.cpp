#include "reports/html/reliability.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/format.h"

namespace sizeup {
namespace {

// From the lower left as far as both axes go.
Html equality(const Axis& x, const Axis& y) {
  const double from = std::max(x.lo, y.lo / 100.0);
  const double to = std::min(x.hi, y.hi / 100.0);
  if (!(from < to)) return {};
  const auto point = [&](double confidence) {
    return std::pair(x.at(confidence), 100.0 - y.at(100.0 * confidence));
  };
  return curve(html("s-oth dash"), {point(from), point(to)});
}

Html mark(const ReliabilitySeries& series, const ReliabilityBin& bin, const Axis& x, const Axis& y) {
  const Percent left{x.at(bin.confidence)};
  const Percent top{100.0 - y.at(100.0 * bin.share_right())};
  const std::string tip =
      fmt::format("{}confidence {:.2f}: {} right ({}), n = {}", series.name.empty() ? "" : series.name + ", ",
                  bin.confidence, format_percent(bin.share_right()),
                  format_percent_range(bin.interval.lo, bin.interval.hi), format_count(bin.n));
  if (series.tone == Tone::large) {
    return html(
        "<rect class=\"f-large\" data-tip=\"{}\" x=\"{}\" y=\"{}\" width=\"9\" height=\"9\" "
        "transform=\"translate(-4.5 -4.5)\"/>",
        tip, left, top);
  }
  return html("<circle class=\"{}\" data-tip=\"{}\" cx=\"{}\" cy=\"{}\" r=\"4.5\"/>", fill_class(series.tone),
              tip, left, top);
}

}  // namespace

Html reliability_drawing(const std::vector<ReliabilitySeries>& series, const Axis& x, const Axis& y) {
  Html out = equality(x, y);
  for (const ReliabilitySeries& one : series) {
    std::vector<Upright> intervals;
    for (const ReliabilityBin& bin : one.bins) {
      intervals.push_back({x.at(bin.confidence), 100.0 - y.at(100.0 * bin.interval.lo),
                           100.0 - y.at(100.0 * bin.interval.hi)});
    }
    out += uprights(html("ci {}", line_class(one.tone)), intervals);
  }
  for (const ReliabilitySeries& one : series) {
    for (const ReliabilityBin& bin : one.bins) out += mark(one, bin, x, y);
  }
  return out;
}

}  // namespace sizeup
