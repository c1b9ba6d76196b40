#include "tasks/metrics/chrf.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/jinja/text.h"
#include "core/text/utf8.h"
#include "tasks/metrics/ngrams.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

constexpr size_t kCharacterOrder = 6;
constexpr size_t kWordOrder = 2;
constexpr double kBetaSquared = 4.0;  // recall counts twice as much as precision

// The code points but for white space.
std::vector<uint32_t> characters(std::string_view text) {
  std::vector<uint32_t> out;
  for (size_t at = 0; at < text.size();) {
    const CodePoint next = jinja::decode_at(text, at);
    if (!jinja::is_space(next.value)) out.push_back(next.value);
    at += next.bytes;
  }
  return out;
}

// Words with the sign at their end, or else at their beginning, apart.
std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  for (const std::string_view word : jinja::split_words(text, -1)) {
    if (count_code_points(word) == 1) {
      out.push_back(word);
    } else if (is_ascii_punctuation(word.back())) {
      out.push_back(word.substr(0, word.size() - 1));
      out.push_back(word.substr(word.size() - 1));
    } else if (is_ascii_punctuation(word.front())) {
      out.push_back(word.substr(0, 1));
      out.push_back(word.substr(1));
    } else {
      out.push_back(word);
    }
  }
  return out;
}

// Orders one after the other, each {answer's, expected, shared}.
template <class Number>
double chrf(std::span<const Number> counts) {
  double precision = 0.0;
  double recall = 0.0;
  double orders = 0.0;
  for (size_t i = 0; i + 2 < counts.size(); i += 3) {
    const auto given = static_cast<double>(counts[i]);
    const auto expected = static_cast<double>(counts[i + 1]);
    const auto shared = static_cast<double>(counts[i + 2]);
    if (given == 0.0 || expected == 0.0) continue;
    precision += shared / given;
    recall += shared / expected;
    orders += 1.0;
  }
  if (precision + recall == 0.0) return 0.0;
  precision /= orders;
  recall /= orders;
  return 100.0 * ((1.0 + kBetaSquared) * precision * recall / (kBetaSquared * precision + recall));
}

// An order that the expected text is too short for does not count against the answer.
void add_orders(std::vector<int64_t>& counts, size_t order, std::span<const uint32_t> expected,
                std::span<const uint32_t> given) {
  NgramIndex index(order);
  const NgramIndex::Counts wanted = index.add(expected);
  const NgramIndex::Counts known = index.known(given);
  for (size_t n = 1; n <= order; ++n) {
    const int64_t of_expected = ngram_count(expected.size(), n);
    const std::array numbers = {of_expected == 0 ? 0 : ngram_count(given.size(), n), of_expected,
                                shared_ngrams(known[n - 1], wanted[n - 1])};
    counts.insert(counts.end(), numbers.begin(), numbers.end());
  }
}

std::vector<int64_t> best_counts(const ScoreInput& input, size_t word_order) {
  const std::vector<uint32_t> given = characters(input.answer);
  const std::vector<std::string_view> given_words = words(input.answer);
  std::vector<int64_t> best;
  double best_score = -1.0;
  for (const std::string& accepted : input.sample.accepted) {
    std::vector<int64_t> counts;
    add_orders(counts, kCharacterOrder, characters(accepted), given);
    if (word_order > 0) {
      WordNumbers vocabulary;
      const std::vector<uint32_t> expected = vocabulary.numbers(words(accepted));
      add_orders(counts, word_order, expected, vocabulary.numbers(given_words));
    }
    const double score = chrf<int64_t>(counts);
    if (score > best_score) {
      best_score = score;
      best = std::move(counts);
    }
  }
  return best;
}

double of_set(const ScoredSet& set, const std::string& detail, size_t orders) {
  if (set.size() == 0) return std::numeric_limits<double>::quiet_NaN();
  return chrf<double>(set.sums(detail, 3 * orders));
}

}  // namespace

void score_chrf(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  out.numbers("chrf", best_counts(input, 0));
}

void score_chrf_words(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  out.numbers("chrf++", best_counts(input, kWordOrder));
}

double aggregate_chrf(const ScoredSet& set) {
  return of_set(set, "chrf", kCharacterOrder);
}

double aggregate_chrf_words(const ScoredSet& set) {
  return of_set(set, "chrf++", kCharacterOrder + kWordOrder);
}

}  // namespace sizeup
