// Whether a thread that waits for another may look again and again for a moment before it sleeps.
#pragma once

#include <chrono>

#include "core/threads/function_ref.h"

namespace sizeup {

// Spinning saves the time of falling asleep and being woken, if the processor has nothing better to do. Where
// others want the same processor it steals their time, and is in vain besides: the thread that is waited for
// may be the very one that can't run meanwhile.
//
// The sign of that is delay: time in which this thread was ready to run and had no processor. The rule looks
// at how it grew every kLookInterval; if it was more than a part of the time, the thread doesn't spin until
// the next look, which is further away then. So a disturbance is forgotten within a moment, and on a
// processor that stays shared hardly any time is spent spinning. (The count of involuntary switches misleads:
// some quiet machines have hundreds a second, for microseconds each, and one busy neighbour makes fewer, for
// milliseconds each.)
class SpinRule {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::milliseconds kLookInterval{20};     // some time slices of a few milliseconds
  static constexpr std::chrono::milliseconds kSharedInterval{100};  // some looks, and short against a run
  static constexpr int kSharedPart = 8;  // one busy neighbour takes half of the time, a quiet machine 1 %

  // `delay` returns that of the calling thread since it started. It may make system calls: it is asked at
  // looks only.
  bool may_spin(Clock::time_point now, FunctionRef<std::chrono::nanoseconds()> delay);

 private:
  Clock::time_point last_look_{};
  Clock::time_point next_look_{};
  std::chrono::nanoseconds seen_{0};
  bool shared_ = false;
};

}  // namespace sizeup
