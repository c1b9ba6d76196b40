#include "backends/cuda/packed_families.h"
#include "backends/cuda/packed_tile.cuh"

namespace sizeup::cuda {

void multiply_packed_256(const GroupedWeights& weights, const PackedRows& in, const RowGroups& groups,
                         const ValueRows& out, cudaStream_t stream) {
  switch (weights.type) {
    case TensorType::q2_k:
      return launch_packed<blocks::Q2K>(weights, in, groups, out, stream);
    case TensorType::q3_k:
      return launch_packed<blocks::Q3K>(weights, in, groups, out, stream);
    case TensorType::q4_k:
      return launch_packed<blocks::Q4K>(weights, in, groups, out, stream);
    case TensorType::q5_k:
      return launch_packed<blocks::Q5K>(weights, in, groups, out, stream);
    case TensorType::q6_k:
      return launch_packed<blocks::Q6K>(weights, in, groups, out, stream);
    default:
      throw InternalError("the format is of this family");
  }
}

}  // namespace sizeup::cuda
