#include "backends/cuda/packed_families.h"
#include "backends/cuda/packed_tile.cuh"

namespace sizeup::cuda {

void multiply_packed_tables(const GroupedWeights& weights, const PackedRows& in, const RowGroups& groups,
                            const ValueRows& out, cudaStream_t stream) {
  switch (weights.type) {
    case TensorType::iq4_nl:
      return launch_packed<blocks::IQ4NL>(weights, in, groups, out, stream);
    case TensorType::iq4_xs:
      return launch_packed<blocks::IQ4XS>(weights, in, groups, out, stream);
    case TensorType::mxfp4:
      return launch_packed<blocks::MXFP4>(weights, in, groups, out, stream);
    default:
      throw InternalError("the format is of this family");
  }
}

}  // namespace sizeup::cuda
