// Remembers the tokens of short words: running text repeats few of them over and over.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "backends/engine/tokenizer/tokenizer.h"

namespace sizeup {

// One place for each hash value, overwritten by the next word that needs it: nothing to search, nothing
// grows.
class WordCache {
 public:
  WordCache() : entries_(kEntries) {}

  // Null if the word is not remembered.
  struct Entry;
  const Entry* find(std::string_view word) const;
  void remember(std::string_view word, std::span<const Token> tokens);

  // A word and its tokens fill one cache line.
  struct alignas(64) Entry {
    static constexpr size_t kMaxBytes = 30;
    static constexpr size_t kMaxTokens = 8;
    std::array<Token, kMaxTokens> tokens;
    std::array<char, kMaxBytes> word;
    uint8_t bytes = 0;  // 0: nothing here
    uint8_t count = 0;
  };

 private:
  static constexpr size_t kEntries = 1 << 14;  // 1 MiB; the frequent words of a language are some thousands

  std::vector<Entry> entries_;
};

// A cache for each call that runs at the same time: no call waits for another's.
class WordCachePool {
 public:
  class Loan {
   public:
    Loan(WordCachePool& pool, std::unique_ptr<WordCache> cache) : pool_(pool), cache_(std::move(cache)) {}
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() { pool_.give_back(std::move(cache_)); }
    WordCache& operator*() const { return *cache_; }

   private:
    WordCachePool& pool_;
    std::unique_ptr<WordCache> cache_;
  };

  Loan borrow();

 private:
  void give_back(std::unique_ptr<WordCache> cache);

  std::mutex mutex_;
  std::vector<std::unique_ptr<WordCache>> idle_;
};

}  // namespace sizeup
