#include "core/threads/spin_rule.h"

#include <utility>

namespace sizeup {

bool SpinRule::may_spin(Clock::time_point now, FunctionRef<std::chrono::nanoseconds()> delay) {
  if (now < next_look_) return !shared_;
  const std::chrono::nanoseconds current = delay();
  const std::chrono::nanoseconds grown = current - std::exchange(seen_, current);
  const bool first = last_look_ == Clock::time_point();
  const Clock::duration elapsed = now - std::exchange(last_look_, now);
  shared_ = !first && grown > elapsed / kSharedPart;
  next_look_ = now + (shared_ ? kSharedInterval : kLookInterval);
  return !shared_;
}

}  // namespace sizeup
