#include "tasks/metrics/ngrams.h"

#include <algorithm>

namespace sizeup {

std::vector<uint32_t> WordNumbers::numbers(std::span<const std::string_view> words) {
  std::vector<uint32_t> out;
  out.reserve(words.size());
  for (const std::string_view word : words) {
    out.push_back(known_.try_emplace(word, static_cast<uint32_t>(known_.size())).first->second);
  }
  return out;
}

NgramIndex::Counts NgramIndex::count(std::span<const uint32_t> tokens, bool add) {
  constexpr uint32_t kUnknown = UINT32_MAX;
  Counts counts(numbers_.size());
  std::vector<uint32_t> prefix(tokens.size(), 0);  // the number of the n-1 tokens from here
  for (size_t n = 1; n <= numbers_.size() && n <= tokens.size(); ++n) {
    auto& numbers = numbers_[n - 1];
    for (size_t i = 0; i + n <= tokens.size(); ++i) {
      if (prefix[i] == kUnknown) continue;
      const uint64_t key = uint64_t{prefix[i]} << 32 | tokens[i + n - 1];
      if (add) {
        prefix[i] = numbers.try_emplace(key, static_cast<uint32_t>(numbers.size())).first->second;
      } else {
        const auto found = numbers.find(key);
        prefix[i] = found == numbers.end() ? kUnknown : found->second;
      }
      if (prefix[i] != kUnknown) ++counts[n - 1][prefix[i]];
    }
  }
  return counts;
}

int64_t ngram_count(size_t tokens, size_t n) {
  return tokens < n ? 0 : static_cast<int64_t>(tokens - n + 1);
}

int64_t shared_ngrams(const std::unordered_map<uint32_t, int64_t>& a,
                      const std::unordered_map<uint32_t, int64_t>& b) {
  int64_t total = 0;
  for (const auto& [number, count] : a) {
    const auto other = b.find(number);
    if (other != b.end()) total += std::min(count, other->second);
  }
  return total;
}

// In this order of operations, so that the last bit agrees with SQuAD's script and rouge_score.
double f_measure(int64_t shared, size_t expected, size_t given) {
  if (shared == 0) return 0.0;
  const double precision = static_cast<double>(shared) / static_cast<double>(given);
  const double recall = static_cast<double>(shared) / static_cast<double>(expected);
  return 2.0 * precision * recall / (precision + recall);
}

}  // namespace sizeup
