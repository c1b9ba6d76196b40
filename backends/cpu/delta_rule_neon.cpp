// Each include builds on the ones before.
// clang-format off
#include "backends/cpu/families.h"
#include "backends/cpu/vector_neon.h"
#include "backends/cpu/exponential.inl"
#include "backends/cpu/activation.inl"
#include "backends/cpu/operand.inl"
#include "backends/cpu/mean.inl"
#include "backends/cpu/delta_rule.inl"
// clang-format on

namespace sizeup::cpu {

const DeltaKernels kDeltaNeon{.convolve = convolve,
                              .normalise = normalise,
                              .go_on = go_on,
                              .finish = finish,
                              .convolve_add = convolve_add};

}  // namespace sizeup::cpu
