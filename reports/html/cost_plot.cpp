#include "reports/html/cost_plot.h"

#include <algorithm>
#include <cmath>

namespace sizeup {
namespace {

constexpr int kPoints = 40;        // along the axis: a fixed cost bends a line
constexpr double kMostSteps = 40;  // drawn as steps; more of them are a line again
constexpr double kLabelAt = 97;    // percent
constexpr double kRoom = 12;       // percent of the height between lines whose labels would meet

class Drawing {
 public:
  Drawing(const Axis& x, const Axis& y) : x_(x), y_(y) {}

  Html line(const CostLine& line) const {
    std::vector<std::pair<double, double>> path;
    const double first = std::floor(x_.lo / line.cost.width) + 1;
    const double last = std::ceil(x_.hi / line.cost.width) - 1;
    const bool steps = line.cost.step > 0 && last - first + 1 <= kMostSteps;
    double step = first;
    for (int i = 0; i <= kPoints; ++i) {
      const double volume = x_.lo * std::pow(x_.hi / x_.lo, static_cast<double>(i) / kPoints);
      for (; steps && step <= last && step * line.cost.width <= volume; ++step) {
        const double at = step * line.cost.width;
        path.push_back(point(at, cost(line.cost, at, step)));
        path.push_back(point(at, cost(line.cost, at, step + 1)));
      }
      path.push_back(point(volume, cost_at(line.cost, volume)));
    }
    return curve(html("{} w2", line_class(line.tone)), path);
  }

  // Beside the right end; of lines close together there, the lower one's below.
  Html labels(const std::vector<CostLine>& lines) const {
    const double volume = x_.lo * std::pow(x_.hi / x_.lo, kLabelAt / 100);
    Html out;
    for (const CostLine& line : lines) {
      const double top = y(cost_at(line.cost, volume));
      const bool crowded = std::any_of(lines.begin(), lines.end(), [&](const CostLine& other) {
        const double above = y(cost_at(other.cost, volume));
        return &other != &line && above <= top && top - above < kRoom;
      });
      out += html("<text class=\"halo {}\" x=\"{}\" y=\"{}\" dy=\"{}\" text-anchor=\"end\">{}</text>",
                  text_class(line.tone), Percent{kLabelAt}, Percent{top}, crowded ? 18 : -8, line.label);
    }
    return out;
  }

  Html ring(const CostMark& mark) const {
    const Percent left{x_.at(mark.volume)};
    const Percent top{y(mark.cost)};
    const bool at_right = left.value > 60;
    return html(
        "<circle class=\"s-hyb f-paper\" cx=\"{}\" cy=\"{}\" r=\"6\"/><text class=\"halo t-lab\" x=\"{}\" "
        "y=\"{}\" dx=\"{}\" dy=\"22\" text-anchor=\"{}\">{}</text>",
        left, top, left, top, at_right ? -2 : 2, at_right ? "end" : "start", mark.label);
  }

  Html stated(double volume) const {
    const Percent left{x_.at(volume)};
    return html(
        "<line class=\"mg\" x1=\"{}\" y1=\"100%\" x2=\"{}\" y2=\"0%\"/><text class=\"halo t-mut\" x=\"{}\" "
        "y=\"100%\" dx=\"5\" dy=\"-6\" text-anchor=\"start\">your volume</text>",
        left, left, left);
  }

 private:
  static double cost(const StepLine& line, double x, double steps) {
    return line.fixed + line.slope * x + line.step * steps;
  }
  static double cost_at(const StepLine& line, double x) {
    return cost(line, x, std::floor(x / line.width) + 1);
  }
  double y(double cost) const { return 100.0 - y_.at(cost); }
  std::pair<double, double> point(double volume, double cost) const { return {x_.at(volume), y(cost)}; }

  const Axis& x_;
  const Axis& y_;
};

}  // namespace

Html cost_drawing(const std::vector<CostLine>& lines, const std::optional<CostMark>& break_even,
                  const std::optional<double>& volume, const Axis& x, const Axis& y) {
  const Drawing drawing(x, y);
  Html out;
  for (const CostLine& line : lines) out += drawing.line(line);
  out += drawing.labels(lines);
  if (break_even) out += drawing.ring(*break_even);
  if (volume) out += drawing.stated(*volume);
  return out;
}

}  // namespace sizeup
