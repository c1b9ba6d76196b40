#include "backends/engine/tokenizer/word_cache.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace sizeup {
namespace {

size_t place_of(std::string_view word, size_t places) {
  return std::hash<std::string_view>()(word) % places;
}

}  // namespace

const WordCache::Entry* WordCache::find(std::string_view word) const {
  if (word.empty() || word.size() > Entry::kMaxBytes) return nullptr;
  const Entry& entry = entries_[place_of(word, kEntries)];
  return std::string_view(entry.word.data(), entry.bytes) == word ? &entry : nullptr;
}

void WordCache::remember(std::string_view word, std::span<const Token> tokens) {
  if (word.empty() || word.size() > Entry::kMaxBytes || tokens.size() > Entry::kMaxTokens) return;
  Entry& entry = entries_[place_of(word, kEntries)];
  std::copy(word.begin(), word.end(), entry.word.begin());
  std::copy(tokens.begin(), tokens.end(), entry.tokens.begin());
  entry.bytes = static_cast<uint8_t>(word.size());
  entry.count = static_cast<uint8_t>(tokens.size());
}

WordCachePool::Loan WordCachePool::borrow() {
  std::unique_ptr<WordCache> cache;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      cache = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  return {*this, cache ? std::move(cache) : std::make_unique<WordCache>()};
}

void WordCachePool::give_back(std::unique_ptr<WordCache> cache) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(cache));
}

}  // namespace sizeup
