// When a group of writes is committed: pure, so that it is tested without waiting.
#pragma once

#include <chrono>
#include <cstddef>

namespace sizeup {

// A commit costs a sync of the disk, so writes are grouped; a kill loses at most one group.
struct GroupLimits {
  size_t writes = 256;
  std::chrono::milliseconds delay{100};
};

class GroupCommit {
 public:
  using Clock = std::chrono::steady_clock;

  explicit GroupCommit(GroupLimits limits) : limits_(limits) {}

  void add(Clock::time_point now);  // one more write waits
  void taken();                     // the waiting ones were taken for a commit
  size_t waiting() const { return waiting_; }

  bool due(Clock::time_point now) const;
  Clock::time_point deadline() const;  // when the oldest waiting write is due; needs waiting() > 0

 private:
  GroupLimits limits_;
  size_t waiting_ = 0;
  Clock::time_point oldest_;
};

}  // namespace sizeup
