#include "harness/store/group_commit.h"

namespace sizeup {

void GroupCommit::add(Clock::time_point now) {
  if (waiting_++ == 0) oldest_ = now;
}

void GroupCommit::taken() {
  waiting_ = 0;
}

bool GroupCommit::due(Clock::time_point now) const {
  return waiting_ >= limits_.writes || (waiting_ > 0 && now >= deadline());
}

GroupCommit::Clock::time_point GroupCommit::deadline() const {
  return oldest_ + limits_.delay;
}

}  // namespace sizeup
