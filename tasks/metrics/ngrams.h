// N-grams of token sequences, counted once and compared exactly.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sizeup {

// Numbers for words: equal words have equal numbers.
class WordNumbers {
 public:
  // Refers to the words' bytes, which must stay.
  std::vector<uint32_t> numbers(std::span<const std::string_view> words);

 private:
  std::unordered_map<std::string_view, uint32_t> known_;
};

// All n-grams of expected texts, from one token to `order`. An n-gram has a number: that of its first n-1
// tokens with one token more. What a text has beyond those n-grams is not stored, so that a long answer costs
// a look-up a token, not memory.
class NgramIndex {
 public:
  // How often each n-gram occurs, by its number; one map for each n from 1.
  using Counts = std::vector<std::unordered_map<uint32_t, int64_t>>;

  explicit NgramIndex(size_t order) : numbers_(order) {}

  Counts add(std::span<const uint32_t> tokens) { return count(tokens, true); }
  // Only n-grams that some added text has.
  Counts known(std::span<const uint32_t> tokens) { return count(tokens, false); }

 private:
  Counts count(std::span<const uint32_t> tokens, bool add);

  // (number of the first n-1 tokens, next token) -> number.
  std::vector<std::unordered_map<uint64_t, uint32_t>> numbers_;
};

// N-grams of n tokens in a text of `tokens`.
int64_t ngram_count(size_t tokens, size_t n);

// The n-grams that two texts share, each as often as it occurs in both.
int64_t shared_ngrams(const std::unordered_map<uint32_t, int64_t>& a,
                      const std::unordered_map<uint32_t, int64_t>& b);

// The harmonic mean of shared / given and shared / expected; 0 where nothing is shared.
double f_measure(int64_t shared, size_t expected, size_t given);

}  // namespace sizeup
