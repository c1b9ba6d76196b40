#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/html/sections.h"
#include "reports/text.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

bool in_pair(const ReportData& data, int model) {
  return model == data.candidate || model == data.baseline;
}

Html percentile_cell(const ReportPercentile& percentile, int64_t n) {
  if (!percentile.supported) {
    return html("not enough queries<small>{} of {}</small>", format_count(n),
                format_count(percentile.needed));
  }
  const Estimate& e = percentile.estimate;
  return html("{}<small>{}</small>", format_duration(e.value), format_duration_range(e.lo, e.hi));
}

Html table(const ReportData& data) {
  std::vector<std::string> columns = {"time (95\u00a0% interval)", "n"};
  for (const ReportPercentile& percentile : data.latency.front().percentiles)
    columns.push_back(fmt::format("p{:g}", percentile.percent));
  std::vector<std::vector<Html>> rows;
  for (const ReportLatency& latency : data.latency) {
    std::vector<Html> cells = {html("{}, {}", model_name(data, latency.model), latency.quantity),
                               value(format_count(latency.n))};
    for (const ReportPercentile& percentile : latency.percentiles)
      cells.push_back(percentile_cell(percentile, latency.n));
    rows.push_back(std::move(cells));
  }
  return number_table("latency percentiles", columns, rows);
}

Html per_second(const std::optional<double>& rate) {
  return value(rate ? fmt::format("{:.2f}", *rate) : "no limit stated");
}

Html load_table(const ReportData& data) {
  std::vector<std::vector<Html>> rows;
  for (const ReportLoad& load : data.load) {
    rows.push_back(
        {html("{}, {}", model_name(data, load.model), data.tasks[static_cast<size_t>(load.task)].name),
         value(format_count(load.requests)), per_second(load.requests_per_second), per_second(load.goodput),
         per_second(load.correct_goodput)});
  }
  return number_table("answers a second under load",
                      {"answers a second", "n", "all", "within the limits", "and right"}, rows);
}

// Percent of the requests at the points of ReportLatency::curve.
double share_at(size_t point, size_t points) {
  constexpr double kStep = 2.0;
  const double tail[] = {99.0, 99.8, 100.0};
  const size_t left = points - point;
  return left <= 3 ? tail[3 - left] : kStep * static_cast<double>(point);
}

std::vector<std::string> duration_labels(const Axis& axis) {
  std::vector<std::string> labels;
  for (const double tick : axis.ticks) {
    labels.push_back(tick >= 1000.0 ? fmt::format("{:g}\u00a0s", tick / 1000.0)
                                    : fmt::format("{:g}\u00a0ms", tick));
  }
  return labels;
}

// Whose line it is, for a legend.
const char* owner(const ReportData& data, Tone tone) {
  if (!data.is_pair()) return "";
  return tone == Tone::large ? "large, " : "small, ";
}

// Whether times stay as they are or grow: under a load that is too high, they do.
Html time_series_of(const ReportData& data) {
  double lo = INFINITY;
  double hi = 0.0;
  double end = 0.0;
  for (const ReportTimeSeries& series : data.latency_over_time) {
    if (!in_pair(data, series.model)) continue;
    for (const ReportStretch& stretch : series.stretches) {
      lo = std::min(lo, stretch.p50_ms);
      hi = std::max(hi, stretch.p90_ms);
      end = std::max(end, stretch.seconds);
    }
  }
  if (!(lo > 0.0 && hi > 0.0 && end > 0.0)) return {};
  PlotFrame frame;
  frame.description = "time to the full answer, logarithmic, by when the request was due";
  frame.x = linear_axis(0.0, end);
  frame.y = log_axis(lo, hi);
  for (const double tick : frame.x.ticks) frame.x_labels.push_back(fmt::format("{:g}\u00a0s", tick));
  frame.y_labels = duration_labels(frame.y);
  frame.x_name = "when the request was due, since the pass began";
  frame.y_name = "full answer (log)";
  Html content;
  std::vector<Html> entries;
  for (const ReportTimeSeries& series : data.latency_over_time) {
    if (!in_pair(data, series.model)) continue;
    const Tone tone = tone_of(data, series.model);
    for (const bool slowest : {false, true}) {
      std::vector<std::pair<double, double>> points;
      for (const ReportStretch& stretch : series.stretches) {
        points.emplace_back(frame.x.at(stretch.seconds),
                            100.0 - frame.y.at(slowest ? stretch.p90_ms : stretch.p50_ms));
      }
      content += curve(html("{} w2{}", line_class(tone), slowest ? html(" dash") : Html{}), points);
      entries.push_back(
          html("{}{}{}", legend_line(tone, slowest), owner(data, tone), slowest ? "p90" : "median"));
    }
  }
  Html out = legend(entries);
  out += plot(frame, content);
  out +=
      caption(html("While the pass went on: each point is an equal share of the model’s requests, 20 or "
                   "more, in the order in "
                   "which they were due, task after task. A line that climbs within a task says that the "
                   "load was more than "
                   "the model could take."));
  return out;
}

Html plot_of(const ReportData& data) {
  double lo = INFINITY;
  double hi = 0.0;
  for (const ReportLatency& latency : data.latency) {
    if (latency.curve.empty() || !in_pair(data, latency.model)) continue;
    lo = std::min(lo, latency.curve.front());
    hi = std::max(hi, latency.curve.back());
  }
  if (!(hi > 0.0)) return {};
  PlotFrame frame;
  frame.description = "share of requests done, by time since the request was sent, logarithmic";
  frame.x = log_axis(lo, hi);
  frame.y.lo = 0.0;
  frame.y.hi = 100.0;
  frame.y.ticks = {0, 25, 50, 75, 95, 100};
  for (const double tick : frame.y.ticks) frame.y_labels.push_back(fmt::format("{:g}\u00a0%", tick));
  frame.x_labels = duration_labels(frame.x);
  frame.x_name = "time since the request was sent (log)";
  frame.y_name = "share done";
  Html content;
  std::vector<Html> entries;
  for (const ReportLatency& latency : data.latency) {
    if (latency.curve.empty() || !in_pair(data, latency.model)) continue;
    const Tone tone = tone_of(data, latency.model);
    const bool first_token = latency.quantity == "first token";
    std::vector<std::pair<double, double>> points;
    for (size_t i = 0; i < latency.curve.size(); ++i) {
      points.emplace_back(frame.x.at(latency.curve[i]), 100.0 - share_at(i, latency.curve.size()));
    }
    content += curve(html("{} w2{}", line_class(tone), first_token ? html(" dash") : Html{}), points);
    entries.push_back(html("{}{}{}", legend_line(tone, first_token), owner(data, tone), latency.quantity));
  }
  Html out = legend(entries);
  out += plot(frame, content);
  return out;
}

// The steps of a histogram's bars, from the ground up and back to it; heights in percent of the requests.
std::vector<std::pair<double, double>> outline(const ReportLatency& latency, const Axis& x, const Axis& y) {
  std::vector<std::pair<double, double>> corners = {{x.at(latency.histogram.front().from), 100.0}};
  for (const HistogramBar& bar : latency.histogram) {
    const double top = 100.0 - y.at(100.0 * static_cast<double>(bar.count) / static_cast<double>(latency.n));
    corners.emplace_back(x.at(bar.from), top);
    corners.emplace_back(x.at(bar.to), top);
  }
  corners.emplace_back(x.at(latency.histogram.back().to), 100.0);
  return corners;
}

// How many full answers took how long: whether there are several kinds of them, which percentiles hide.
Html histogram_of(const ReportData& data) {
  std::vector<const ReportLatency*> shown;
  double lo = INFINITY;
  double hi = 0.0;
  double most = 0.0;
  for (const ReportLatency& latency : data.latency) {
    if (latency.histogram.empty() || latency.quantity != "full answer" || !in_pair(data, latency.model))
      continue;
    shown.push_back(&latency);
    lo = std::min(lo, latency.histogram.front().from);
    hi = std::max(hi, latency.histogram.back().to);
    for (const HistogramBar& bar : latency.histogram)
      most = std::max(most, 100.0 * static_cast<double>(bar.count) / static_cast<double>(latency.n));
  }
  if (shown.empty()) return {};
  PlotFrame frame;
  frame.description = "histogram of the time to the full answer, logarithmic";
  frame.x = log_axis(lo, hi);
  frame.y = linear_axis(0.0, most, 5);
  frame.x_labels = duration_labels(frame.x);
  for (const double tick : frame.y.ticks) frame.y_labels.push_back(fmt::format("{:g}\u00a0%", tick));
  frame.x_name = "time to the full answer (log)";
  frame.y_name = "requests";
  Html content;
  std::vector<Html> entries;
  for (const ReportLatency* latency : shown) {
    const Tone tone = tone_of(data, latency->model);
    content += curve(html("{} w2", line_class(tone)), outline(*latency, frame.x, frame.y));
    entries.push_back(html("{}{}full answer", legend_line(tone, false), owner(data, tone)));
  }
  Html out = legend(entries);
  out += plot(frame, content);
  return out;
}

Html heading(const ReportData& data) {
  const ReportLeader* small = leader_of(data, data.candidate);
  if (!small || std::isnan(small->p50_ms.value)) return html("Measured one request at a time");
  const std::string half = format_duration(small->p50_ms.value);
  if (!data.is_pair()) return html("Half of the answers are complete in {}", half);
  const ReportLeader* large = leader_of(data, data.baseline);
  if (!large || std::isnan(large->p50_ms.value))
    return html("Half of small’s answers are complete in {}", half);
  return html("Half of small’s answers are complete in {}, large’s in {}", half,
              format_duration(large->p50_ms.value));
}

}  // namespace

std::optional<Section> latency_section(const ReportData& data) {
  if (data.latency.empty()) return std::nullopt;
  Section out;
  out.id = "speed";
  out.link = "Latency";
  out.kicker = "Latency";
  out.heading = heading(data);
  const bool streamed = std::any_of(data.latency.begin(), data.latency.end(),
                                    [](const ReportLatency& l) { return l.quantity == "first token"; });
  if (streamed) {
    out.side.push_back(html("Dashed: {}. Solid: {}. Read across at 95\u00a0% for the p95.",
                            term("time to first token", "ttft"), term("time to full answer", "e2e")));
  } else {
    out.side.push_back(
        html("The line: {}. Choices are scored, nothing is written, so there is no first token. Read across "
             "at 95\u00a0% for the p95.",
             term("time to full answer", "e2e")));
  }
  out.side.push_back(html("Time spent in a batch is never shown as latency."));
  out.main = plot_of(data);
  out.main += table(data);
  out.main +=
      caption(html("Scenario <i>{}</i>: {}, n as printed, over all tasks of the run; "
                   "intervals from order statistics. A "
                   "percentile is printed only where the early-stopping rule of MLPerf’s LoadGen finds "
                   "enough queries for it.",
                   data.latency_scenario, load_in_words(data.latency_scenario)));
  out.main += histogram_of(data);
  out.main += time_series_of(data);
  if (!data.load.empty()) out.main += load_table(data);
  return out;
}

}  // namespace sizeup
