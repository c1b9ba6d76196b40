#include "tasks/metrics/metric.h"

#include <fmt/format.h>

#include <charconv>

namespace sizeup {

// The shortest text that reads back to the same number.
void ScoreWriter::number(const std::string& name, double value) {
  detail(name, fmt::format("{}", value));
}

void ScoreWriter::numbers(const std::string& name, std::span<const int64_t> values) {
  detail(name, fmt::format("{}", fmt::join(values, " ")));
}

const std::string* ScoredSet::detail(const Scored& scored, const std::string& name) const {
  const auto found = scored.details.find(name + suffix_);
  return found == scored.details.end() ? nullptr : &found->second;
}

double ScoredSet::sum(const std::string& name) const {
  double total = 0.0;
  for (const Scored* scored : samples_) {
    const std::string* text = detail(*scored, name);
    double value = 0.0;
    if (text != nullptr) std::from_chars(text->data(), text->data() + text->size(), value);
    total += value;
  }
  return total;
}

std::vector<double> ScoredSet::sums(const std::string& name, size_t count) const {
  std::vector<double> totals(count, 0.0);
  for (const Scored* scored : samples_) {
    const std::string* text = detail(*scored, name);
    if (text == nullptr) continue;
    const char* at = text->data();
    const char* const end = at + text->size();
    for (double& total : totals) {
      int64_t value = 0;
      const auto [rest, error] = std::from_chars(at, end, value);
      if (error != std::errc()) break;
      total += static_cast<double>(value);
      at = rest == end ? end : rest + 1;
    }
  }
  return totals;
}

int64_t ScoredSet::count(const std::string& name, std::string_view value) const {
  int64_t total = 0;
  for (const Scored* scored : samples_) {
    const std::string* text = detail(*scored, name);
    total += text != nullptr && *text == value ? 1 : 0;
  }
  return total;
}

}  // namespace sizeup
