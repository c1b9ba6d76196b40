#include "tasks/metrics/rouge.h"

#include <algorithm>

#include "core/jinja/text.h"
#include "tasks/metrics/ngrams.h"
#include "tasks/text/split.h"

namespace sizeup {
namespace {

constexpr size_t kMostWords = 10'000;  // of a text: a hundred million comparisons, about half a second

using Tokens = std::vector<uint32_t>;

std::vector<std::string_view> views(const std::vector<std::string>& words) {
  return {words.begin(), words.end()};
}

// Marks the positions of `expected` that one longest common subsequence with `given` takes: of several the
// one that rouge_score reads out of its table.
void mark_common(const Tokens& expected, const Tokens& given, std::vector<bool>& marks) {
  const size_t columns = given.size() + 1;
  // Whether the subsequence without the last given token is longer than the one without the last expected.
  std::vector<bool> left_is_longer((expected.size() + 1) * columns, false);
  std::vector<int> above(columns, 0);
  std::vector<int> row(columns, 0);
  for (size_t i = 1; i <= expected.size(); ++i) {
    for (size_t j = 1; j <= given.size(); ++j) {
      left_is_longer[i * columns + j] = row[j - 1] > above[j];
      row[j] = expected[i - 1] == given[j - 1] ? above[j - 1] + 1 : std::max(above[j], row[j - 1]);
    }
    std::swap(above, row);
  }
  size_t i = expected.size();
  size_t j = given.size();
  while (i > 0 && j > 0) {
    if (expected[i - 1] == given[j - 1]) {
      marks[--i] = true;
      --j;
    } else if (left_is_longer[i * columns + j]) {
      --j;
    } else {
      --i;
    }
  }
}

// The words of each line that is not empty, as numbers; of all lines together at most kMostWords.
std::vector<Tokens> lines_of(std::string_view text, WordNumbers& vocabulary,
                             std::vector<std::string>& storage) {
  std::vector<size_t> sizes;
  for (const std::string_view line : split_at(text, "\n")) {
    const std::vector<std::string> words = rouge_words(line);
    if (!line.empty()) sizes.push_back(words.size());
    storage.insert(storage.end(), words.begin(), words.end());
    if (storage.size() >= kMostWords) break;
  }
  const Tokens all = vocabulary.numbers(views(storage));
  std::vector<Tokens> lines;
  size_t at = 0;
  for (const size_t size : sizes) {
    const size_t end = std::min(at + size, kMostWords);
    lines.emplace_back(all.begin() + static_cast<ptrdiff_t>(at), all.begin() + static_cast<ptrdiff_t>(end));
    at = end;
  }
  return lines;
}

size_t total_size(const std::vector<Tokens>& lines) {
  size_t total = 0;
  for (const Tokens& line : lines) total += line.size();
  return total;
}

}  // namespace

std::vector<std::string> rouge_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : jinja::to_lower(text)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

double rouge_n(std::string_view expected, std::string_view answer, size_t n) {
  const std::vector<std::string> wanted = rouge_words(expected);
  const std::vector<std::string> given = rouge_words(answer);
  WordNumbers vocabulary;
  NgramIndex index(n);
  const NgramIndex::Counts wanted_counts = index.add(vocabulary.numbers(views(wanted)));
  const NgramIndex::Counts given_counts = index.known(vocabulary.numbers(views(given)));
  return f_measure(shared_ngrams(given_counts[n - 1], wanted_counts[n - 1]),
                   static_cast<size_t>(ngram_count(wanted.size(), n)),
                   static_cast<size_t>(ngram_count(given.size(), n)));
}

double rouge_l(std::string_view expected, std::string_view answer) {
  WordNumbers vocabulary;
  std::vector<std::string> wanted_words = rouge_words(expected);
  std::vector<std::string> given_words = rouge_words(answer);
  Tokens wanted = vocabulary.numbers(views(wanted_words));
  Tokens given = vocabulary.numbers(views(given_words));
  wanted.resize(std::min(wanted.size(), kMostWords));
  given.resize(std::min(given.size(), kMostWords));
  std::vector<bool> marks(wanted.size(), false);
  mark_common(wanted, given, marks);
  const auto common = std::count(marks.begin(), marks.end(), true);
  return f_measure(common, wanted_words.size(), given_words.size());
}

double rouge_l_sum(std::string_view expected, std::string_view answer) {
  WordNumbers vocabulary;
  std::vector<std::string> wanted_words;
  std::vector<std::string> given_words;
  const std::vector<Tokens> wanted = lines_of(expected, vocabulary, wanted_words);
  const std::vector<Tokens> given = lines_of(answer, vocabulary, given_words);
  std::unordered_map<uint32_t, int64_t> left_wanted;
  std::unordered_map<uint32_t, int64_t> left_given;
  for (const Tokens& line : wanted) {
    for (const uint32_t token : line) ++left_wanted[token];
  }
  for (const Tokens& line : given) {
    for (const uint32_t token : line) ++left_given[token];
  }
  // A word is a hit only as often as both texts have it.
  int64_t hits = 0;
  for (const Tokens& line : wanted) {
    std::vector<bool> marks(line.size(), false);
    for (const Tokens& other : given) mark_common(line, other, marks);
    for (size_t i = 0; i < line.size(); ++i) {
      if (!marks[i] || left_given[line[i]] <= 0 || left_wanted[line[i]] <= 0) continue;
      ++hits;
      --left_given[line[i]];
      --left_wanted[line[i]];
    }
  }
  return f_measure(hits, total_size(wanted), total_size(given));
}

void score_rouge1(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  out.score("rouge1",
            best_of(input, [&](const auto& accepted) { return rouge_n(accepted, input.answer, 1); }));
}

void score_rouge2(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  out.score("rouge2",
            best_of(input, [&](const auto& accepted) { return rouge_n(accepted, input.answer, 2); }));
}

void score_rouge_l(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  out.score("rougeL", best_of(input, [&](const auto& accepted) { return rouge_l(accepted, input.answer); }));
}

void score_rouge_l_sum(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  out.score("rougeLsum",
            best_of(input, [&](const auto& accepted) { return rouge_l_sum(accepted, input.answer); }));
}

}  // namespace sizeup
