#include "backends/cuda/fours.cuh"
#include "backends/cuda/packed_families.h"
#include "backends/cuda/packed_tile.cuh"

namespace sizeup::cuda {

bool has_packed_product(TensorType type) {
  switch (type) {
    case TensorType::f32:
    case TensorType::f16:
    case TensorType::q8_k:
      return false;
    default:
      return true;
  }
}

int packed_tile_rows(int slots, int groups) {
  return slots <= kFewRows * groups ? kFewRows : kManyRows;
}

void multiply_packed(const GroupedWeights& weights, const OperandRows& in, const RowGroups& groups,
                     const ValueRows& out, cudaStream_t stream) {
  require(
      in.precision == Precision::bfloat16 && in.stride * 2 % 16 == 0 && weights.inputs % kPackedInputs == 0,
      "rows are pieces of bfloat16");
  if (groups.slots == 0 || weights.outputs == 0) return;
  const Rows<const __nv_bfloat16> rows{static_cast<const __nv_bfloat16*>(in.data), in.stride, in.rows,
                                       in.columns};
  switch (weights.type) {
    case TensorType::bf16:
      return launch_packed<PlainBF16>(weights, rows, groups, out, stream);
    case TensorType::q4_0:
    case TensorType::q4_1:
    case TensorType::q5_0:
    case TensorType::q5_1:
    case TensorType::q8_0:
      return multiply_packed_32(weights, rows, groups, out, stream);
    case TensorType::iq4_nl:
    case TensorType::iq4_xs:
    case TensorType::mxfp4:
      return multiply_packed_tables(weights, rows, groups, out, stream);
    default:
      return multiply_packed_256(weights, rows, groups, out, stream);
  }
}

}  // namespace sizeup::cuda
