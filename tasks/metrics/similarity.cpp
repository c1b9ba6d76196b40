#include "tasks/metrics/similarity.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/jinja/text.h"
#include "core/text/from_chars.h"
#include "tasks/metrics/ngrams.h"
#include "tasks/text/unicode.h"
#include "tasks/values/number.h"

namespace sizeup {
namespace {

using Tokens = std::vector<uint32_t>;

// The expected text fits in the columns, so that a long answer costs time and no memory.
int64_t levenshtein(std::span<const uint32_t> expected, std::span<const uint32_t> answer) {
  std::vector<int64_t> row(expected.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = static_cast<int64_t>(j);
  for (size_t i = 1; i <= answer.size(); ++i) {
    int64_t diagonal = row[0];
    row[0] = static_cast<int64_t>(i);
    for (size_t j = 1; j < row.size(); ++j) {
      const int64_t replaced = diagonal + (answer[i - 1] == expected[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

Tokens code_points(std::string_view text) {
  Tokens out;
  for (size_t at = 0; at < text.size();) {
    const CodePoint next = jinja::decode_at(text, at);
    out.push_back(next.value);
    at += next.bytes;
  }
  return out;
}

// What a text may mean as one number; empty if it is none.
std::vector<double> numbers_of(std::string_view text) {
  const std::string_view stripped = python_strip(text);
  double value = 0.0;
  const auto [end, error] = from_chars(stripped.data(), stripped.data() + stripped.size(), value);
  if (error == std::errc() && end == stripped.data() + stripped.size() && std::isfinite(value))
    return {value};
  std::vector<Decimal> readings = read_number(stripped);
  if (readings.empty()) readings = read_money(stripped).amount;
  if (readings.empty()) {
    const std::vector<NumberInText> all = find_numbers(stripped);
    if (!all.empty()) readings = all.back().readings;
  }
  std::vector<double> values;
  for (const Decimal& reading : readings) {
    const auto read = from_chars(reading.data(), reading.data() + reading.size(), value);
    if (read.ec == std::errc()) values.push_back(value);  // not beyond a double
  }
  return values;
}

bool is_near(double expected, double answered, const MetricParameters& parameters) {
  // 1.1 is within 0.1 of 1.0, although their binary difference is a little more.
  constexpr double kRounding = 1e-12;
  const double allowed = std::max(parameters.tolerance, parameters.relative_tolerance * std::abs(expected));
  const double rounding = kRounding * std::max(std::abs(expected), std::abs(answered));
  return std::abs(expected - answered) <= allowed + rounding;
}

}  // namespace

double token_f1(std::string_view expected, std::string_view answer) {
  const std::string wanted_text = squad_text(expected);
  const std::string given_text = squad_text(answer);
  const std::vector<std::string_view> wanted = jinja::split_words(wanted_text, -1);
  const std::vector<std::string_view> given = jinja::split_words(given_text, -1);
  if (wanted.empty() || given.empty()) return wanted.empty() && given.empty() ? 1.0 : 0.0;
  WordNumbers vocabulary;
  NgramIndex index(1);
  const NgramIndex::Counts wanted_counts = index.add(vocabulary.numbers(wanted));
  const NgramIndex::Counts given_counts = index.known(vocabulary.numbers(given));
  return f_measure(shared_ngrams(given_counts[0], wanted_counts[0]), wanted.size(), given.size());
}

double EditDistance::similarity() const {
  return longest == 0 ? 1.0 : 1.0 - static_cast<double>(edits) / static_cast<double>(longest);
}

EditDistance edit_distance(std::string_view expected, std::string_view answer, TextUnit unit) {
  constexpr size_t kMostWork = 100'000'000;  // a quarter of a second
  constexpr size_t kMostUnits = 10'000;
  Tokens wanted;
  Tokens given;
  if (unit == TextUnit::words) {
    WordNumbers vocabulary;
    wanted = vocabulary.numbers(jinja::split_words(expected, -1));
    given = vocabulary.numbers(jinja::split_words(answer, -1));
  } else {
    wanted = code_points(expected);
    given = code_points(answer);
  }
  EditDistance distance;
  distance.longest = static_cast<int64_t>(std::max(wanted.size(), given.size()));
  size_t rest = 0;
  if (wanted.size() * given.size() > kMostWork) {
    const auto cut = [&](Tokens& tokens) {
      if (tokens.size() <= kMostUnits) return;
      rest = std::max(rest, tokens.size() - kMostUnits);
      tokens.resize(kMostUnits);
    };
    cut(wanted);
    cut(given);
  }
  distance.edits = levenshtein(wanted, given) + static_cast<int64_t>(rest);
  distance.edits = std::min(distance.edits, distance.longest);
  return distance;
}

void score_token_f1(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  out.score("token_f1",
            best_of(input, [&](const auto& accepted) { return token_f1(accepted, input.answer); }));
}

void score_quasi_exact_match(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  const std::string answer = squad_text(input.answer);
  out.score("quasi_exact_match",
            best_of(input, [&](const auto& accepted) { return squad_text(accepted) == answer; }));
}

void score_prefix_match(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  const std::string_view answer = python_strip(input.answer);
  out.score("prefix_match",
            best_of(input, [&](const auto& accepted) { return answer.starts_with(python_strip(accepted)); }));
}

void score_prefix_quasi_match(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  const std::string answer = squad_text(input.answer);
  out.score("prefix_quasi_exact_match",
            best_of(input, [&](const auto& accepted) { return answer.starts_with(squad_text(accepted)); }));
}

void score_edit_distance(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out) {
  std::optional<int64_t> least;
  for (const std::string& accepted : input.sample.accepted) {
    const int64_t edits = edit_distance(accepted, input.answer, parameters.unit).edits;
    least = least ? std::min(*least, edits) : edits;
  }
  if (least) out.score("edit_distance", static_cast<double>(*least));
}

void score_edit_similarity(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out) {
  out.score("edit_similarity", best_of(input, [&](const auto& accepted) {
              return edit_distance(accepted, input.answer, parameters.unit).similarity();
            }));
}

void score_numeric_match(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out) {
  const std::vector<double> answered = numbers_of(input.answer);
  bool any_expected = false;
  bool right = false;
  for (const std::string& accepted : input.sample.accepted) {
    for (const double expected : numbers_of(accepted)) {
      any_expected = true;
      right |= std::any_of(answered.begin(), answered.end(),
                           [&](double value) { return is_near(expected, value, parameters); });
    }
  }
  if (any_expected) out.score("numeric_match", right ? 1.0 : 0.0);
}

}  // namespace sizeup
