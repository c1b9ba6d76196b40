#include "reports/html/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/text/utf8.h"
#include "reports/text.h"

namespace sizeup {
namespace {

// The smallest size at which such a plot is shown two abreast or alone on a telephone; what has room there
// has room everywhere, since labels keep their size.
constexpr double kWidth = 250.0;
constexpr double kHeight = 230.0;
constexpr double kCharacter = 6.6;  // mean advance of 12 px system fonts, a little generous
constexpr double kLine = 14.0;
constexpr double kMark = 8.0;    // half of a mark and its air
constexpr double kRight = 20.0;  // padding that a label may use
constexpr double kLeft = 6.0;
constexpr size_t kLongest = 28;  // code points of a name that are shown

struct Box {
  double left, top, right, bottom;
  bool touches(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

struct Place {
  double dx, dy;
  const char* anchor;
};

// Right below and left above come first: the Pareto step leaves a mark to the right and reaches it from
// below, intervals stand above and below it.
constexpr std::array<Place, 8> kPlaces = {{{10, 17, "start"},
                                           {-10, -9, "end"},
                                           {10, -9, "start"},
                                           {-10, 17, "end"},
                                           {11, 4, "start"},
                                           {-11, 4, "end"},
                                           {0, -14, "middle"},
                                           {0, 24, "middle"}}};

Box mark_box(const LabelPoint& point) {
  const double x = point.x / 100.0 * kWidth;
  const double y = point.y / 100.0 * kHeight;
  return {x - kMark, y - kMark, x + kMark, y + kMark};
}

Box label_box(const LabelPoint& point, const Place& place, double width) {
  const double x = point.x / 100.0 * kWidth + place.dx;
  const double baseline = point.y / 100.0 * kHeight + place.dy;
  double left = x;
  if (place.anchor[0] == 'e') left = x - width;
  if (place.anchor[0] == 'm') left = x - width / 2.0;
  return {left, baseline - kLine + 3.0, left + width, baseline + 3.0};
}

Html label(const LabelPoint& point, const Place& place, const std::string& text) {
  return html("<text class=\"halo {}\" x=\"{}\" y=\"{}\" dx=\"{}\" dy=\"{}\" text-anchor=\"{}\">{}</text>",
              point.classes, Percent{point.x}, Percent{point.y}, Coordinate{place.dx}, Coordinate{place.dy},
              place.anchor, text);
}

}  // namespace

PlacedLabels place_labels(const std::vector<LabelPoint>& points) {
  PlacedLabels out;
  std::vector<Box> taken;
  for (const LabelPoint& point : points) taken.push_back(mark_box(point));
  for (size_t i = 0; i < points.size(); ++i) {
    const std::string text = snippet(points[i].text, kLongest);
    const double width = kCharacter * static_cast<double>(count_code_points(text));
    const auto free = [&](const Place& place) {
      const Box box = label_box(points[i], place, width);
      if (box.left < -kLeft || box.right > kWidth + kRight || box.top < -kLine || box.bottom > kHeight)
        return false;
      for (size_t k = 0; k < taken.size(); ++k) {
        if (k != i && box.touches(taken[k])) return false;
      }
      return true;
    };
    const auto* place = std::find_if(kPlaces.begin(), kPlaces.end(), free);
    if (place != kPlaces.end()) {
      taken.push_back(label_box(points[i], *place, width));
      out.drawing += label(points[i], *place, text);
    } else {
      const std::string number = std::to_string(out.numbered.size() + 1);
      out.numbered.push_back(number + " = " + points[i].text);
      out.drawing += label(points[i], kPlaces[2], number);
    }
  }
  return out;
}

}  // namespace sizeup
