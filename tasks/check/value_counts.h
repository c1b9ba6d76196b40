// How often each value came: the middle and the largest of millions of lengths, without keeping each.
#pragma once

#include <cstdint>
#include <map>

#include "core/errors/result.h"

namespace sizeup {

class ValueCounts {
 public:
  void add(int64_t value) {
    ++counts_[value];
    ++count_;
  }

  int64_t count() const { return count_; }
  // Of at least one value; of an even number of them the upper of the two in the middle.
  int64_t median() const {
    int64_t seen = 0;
    for (const auto& [value, count] : counts_) {
      seen += count;
      if (seen > count_ / 2) return value;
    }
    throw InternalError("there is no median of nothing");
  }
  int64_t most() const { return counts_.rbegin()->first; }
  // How many values are above this one.
  int64_t above(int64_t limit) const {
    int64_t out = 0;
    for (auto it = counts_.upper_bound(limit); it != counts_.end(); ++it) out += it->second;
    return out;
  }

 private:
  std::map<int64_t, int64_t> counts_;
  int64_t count_ = 0;
};

}  // namespace sizeup
