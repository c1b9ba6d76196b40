#include "reports/html/svg.h"

#include <algorithm>
#include <cmath>

namespace sizeup {

Html line_class(Tone tone) {
  switch (tone) {
    case Tone::small:
      return html("s-small");
    case Tone::large:
      return html("s-large");
    case Tone::both:
      return html("s-hyb");
    case Tone::other:
      break;
  }
  return html("s-oth");
}

Html fill_class(Tone tone) {
  switch (tone) {
    case Tone::small:
      return html("f-small");
    case Tone::large:
      return html("f-large");
    case Tone::both:
      return html("f-hyb");
    case Tone::other:
      break;
  }
  return html("f-oth");
}

Html text_class(Tone tone) {
  switch (tone) {
    case Tone::small:
      return html("t-small");
    case Tone::large:
      return html("t-large");
    case Tone::both:
      return html("t-hyb");
    case Tone::other:
      break;
  }
  return html("t-lab");
}

double Axis::at(double value) const {
  if (log) return 100.0 * std::log(value / lo) / std::log(hi / lo);
  return 100.0 * (value - lo) / (hi - lo);
}

Axis linear_axis(double lo, double hi, int most) {
  if (!(hi > lo)) hi = lo + 1.0;
  const double raw = (hi - lo) / std::max(1, most - 1);
  double step = std::pow(10.0, std::floor(std::log10(raw)));
  // 1, 2, 5, 10 of a power of ten: the first whose rounded-out range has few enough ticks.
  for (const double factor : {1.0, 2.0, 5.0, 10.0, 20.0}) {
    const double first = std::floor(lo / (step * factor) + 1e-9);
    const double last = std::ceil(hi / (step * factor) - 1e-9);
    if (last - first + 1.0 <= most || factor == 20.0) {
      step *= factor;
      Axis axis;
      for (double k = first; k <= last; ++k) axis.ticks.push_back(k * step);
      axis.lo = axis.ticks.front();
      axis.hi = axis.ticks.back();
      return axis;
    }
  }
  return {};
}

Axis log_axis(double lo, double hi) {
  constexpr double kSmallest = 1e-9;  // nothing measured here is below a picosecond or a billionth of a cent
  lo = std::max(lo, kSmallest);
  hi = std::max(hi, lo * 1.0001);
  Axis axis;
  axis.log = true;
  for (int decade = static_cast<int>(std::floor(std::log10(lo)));
       axis.ticks.empty() || axis.ticks.back() < hi; ++decade) {
    for (const double factor : {1.0, 3.0}) {
      const double tick = factor * std::pow(10.0, decade);
      if (axis.ticks.empty() || axis.ticks.back() < hi) axis.ticks.push_back(tick);
    }
  }
  while (axis.ticks.size() > 2 && axis.ticks[1] <= lo) axis.ticks.erase(axis.ticks.begin());
  axis.lo = axis.ticks.front();
  axis.hi = axis.ticks.back();
  // Whole decades only where thirds would be too many to label.
  constexpr size_t kMostTicks = 7;
  if (axis.ticks.size() > kMostTicks) {
    std::erase_if(axis.ticks, [](double tick) {
      const double decade = std::log10(tick);
      return std::fabs(decade - std::round(decade)) > 1e-6;
    });
  }
  return axis;
}

Html whisker(Tone tone, const Axis& axis, Interval interval, double y) {
  if (!(interval.lo <= interval.hi)) return {};
  const double left = axis.at(interval.lo);
  const double right = axis.at(interval.hi);
  const Percent from{std::clamp(left, 0.0, 100.0)};
  const Percent to{std::clamp(right, 0.0, 100.0)};
  const Html pen = line_class(tone);
  const auto cap = [&](Percent x) {
    return html("<line class=\"ci {}\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>", pen, x, x,
                Coordinate{y - 4}, Coordinate{y + 4});
  };
  const auto goes_on = [&](Percent x, const char* arrow) {
    return html("<text class=\"t-mut\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>", x,
                Coordinate{y + 4}, arrow);
  };
  // An end beyond the plot has no cap; an arrow says that the interval goes on.
  Html out;
  if (to.value > from.value) {
    out += html("<line class=\"ci {}\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>", pen, from, to,
                Coordinate{y}, Coordinate{y});
  }
  const auto inside = [](double end) { return end >= 0.0 && end <= 100.0; };
  if (inside(left)) out += cap(from);
  if (left < 0.0) out += goes_on(from, "‹");
  if (inside(right)) out += cap(to);
  if (right > 100.0) out += goes_on(to, "›");
  return out;
}

Html row_mark(Tone tone, const Axis& axis, double value, double y) {
  const double x = axis.at(value);
  if (!(x >= 0.0 && x <= 100.0)) return {};
  const Html fill = fill_class(tone);
  if (tone == Tone::large) {
    return html(
        "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"9\" height=\"9\" transform=\"translate(-4.5 -4.5)\"/>",
        fill, Percent{x}, Coordinate{y});
  }
  return html("<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"4.5\"/>", fill, Percent{x}, Coordinate{y});
}

Html row_grid(const Axis& axis, double top, double bottom) {
  Html out;
  for (const double tick : axis.ticks) {
    const Percent x{axis.at(tick)};
    out += html("<line class=\"g\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>", x, x, Coordinate{top},
                Coordinate{bottom});
  }
  return out;
}

Html row_axis(const Axis& axis, const std::vector<std::string>& labels) {
  Html texts;
  for (size_t i = 0; i < axis.ticks.size(); ++i) {
    texts += html("<text x=\"{}\" y=\"13\" text-anchor=\"middle\">{}</text>", Percent{axis.at(axis.ticks[i])},
                  labels[i]);
  }
  return html("<svg class=\"axis\" aria-hidden=\"true\">{}</svg>", texts);
}

namespace {

// Percent on both axes, whatever the plot's size.
Html stretched(const Html& content) {
  return html("<svg viewBox=\"0 0 100 100\" preserveAspectRatio=\"none\">{}</svg>", content);
}

Html stroke(const Html& classes, const Html& path) {
  return html("<path class=\"{}\" d=\"{}\"/>", classes, path);
}

}  // namespace

Html plot(const PlotFrame& frame, const Html& content) {
  Html across;
  Html texts;
  for (size_t i = 0; i < frame.y.ticks.size(); ++i) {
    const double y = 100.0 - frame.y.at(frame.y.ticks[i]);
    across += html("M0 {}H100", Coordinate{y});
    texts +=
        html("<text x=\"-8\" y=\"{}\" dy=\"4\" text-anchor=\"end\">{}</text>", Percent{y}, frame.y_labels[i]);
  }
  Html ticks = html("M0 100H100");
  for (size_t i = 0; i < frame.x.ticks.size(); ++i) {
    const double x = frame.x.at(frame.x.ticks[i]);
    ticks += html("M{} 100V101.5", Coordinate{x});
    texts += html("<text x=\"{}\" y=\"100%\" dy=\"18\" text-anchor=\"middle\">{}</text>", Percent{x},
                  frame.x_labels[i]);
  }
  texts += html("<text class=\"t-lab\" x=\"-38\" y=\"-10\">{}</text>", frame.y_name);
  texts += html("<text class=\"t-lab\" x=\"100%\" y=\"100%\" dy=\"37\" text-anchor=\"end\">{}</text>",
                frame.x_name);
  const Html grid = stretched(html("{}{}", stroke(html("g"), across), stroke(html("ax"), ticks)));
  return html("<div class=\"plot\"><svg class=\"c\" role=\"img\" aria-label=\"{}\">{}{}{}</svg></div>",
              frame.description, grid, texts, content);
}

Html curve(const Html& classes, const std::vector<std::pair<double, double>>& points) {
  Html path;
  for (const auto& [x, y] : points)
    path += html("{}{} {}", path.empty() ? html("M") : html("L"), Coordinate{x}, Coordinate{y});
  return stretched(stroke(classes, path));
}

Html uprights(const Html& classes, const std::vector<Upright>& lines) {
  Html path;
  for (const Upright& line : lines)
    path += html("M{} {}V{}", Coordinate{line.x}, Coordinate{line.from}, Coordinate{line.to});
  return stretched(stroke(classes, path));
}

Html area(const Html& classes, const std::vector<std::pair<double, double>>& corners) {
  Html points;
  for (const auto& [x, y] : corners)
    points += html("{}{} {}", points.empty() ? Html{} : html(" "), Coordinate{x}, Coordinate{y});
  return stretched(html("<polygon class=\"{}\" points=\"{}\"/>", classes, points));
}

Html legend_mark(Tone tone) {
  if (tone == Tone::large) {
    return html(
        "<svg aria-hidden=\"true\"><rect class=\"f-large\" x=\"6\" y=\"1\" width=\"10\" "
        "height=\"10\"/></svg>");
  }
  const int radius = tone == Tone::other ? 4 : 5;
  return html("<svg aria-hidden=\"true\"><circle class=\"{}\" cx=\"11\" cy=\"6\" r=\"{}\"/></svg>",
              fill_class(tone), radius);
}

Html legend_line(Tone tone, bool dashed) {
  return html(
      "<svg aria-hidden=\"true\"><line class=\"{} w2{}\" x1=\"0\" y1=\"6\" x2=\"22\" y2=\"6\"/></svg>",
      line_class(tone), dashed ? html(" dash") : Html{});
}

}  // namespace sizeup
