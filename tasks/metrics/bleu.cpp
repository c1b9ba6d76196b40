#include "tasks/metrics/bleu.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "core/jinja/text.h"
#include "tasks/metrics/ngrams.h"

namespace sizeup {
namespace {

constexpr size_t kOrder = 4;
constexpr std::array kNames = {
    std::pair{"<skipped>", ""}, std::pair{"-\n", ""},   std::pair{"\n", " "},   std::pair{"&quot;", "\""},
    std::pair{"&amp;", "&"},    std::pair{"&lt;", "<"}, std::pair{"&gt;", ">"},
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The ASCII signs that always stand alone: all but the apostrophe, comma, dash and full stop.
bool stands_alone(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

bool is_point(char c) {
  return c == '.' || c == ',';
}

// Replaces each pair of neighbours that `matches` by the pair with spaces before, between and after it as
// asked, from left to right, as a regular expression of two characters does. All signs are ASCII, so bytes
// stand for characters.
template <class Matches>
std::string space_pairs(std::string_view text, bool before, bool after, Matches&& matches) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 == text.size() || !matches(text[i], text[i + 1])) {
      out += text[i];
      continue;
    }
    if (before) out += ' ';
    out += text[i];
    out += ' ';
    out += text[++i];
    if (after) out += ' ';
  }
  return out;
}

}  // namespace

std::vector<std::string> bleu_words(std::string_view text) {
  std::string line(jinja::strip_right(text));
  for (const auto& [from, to] : kNames) line = jinja::replace_all(line, from, to, -1);
  std::string spaced = " ";
  for (const char c : line) {
    if (stands_alone(c)) {
      spaced += {' ', c, ' '};
    } else {
      spaced += c;
    }
  }
  spaced += ' ';
  spaced = space_pairs(spaced, false, true, [](char a, char b) { return !is_digit(a) && is_point(b); });
  spaced = space_pairs(spaced, true, false, [](char a, char b) { return is_point(a) && !is_digit(b); });
  spaced = space_pairs(spaced, false, true, [](char a, char b) { return is_digit(a) && b == '-'; });
  const std::vector<std::string_view> words = jinja::split_words(spaced, -1);
  return {words.begin(), words.end()};
}

double bleu(const BleuCounts& counts) {
  if (std::all_of(counts.shared.begin(), counts.shared.end(), [](double n) { return n == 0.0; })) return 0.0;
  double halved = 1.0;
  double logarithms = 0.0;
  for (size_t n = 0; n < kOrder; ++n) {
    if (counts.given[n] == 0.0) return 0.0;  // no answer has n-grams as long as this
    double precision = 100.0 * counts.shared[n] / counts.given[n];
    if (counts.shared[n] == 0.0) {
      halved *= 2.0;
      precision = 100.0 / (halved * counts.given[n]);
    }
    logarithms += std::log(precision);
  }
  const double brevity = counts.answer_words < counts.expected_words
                             ? std::exp(1.0 - counts.expected_words / counts.answer_words)
                             : 1.0;
  return brevity * std::exp(logarithms / static_cast<double>(kOrder));
}

void score_bleu(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  std::vector<std::vector<std::string>> texts;
  for (const std::string& accepted : input.sample.accepted) texts.push_back(bleu_words(accepted));
  texts.push_back(bleu_words(input.answer));
  WordNumbers vocabulary;
  NgramIndex index(kOrder);
  NgramIndex::Counts expected(kOrder);
  const auto words = static_cast<int64_t>(texts.back().size());
  int64_t nearest = -1;
  std::vector<uint32_t> tokens;
  for (const std::vector<std::string>& text : texts) {
    tokens = vocabulary.numbers(std::vector<std::string_view>(text.begin(), text.end()));
    if (&text == &texts.back()) break;
    const NgramIndex::Counts counts = index.add(tokens);
    for (size_t n = 0; n < kOrder; ++n) {
      for (const auto& [number, count] : counts[n])
        expected[n][number] = std::max(expected[n][number], count);
    }
    const auto length = static_cast<int64_t>(text.size());
    const auto distance = [&](int64_t other) { return std::pair(std::abs(words - other), other); };
    if (nearest < 0 || distance(length) < distance(nearest)) nearest = length;
  }
  std::array<int64_t, 2 + 2 * kOrder> numbers = {words, std::max<int64_t>(nearest, 0)};
  const NgramIndex::Counts given = index.known(tokens);
  for (size_t n = 0; n < kOrder; ++n) {
    numbers[2 + n] = shared_ngrams(given[n], expected[n]);
    numbers[2 + kOrder + n] = ngram_count(tokens.size(), n + 1);
  }
  out.numbers("bleu", numbers);
}

double aggregate_bleu(const ScoredSet& set) {
  if (set.size() == 0) return std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> sums = set.sums("bleu", 2 + 2 * kOrder);
  BleuCounts counts;
  counts.answer_words = sums[0];
  counts.expected_words = sums[1];
  std::copy_n(sums.begin() + 2, kOrder, counts.shared.begin());
  std::copy_n(sums.begin() + 2 + kOrder, kOrder, counts.given.begin());
  return bleu(counts);
}

}  // namespace sizeup
