#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reports/format.h"
#include "reports/html/labels.h"
#include "reports/html/sections.h"
#include "reports/text.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

struct Point {
  int model = 0;
  double x = 0.0;
  Estimate accuracy;
  std::string x_text;
  bool beaten = false;  // another model is at least as good on both axes and better on one
};

void find_beaten(std::vector<Point>& points) {
  for (Point& point : points) {
    point.beaten = std::any_of(points.begin(), points.end(), [&](const Point& other) {
      const bool as_good = other.x <= point.x && other.accuracy.value >= point.accuracy.value;
      return as_good && (other.x < point.x || other.accuracy.value > point.accuracy.value);
    });
  }
}

// The step through the points that nothing beats, from the left edge of the first one to the right edge.
Html pareto_step(const std::vector<Point>& points, const PlotFrame& frame) {
  std::vector<Point> best;
  for (const Point& point : points) {
    if (!point.beaten) best.push_back(point);
  }
  std::sort(best.begin(), best.end(), [](const Point& a, const Point& b) { return a.x < b.x; });
  std::vector<std::pair<double, double>> path;
  for (const Point& point : best) {
    const double x = frame.x.at(point.x);
    if (!path.empty()) path.emplace_back(x, path.back().second);
    path.emplace_back(x, 100.0 - frame.y.at(100.0 * point.accuracy.value));
  }
  path.emplace_back(100.0, path.back().second);
  return curve(html("s-hyb dot w2"), path);
}

Html mark(Tone tone, const Point& point, double x, double y, const std::string& tip) {
  if (tone == Tone::large) {
    return html(
        "<rect class=\"f-large\" data-tip=\"{}\" x=\"{}\" y=\"{}\" width=\"10\" height=\"10\" "
        "transform=\"translate(-5 -5)\"/>",
        tip, Percent{x}, Percent{y});
  }
  if (tone == Tone::small) {
    return html("<circle class=\"f-small\" data-tip=\"{}\" cx=\"{}\" cy=\"{}\" r=\"5.5\"/>", tip, Percent{x},
                Percent{y});
  }
  return html("<circle class=\"{}\" data-tip=\"{}\" cx=\"{}\" cy=\"{}\" r=\"4.5\"/>",
              point.beaten ? html("s-oth f-paper") : html("f-oth"), tip, Percent{x}, Percent{y});
}

Html scatter(const ReportData& data, std::vector<Point> points, PlotFrame frame, const std::string& what) {
  find_beaten(points);
  Html content = pareto_step(points, frame);
  std::vector<LabelPoint> wanted;
  for (const Point& point : points) {
    const Tone tone = tone_of(data, point.model);
    const std::string& name = data.models[static_cast<size_t>(point.model)].name;
    const double x = frame.x.at(point.x);
    const double y = 100.0 - frame.y.at(100.0 * point.accuracy.value);
    if (point.accuracy.has_interval()) {
      content += html("<line class=\"ci {}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>", line_class(tone),
                      Percent{x}, Percent{100.0 - frame.y.at(100.0 * point.accuracy.lo)}, Percent{x},
                      Percent{100.0 - frame.y.at(100.0 * point.accuracy.hi)});
    }
    const std::string tip =
        fmt::format("{}: {} ({}), {} {}{}", name, format_percent(point.accuracy.value),
                    format_percent_range(point.accuracy.lo, point.accuracy.hi), what, point.x_text,
                    point.beaten ? "; another model is better on both" : "");
    content += mark(tone, point, x, y, tip);
    wanted.push_back({x, y, name, text_class(tone)});
  }
  const PlacedLabels labels = place_labels(wanted);
  content += labels.drawing;
  Html out = plot(frame, content);
  if (!labels.numbered.empty()) {
    std::string key;
    for (const std::string& entry : labels.numbered) key += (key.empty() ? "" : ", ") + entry;
    out += caption(boxed_text(key));
  }
  return html("<div>{}</div>", out);
}

PlotFrame frame_for(const std::vector<Point>& points) {
  double lo = 100.0;
  double hi = 0.0;
  double x_lo = points.front().x;
  double x_hi = points.front().x;
  for (const Point& point : points) {
    for (const double end : {point.accuracy.value, point.accuracy.lo, point.accuracy.hi}) {
      if (std::isnan(end)) continue;
      lo = std::min(lo, 100.0 * end);
      hi = std::max(hi, 100.0 * end);
    }
    x_lo = std::min(x_lo, point.x);
    x_hi = std::max(x_hi, point.x);
  }
  PlotFrame frame;
  frame.y = linear_axis(lo, hi, 6);
  frame.x = log_axis(x_lo / 1.4, x_hi * 1.4);  // air for the labels at both ends
  for (const double tick : frame.y.ticks) frame.y_labels.push_back(fmt::format("{:g}\u00a0%", tick));
  frame.y_name = "mean score";
  return frame;
}

std::vector<Point> points_of(const ReportData& data, const std::vector<double>& x,
                             const std::vector<std::string>& texts) {
  std::vector<Point> points;
  for (size_t i = 0; i < data.leaderboard.size(); ++i) {
    const ReportLeader& leader = data.leaderboard[i];
    if (!(x[i] > 0.0) || std::isnan(leader.accuracy.value)) continue;
    points.push_back({leader.model, x[i], leader.accuracy, texts[i], false});
  }
  return points;
}

// One currency for all, or none: amounts in different currencies do not share an axis.
std::string common_currency(const ReportData& data) {
  std::string currency;
  for (const ReportCost& cost : data.cost) {
    if (cost.task >= 0 || !cost.per_1000) continue;
    if (!currency.empty() && currency != cost.currency) return {};
    currency = cost.currency;
  }
  return currency;
}

std::string tick_text(double value) {
  return fmt::format("{:g}", value);
}

Html cost_plot(const ReportData& data, const std::string& currency) {
  std::vector<double> x;
  std::vector<std::string> texts;
  for (const ReportLeader& leader : data.leaderboard) {
    x.push_back(leader.cost_per_1000.value_or(kNoNumber));
    texts.push_back(leader.cost_per_1000 ? format_money(*leader.cost_per_1000, currency) : "unknown");
  }
  std::vector<Point> points = points_of(data, x, texts);
  if (points.size() < 2) return {};
  PlotFrame frame = frame_for(points);
  frame.description = "mean score against cost of 1,000 requests, logarithmic";
  frame.x_name = "cost of 1,000 requests, " + currency + " (log)";
  for (const double tick : frame.x.ticks) frame.x_labels.push_back(tick_text(tick));
  return scatter(data, std::move(points), std::move(frame), "1,000 requests");
}

Html latency_plot(const ReportData& data) {
  std::vector<double> x;
  std::vector<std::string> texts;
  for (const ReportLeader& leader : data.leaderboard) {
    x.push_back(leader.p95_ms.value);
    texts.push_back(format_duration(leader.p95_ms.value));
  }
  std::vector<Point> points = points_of(data, x, texts);
  if (points.size() < 2) return {};
  PlotFrame frame = frame_for(points);
  frame.description = "mean score against p95 time to full answer, logarithmic";
  frame.x_name = "p95 time to full answer (log)";
  for (const double tick : frame.x.ticks) {
    frame.x_labels.push_back(tick >= 1000.0 ? tick_text(tick / 1000.0) + "\u00a0s"
                                            : tick_text(tick) + "\u00a0ms");
  }
  return scatter(data, std::move(points), std::move(frame), "p95");
}

Html table(const ReportData& data, const std::string& currency) {
  std::vector<std::vector<Html>> rows;
  for (const ReportLeader& leader : data.leaderboard) {
    rows.push_back(
        {model_name(data, leader.model), value(format_percent(leader.accuracy.value)),
         value(format_percent_range(leader.accuracy.lo, leader.accuracy.hi)),
         value(leader.cost_per_1000 ? format_money(*leader.cost_per_1000, currency) : std::string("unknown")),
         value(std::isnan(leader.p95_ms.value) ? std::string(kNone) : format_duration(leader.p95_ms.value))});
  }
  return table_behind(
      "trade-offs",
      {"model", "mean score", "95\u00a0% interval", "1,000 requests", "p95 time to full answer"}, rows);
}

Html heading(const ReportData& data) {
  std::vector<std::string> parts;
  if (data.overall || data.differences.size() == 1) {
    const ReportDifference& d = data.overall ? *data.overall : data.differences.front();
    parts.push_back(format_points(d.result.difference.difference) + "\u00a0pp of score");
  }
  if (const std::optional<double> cheaper = times_cheaper(data)) {
    parts.push_back(*cheaper >= 1.0 ? fmt::format("{}× cheaper", format_significant(*cheaper, 2))
                                    : fmt::format("{}× dearer", format_significant(1.0 / *cheaper, 2)));
  }
  if (const std::optional<double> faster = times_faster(data)) {
    parts.push_back(*faster >= 1.0
                        ? fmt::format("{}× faster at the median", format_significant(*faster, 2))
                        : fmt::format("{}× slower at the median", format_significant(1.0 / *faster, 2)));
  }
  if (parts.empty()) return html("What the rest costs");
  return html("Small against large: {}", listed(parts, "and"));
}

}  // namespace

std::optional<Section> tradeoffs_section(const ReportData& data) {
  if (!data.is_pair()) return std::nullopt;
  const std::string currency = common_currency(data);
  const Html cost = currency.empty() ? Html{} : cost_plot(data, currency);
  const Html latency = latency_plot(data);
  if (cost.empty() && latency.empty()) return std::nullopt;
  Section out;
  out.id = "tradeoffs";
  out.link = "Trade-offs";
  out.kicker = "Score, cost, latency";
  out.heading = heading(data);
  out.side.push_back(
      html("The dotted step is the {}: nothing above and to the left of it was found. Hollow marks are "
           "beaten by another model on "
           "both counts.",
           term("Pareto line", "pareto")));
  out.main = pair_legend(data);
  out.main += html("<div class=\"{}\">{}{}</div>",
                   cost.empty() || latency.empty() ? html("lone") : html("pair"), cost, latency);
  out.main += table(data, currency);
  out.main +=
      caption(html("Vertical bars: 95\u00a0% interval of the mean score over all tasks. Costs at the stated "
                   "prices; times from scenario <i>{}</i>, {}.",
                   data.latency_scenario, load_in_words(data.latency_scenario)));
  return out;
}

}  // namespace sizeup
