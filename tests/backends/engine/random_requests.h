// Random sets of token requests that share prefixes in every way.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <random>
#include <vector>

#include "tests/backends/engine/token_runner.h"

namespace sizeup {

class Random {
 public:
  explicit Random(unsigned seed) : generator_(seed) {}
  int below(int n) { return static_cast<int>(generator_() % static_cast<uint32_t>(n)); }
  int one_of(std::initializer_list<int> values) {
    return values.begin()[below(static_cast<int>(values.size()))];
  }
  template <class T>
  void shuffle(std::vector<T>& values) {
    std::shuffle(values.begin(), values.end(), generator_);
  }

 private:
  std::mt19937 generator_;
};

// Every kind of sharing: prefixes of others, others prolonged, branches within a page and at its edges, the
// same again.
inline std::vector<TokenRequest> random_requests(Random& random, int count) {
  std::vector<TokenRequest> requests;
  std::vector<std::vector<Token>> earlier = {{0}};
  while (static_cast<int>(requests.size()) < count) {
    std::vector<Token> tokens = earlier[static_cast<size_t>(random.below(static_cast<int>(earlier.size())))];
    const int length = static_cast<int>(tokens.size());
    if (random.below(3) > 0) tokens.resize(static_cast<size_t>(1 + random.below(length)));
    for (int more = random.below(random.one_of({3, 20, 2 * kPagePositions})); more > 0; --more) {
      tokens.push_back(random.below(3));
    }
    earlier.push_back(tokens);
    if (random.below(3) == 0) {
      // Several answers to one prompt compete for its pages.
      const int max_new_tokens = 1 + random.below(random.one_of({2, 30, 2 * kPagePositions}));
      for (int repeat = random.one_of({1, 1, 2, 3}); repeat > 0; --repeat) {
        requests.push_back(generate_request(tokens, max_new_tokens));
      }
    } else {
      tokens.push_back(random.below(50));
      requests.push_back(
          score_request(tokens, random.below(4) == 0 ? 1 : static_cast<int>(tokens.size()) - 1));
    }
  }
  return requests;
}

// Pages of the request that needs most.
inline int most_pages(const std::vector<TokenRequest>& requests) {
  int pages = 0;
  for (const TokenRequest& request : requests) {
    pages = std::max(
        pages, pages_for(static_cast<int>(request.tokens.size()) + std::max(0, request.max_new_tokens - 1)));
  }
  return pages;
}

}  // namespace sizeup
