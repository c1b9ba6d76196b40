#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/html/sections.h"
#include "reports/report.h"
#include "reports/routing_text.h"

namespace sizeup {
namespace {

constexpr int kTableStep = 20;  // percent between the rows of the table

class RoutingPlot {
 public:
  explicit RoutingPlot(const ReportRouting& routing) : routing_(routing) {
    double lo = 100.0;
    double hi = 0.0;
    for (const RoutePoint& point : points()) {
      lo = std::min(lo, 100.0 * (point.accuracy.has_interval() ? point.accuracy.lo : point.accuracy.value));
      hi = std::max(hi, 100.0 * (point.accuracy.has_interval() ? point.accuracy.hi : point.accuracy.value));
    }
    for (const double best : routing.frontier.oracle) hi = std::max(hi, 100.0 * best);
    y_ = linear_axis(lo, hi, 6);
  }

  Html draw() const {
    PlotFrame frame;
    frame.description = "accuracy against the share sent on to large";
    frame.x.hi = 100.0;
    frame.x.ticks = {0, 25, 50, 75, 100};
    frame.y = y_;
    for (const double tick : frame.x.ticks) frame.x_labels.push_back(fmt::format("{:g}\u00a0%", tick));
    for (const double tick : frame.y.ticks) frame.y_labels.push_back(fmt::format("{:g}\u00a0%", tick));
    frame.x_name = "share sent on to large";
    frame.y_name = "accuracy";
    Html content;
    for (const Html& part : {band(), lots(), oracle(), frontier(), ends(), chosen()}) content += part;
    return plot(frame, content);
  }

 private:
  const std::vector<RoutePoint>& points() const { return routing_.frontier.points; }
  double top(double accuracy) const { return 100.0 - y_.at(100.0 * accuracy); }

  Html band() const {
    std::vector<std::pair<double, double>> corners;
    // Every other point is enough for an area.
    for (size_t i = 0; i < points().size(); i += 2) {
      const RoutePoint& point = points()[i];
      if (!point.accuracy.has_interval()) return {};
      corners.emplace_back(100.0 * point.share, top(point.accuracy.hi));
    }
    for (size_t i = points().size() + 1; i >= 2; i -= 2)
      corners.emplace_back(100.0 * points()[i - 2].share, top(points()[i - 2].accuracy.lo));
    return area(html("band f-hyb"), corners);
  }

  Html frontier() const {
    std::vector<std::pair<double, double>> path;
    for (const RoutePoint& point : points())
      path.emplace_back(100.0 * point.share, top(point.accuracy.value));
    return curve(html("s-hyb w2"), path);
  }

  Html lots() const {
    return curve(html("s-oth dash"),
                 {{0.0, top(routing_.frontier.small)}, {100.0, top(routing_.frontier.large)}});
  }

  Html oracle() const {
    std::vector<std::pair<double, double>> path;
    for (size_t i = 0; i < routing_.frontier.oracle.size(); i += 4)
      path.emplace_back(static_cast<double>(i), top(routing_.frontier.oracle[i]));
    return curve(html("s-oth"), path);
  }

  Html ends() const {
    const Percent small{top(routing_.frontier.small)};
    const Percent large{top(routing_.frontier.large)};
    return html(
        "<circle class=\"f-small\" cx=\"0%\" cy=\"{}\" r=\"5\"/><rect class=\"f-large\" x=\"100%\" y=\"{}\" "
        "width=\"10\" height=\"10\" transform=\"translate(-5 -5)\"/>",
        small, large);
  }

  // A diamond that the script moves: it is told the ends of the axis.
  Html chosen() const {
    const RoutePoint* point = routing_.point();
    if (point == nullptr) return {};
    return html(
        "<svg id=\"op\" overflow=\"visible\" data-lo=\"{}\" data-hi=\"{}\" x=\"{}\" y=\"{}\"><path "
        "class=\"f-hyb\" d=\"M0 -7L7 0L0 7L-7 0Z\"/></svg>",
        fmt::format("{:g}", y_.lo), fmt::format("{:g}", y_.hi), Percent{100.0 * point->share},
        Percent{top(point->accuracy.value)});
  }

  const ReportRouting& routing_;
  Axis y_;
};

std::string cost_share(const ReportRouting& routing, const RoutePoint& point) {
  const double share = point.cost / routing.large_cost;
  return std::isfinite(share) ? format_percent(share, 0) : std::string("unknown");
}

std::string p95_text(const RoutePoint& point) {
  return std::isfinite(point.p95_ms) ? format_duration(point.p95_ms) : std::string(kNone);
}

std::string range_text(const Estimate& accuracy) {
  return accuracy.has_interval() ? format_percent_range(accuracy.lo, accuracy.hi)
                                 : std::string("no interval");
}

Html reading(const ReportRouting& routing, const RoutePoint& point) {
  return html(
      "<dl class=\"read\" aria-live=\"polite\"><div><dt>sent to large</dt><dd><span "
      "id=\"r-share\">{}</span><small>score below <span id=\"r-below\">{}</span></small></dd></div>"
      "<div><dt>accuracy</dt><dd><span id=\"r-right\">{}</span><small id=\"r-range\">{}</small></dd></div>"
      "<div><dt>cost</dt><dd><span id=\"r-cost\">{}</span><small>of large alone</small></dd></div>"
      "<div><dt>p95</dt><dd><span id=\"r-p95\">{}</span><small>what is sent on waits for "
      "both</small></dd></div></dl>",
      format_percent(point.share, 0), threshold_text(point.threshold), format_percent(point.accuracy.value),
      range_text(point.accuracy), cost_share(routing, point), p95_text(point));
}

Html frontier_table(const ReportRouting& routing) {
  std::vector<std::vector<Html>> rows;
  for (size_t i = 0; i < routing.frontier.points.size(); ++i) {
    const bool shown = i % kTableStep == 0 || routing.chosen == i;
    if (!shown) continue;
    const RoutePoint& point = routing.frontier.points[i];
    rows.push_back(
        {html("{}{}", format_percent(point.share, 0),
              routing.chosen == i ? html("<small>{}</small>", routing.asked_for ? "asked for" : "recommended")
                                  : Html{}),
         value(threshold_text(point.threshold)), value(format_percent(point.accuracy.value)),
         value(range_text(point.accuracy)), value(against_large_text(routing, point)),
         value(format_percent(routing.frontier.oracle[i])), value(cost_share(routing, point)),
         value(p95_text(point))});
  }
  return table_behind("routing frontier",
                      {"sent to large", "score below", "accuracy", "95\u00a0% interval", "against large",
                       "at best", "cost of large alone", "p95"},
                      rows);
}

Html routing_legend() {
  return legend({html("{}small first, 95\u00a0% band", legend_line(Tone::both, false)),
                 html("{}drawing lots", legend_line(Tone::other, true)),
                 html("{}sent where it helps most", legend_line(Tone::other, false))});
}

}  // namespace

std::optional<Section> routing_section(const ReportData& data) {
  if (!data.routing) return std::nullopt;
  const ReportRouting& routing = *data.routing;
  const RoutePoint* point = routing.point();
  Section out;
  out.id = "routing";
  out.link = "Routing";
  out.kicker = "Small first, on to large when unsure";
  out.heading = html("{}", routing_finding(data));
  out.side.push_back(
      html("Requests whose {} lies below a {} go on to large, which costs both. {} says how well that "
           "finds the requests for which large is needed.",
           signal_text(routing), term("threshold", "threshold"), term("APGR", "apgr")));
  for (const std::string& sentence : routing_sentences(data)) out.side.push_back(html("{}", sentence));
  if (point != nullptr) {
    out.side.push_back(
        html("<label class=\"live\" for=\"share\">Another share <input type=\"range\" id=\"share\" min=\"0\" "
             "max=\"100\" value=\"{}\"></label>",
             *routing.chosen));
  }
  out.main = routing_legend();
  out.main += RoutingPlot(routing).draw();
  if (point != nullptr) out.main += reading(routing, *point);
  out.main += frontier_table(routing);
  out.main += caption(
      html("n = {}. Each sample is routed by a threshold that was found on the other nine tenths, so none "
           "judges a "
           "choice that it had a part in. The share is the least that is shown to lose less than {}\u00a0pp "
           "against "
           "large alone, tested downwards from everything{}.{}",
           format_count(routing.n), format_margin(routing.margin),
           routing.asked_for ? html(", unless one was asked for") : Html{},
           data.latency_scenario.empty()
               ? Html{}
               : html(" Times are those of scenario {}, one model after the other.", data.latency_scenario)));
  return out;
}

}  // namespace sizeup
