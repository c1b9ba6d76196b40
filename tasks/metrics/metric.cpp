#include "tasks/metrics/metric.h"

#include <fmt/format.h>

#include <charconv>

namespace sizeup {

// The shortest text that reads back to the same number.
void ScoreWriter::number(const std::string& name, double value) {
  detail(name, fmt::format("{}", value));
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

int64_t ScoredSet::count(const std::string& name, std::string_view value) const {
  int64_t total = 0;
  for (const Scored* scored : samples_) {
    const std::string* text = detail(*scored, name);
    total += text != nullptr && *text == value ? 1 : 0;
  }
  return total;
}

}  // namespace sizeup
