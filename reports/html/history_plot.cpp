#include "reports/html/history_plot.h"

#include <algorithm>
#include <cmath>

namespace sizeup {
namespace {

class Drawing {
 public:
  Drawing(size_t runs, const Axis& y) : runs_(runs), y_(y) {}

  // Neighbouring points with intervals share a band; where one is missing it is cut.
  Html bands(const HistorySeries& series) const {
    Html out;
    size_t begin = 0;
    while (begin < series.points.size()) {
      size_t end = begin;
      while (end < series.points.size() && series.points[end].estimate.has_interval()) ++end;
      if (end - begin > 1) out += band(series, begin, end);
      begin = end + 1;
    }
    return out;
  }

  Html line(const HistorySeries& series) const {
    std::vector<std::pair<double, double>> path;
    for (const HistorySeries::Point& point : series.points)
      path.emplace_back(x(point.run), y(point.estimate.value));
    return curve(html("{} w2", line_class(series.tone)), path);
  }

  Html marks(const HistorySeries& series) const {
    Html out;
    for (const HistorySeries::Point& point : series.points) {
      const Percent at{x(point.run)};
      if (point.other_weights) {
        out += html("<line class=\"mg\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"100%\"/>", at, at,
                    Percent{y(point.estimate.value)});
        out += html("<text class=\"{}\" x=\"{}\" y=\"100%\" dy=\"{}\" text-anchor=\"middle\">▲</text>",
                    text_class(series.tone), at, series.tone == Tone::large ? -14 : -2);
      }
      if (series.tone == Tone::large) {
        out += html(
            "<rect class=\"f-large\" data-tip=\"{}\" x=\"{}\" y=\"{}\" width=\"9\" height=\"9\" "
            "transform=\"translate(-4.5 -4.5)\"/>",
            point.tip, at, Percent{y(point.estimate.value)});
      } else {
        out += html("<circle class=\"{}\" data-tip=\"{}\" cx=\"{}\" cy=\"{}\" r=\"4.5\"/>",
                    fill_class(series.tone), point.tip, at, Percent{y(point.estimate.value)});
      }
    }
    return out;
  }

 private:
  Html band(const HistorySeries& series, size_t begin, size_t end) const {
    std::vector<std::pair<double, double>> corners;
    for (size_t i = begin; i < end; ++i)
      corners.emplace_back(x(series.points[i].run), y(series.points[i].estimate.hi));
    for (size_t i = end; i-- > begin;)
      corners.emplace_back(x(series.points[i].run), y(series.points[i].estimate.lo));
    return area(html("band {}", fill_class(series.tone)), corners);
  }

  double x(size_t run) const {
    return runs_ < 2 ? 50.0 : 100.0 * static_cast<double>(run) / static_cast<double>(runs_ - 1);
  }
  double y(double value) const { return 100.0 - y_.at(value); }

  size_t runs_;
  const Axis& y_;
};

}  // namespace

Html history_drawing(const std::vector<HistorySeries>& series, size_t runs, const Axis& y) {
  const Drawing drawing(runs, y);
  Html out;
  for (const HistorySeries& one : series) out += drawing.bands(one);
  for (const HistorySeries& one : series) out += drawing.line(one);
  for (const HistorySeries& one : series) out += drawing.marks(one);
  return out;
}

}  // namespace sizeup
