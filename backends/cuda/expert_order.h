// In which order a row's experts are chosen; kernels and host tests share it.
#pragma once

#include "backends/cuda/host_device.h"

namespace sizeup::cuda {

struct Ranked {
  float value = 0.0F;
  int index = -1;  // less than 0: none
};

// Whether `a` is chosen before `b`: the greater value, ties to the lowest index; a NaN is passed over if it
// can be (routing.h).
SIZEUP_HOST_DEVICE inline bool chosen_before(const Ranked& a, const Ranked& b) {
  if (a.index < 0 || b.index < 0) return b.index < 0 && a.index >= 0;
  const bool a_none = a.value != a.value;
  const bool b_none = b.value != b.value;
  if (a_none != b_none) return b_none;
  if (!a_none && a.value != b.value) return a.value > b.value;
  return a.index < b.index;
}

// The one of values[first], values[first + step], ... that is chosen first of those that come after `last`; a
// group of `group_size` neighbours whose flag is set is closed.
SIZEUP_HOST_DEVICE inline Ranked chosen_after(const Ranked& last, const float* values, int count, int first,
                                              int step, const bool* closed, int group_size) {
  Ranked best;
  for (int i = first; i < count; i += step) {
    if (closed != nullptr && closed[i / group_size]) continue;
    const Ranked one{values[i], i};
    if (last.index >= 0 && !chosen_before(last, one)) continue;
    if (chosen_before(one, best)) best = one;
  }
  return best;
}

}  // namespace sizeup::cuda
