// Each include builds on the ones before.
// clang-format off
#include "backends/cpu/families.h"
#include "backends/cpu/vector_neon.h"
#include "backends/cpu/exponential.inl"
#include "backends/cpu/activation.inl"
#include "backends/cpu/operand.inl"
#include "backends/cpu/mean.inl"
#include "backends/cpu/row_kernels.inl"
// clang-format on

namespace sizeup::cpu {

const RowKernels kRowsNeon{.norm = norm,
                           .norm_add = norm_add,
                           .norm_parts = norm_parts,
                           .rotate = rotate,
                           .apply_gate = apply_gate,
                           .gather = gather,
                           .scale = scale,
                           .add = add,
                           .combine = combine,
                           .match_magnitude = match_magnitude,
                           .keep_above = keep_above,
                           .gate = gate,
                           .mix_parts = mix_parts,
                           .add_to_parts = add_to_parts,
                           .score_parts = score_parts,
                           .add_weighted = add_weighted};

}  // namespace sizeup::cpu
