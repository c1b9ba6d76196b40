#include "backends/cuda/packed_families.h"
#include "backends/cuda/packed_tile.cuh"

namespace sizeup::cuda {

void multiply_packed_32(const GroupedWeights& weights, const PackedRows& in, const RowGroups& groups,
                        const ValueRows& out, cudaStream_t stream) {
  switch (weights.type) {
    case TensorType::q4_0:
      return launch_packed<blocks::Q4_0>(weights, in, groups, out, stream);
    case TensorType::q4_1:
      return launch_packed<blocks::Q4_1>(weights, in, groups, out, stream);
    case TensorType::q5_0:
      return launch_packed<blocks::Q5_0>(weights, in, groups, out, stream);
    case TensorType::q5_1:
      return launch_packed<blocks::Q5_1>(weights, in, groups, out, stream);
    case TensorType::q8_0:
      return launch_packed<blocks::Q8_0>(weights, in, groups, out, stream);
    default:
      throw InternalError("the format is of this family");
  }
}

}  // namespace sizeup::cuda
