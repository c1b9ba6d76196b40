// Which key/value pages are in use, and by how many; and which states of recurrent layers.
#pragma once

#include <cstdint>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

// Page numbers with reference counts. The limit may grow; pages are numbered from 0 as they are first needed.
// A state belongs to one and counts as `state_pages` pages.
class PagePool {
 public:
  PagePool(int limit, int state_pages) : limit_(limit), state_pages_(state_pages) {}

  void raise_limit(int limit) { limit_ = limit > limit_ ? limit : limit_; }
  int available() const { return limit_ - in_use_; }
  int in_use() const { return in_use_; }
  // All page numbers given so far are smaller.
  int32_t page_count() const { return static_cast<int32_t>(users_.size()); }
  int32_t state_count() const { return state_count_; }

  int32_t allocate() {
    require(available() > 0, "pages are allocated only after asking for room");
    ++in_use_;
    int32_t page = page_count();
    if (free_.empty()) {
      users_.push_back(0);
    } else {
      page = free_.back();
      free_.pop_back();
    }
    users_[static_cast<size_t>(page)] = 1;
    return page;
  }

  void retain(int32_t page) { ++users_[static_cast<size_t>(page)]; }

  void release(int32_t page) {
    require(users_[static_cast<size_t>(page)] > 0, "a page in use is released");
    if (--users_[static_cast<size_t>(page)] > 0) return;
    --in_use_;
    free_.push_back(page);
  }

  int32_t allocate_state() {
    require(available() >= state_pages_, "states are allocated only after asking for room");
    in_use_ += state_pages_;
    if (free_states_.empty()) return state_count_++;
    const int32_t state = free_states_.back();
    free_states_.pop_back();
    return state;
  }

  void release_state(int32_t state) {
    in_use_ -= state_pages_;
    free_states_.push_back(state);
  }

 private:
  int limit_;
  int state_pages_;
  int in_use_ = 0;
  std::vector<int> users_;
  std::vector<int32_t> free_;  // the last released is given first: its memory is the warmest
  int32_t state_count_ = 0;
  std::vector<int32_t> free_states_;
};

}  // namespace sizeup
