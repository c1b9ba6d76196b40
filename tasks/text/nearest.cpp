#include "tasks/text/nearest.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace sizeup {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view given, std::span<const std::string> known) {
  constexpr size_t kLongestName = 100;  // beyond this nobody mistyped a key
  if (given.size() > kLongestName) return {};
  std::string best;
  size_t best_distance = SIZE_MAX;
  for (const std::string& name : known) {
    const size_t distance = edit_distance(given, name);
    const size_t allowed = std::max<size_t>(2, std::max(given.size(), name.size()) / 3);
    if (distance <= allowed && distance < best_distance) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view given, std::span<const std::string> known) {
  const std::string nearest = nearest_name(given, known);
  return nearest.empty() ? nearest : "did you mean '" + nearest + "'?";
}

}  // namespace sizeup
