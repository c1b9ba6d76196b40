// Each include builds on the ones before.
// clang-format off
#include "backends/cpu/families.h"
#include "backends/cpu/packed_fields.h"
#include "backends/cpu/vector_neon.h"
#include "backends/cpu/exponential.inl"
#include "backends/cpu/activation.inl"
#include "backends/cpu/operand.inl"
#include "backends/cpu/finish.inl"
#include "backends/cpu/block_levels.inl"
#include "backends/cpu/unpack.inl"
#include "backends/cpu/float_product.inl"
// clang-format on

namespace sizeup::cpu {

const ProductFamily kFloatsNeon{.name = "neon float32",
                                .operand = OperandFormat::floats,
                                .layout = WeightLayout::columns,
                                .panel_outputs = kPanelOutputs,
                                .multiply = multiply_floats,
                                .scratch_bytes = floats_scratch_bytes};

}  // namespace sizeup::cpu
