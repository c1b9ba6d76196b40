// The sum of what two runs of backends took.
#pragma once

#include "backends/backend.h"

namespace sizeup {

inline void add(const RunCounts& more, RunCounts& total) {
  total.tokens_asked += more.tokens_asked;
  total.tokens_unique += more.tokens_unique;
  total.tokens_computed += more.tokens_computed;
  total.tokens_recomputed += more.tokens_recomputed;
  total.tokens_generated += more.tokens_generated;
  total.tokens_drafted += more.tokens_drafted;
  total.tokens_accepted += more.tokens_accepted;
  total.notes.insert(total.notes.end(), more.notes.begin(), more.notes.end());
}

}  // namespace sizeup
