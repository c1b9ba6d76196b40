#include "tasks/metrics/metric.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numeric>
#include <utility>

#include "core/errors/result.h"
#include "core/text/from_chars.h"

namespace sizeup {

// The shortest text that reads back to the same number.
void ScoreWriter::number(const std::string& name, double value) {
  detail(name, fmt::format("{}", value));
}

void ScoreWriter::numbers(const std::string& name, std::span<const int64_t> values) {
  detail(name, fmt::format("{}", fmt::join(values, " ")));
}

namespace {

std::vector<double> numbers_of(std::string_view text) {
  std::vector<double> numbers;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    double value = 0.0;
    const auto [rest, error] = from_chars(at, end, value);
    if (error != std::errc()) break;
    numbers.push_back(value);
    at = rest == end ? end : rest + 1;
  }
  return numbers;
}

}  // namespace

DetailTable::DetailTable(std::span<const Scored* const> samples, const std::string& suffix,
                         std::span<const std::string> names)
    : names_(names.begin(), names.end()) {
  std::vector<std::string> written;
  for (const std::string& name : names_) written.push_back(name + suffix);
  std::map<std::vector<std::optional<std::string>>, size_t> places;
  for (const Scored* sample : samples) {
    std::vector<std::optional<std::string>> texts;
    for (const std::string& name : written) {
      const auto found = sample->details.find(name);
      texts.push_back(found == sample->details.end() ? std::nullopt : std::optional(found->second));
    }
    const auto [place, is_new] = places.try_emplace(std::move(texts), counts_.size());
    if (!is_new) {
      ++counts_[place->second];
      continue;
    }
    counts_.push_back(1);
    for (const std::optional<std::string>& text : place->first) {
      details_.push_back({text, text ? numbers_of(*text) : std::vector<double>()});
    }
  }
}

const DetailTable::Detail& DetailTable::at(size_t row, std::string_view name) const {
  const auto column = std::find(names_.begin(), names_.end(), name);
  require(column != names_.end(), "a set formula reads the details that its row of the table names");
  return details_[row * names_.size() + static_cast<size_t>(column - names_.begin())];
}

const std::optional<std::string>& DetailTable::text(size_t row, std::string_view name) const {
  return at(row, name).text;
}

std::span<const double> DetailTable::numbers(size_t row, std::string_view name) const {
  return at(row, name).numbers;
}

int64_t ScoredSet::size() const {
  return std::accumulate(counts_.begin(), counts_.end(), int64_t{0});
}

double ScoredSet::sum(std::string_view name) const {
  return sums(name, 1).front();
}

std::vector<double> ScoredSet::sums(std::string_view name, size_t count) const {
  std::vector<double> totals(count, 0.0);
  for (size_t row = 0; row < rows(); ++row) {
    if (counts_[row] == 0) continue;  // 0 times an impossible text's -inf is no number
    const std::span<const double> numbers = table_.numbers(row, name);
    for (size_t i = 0; i < std::min(count, numbers.size()); ++i) {
      totals[i] += static_cast<double>(counts_[row]) * numbers[i];
    }
  }
  return totals;
}

int64_t ScoredSet::with(std::string_view name) const {
  int64_t total = 0;
  for (size_t row = 0; row < rows(); ++row) total += detail(row, name) ? counts_[row] : 0;
  return total;
}

int64_t ScoredSet::with(std::string_view name, std::string_view value) const {
  int64_t total = 0;
  for (size_t row = 0; row < rows(); ++row) total += detail(row, name) == value ? counts_[row] : 0;
  return total;
}

}  // namespace sizeup
