// multiply_packed for the families of block formats, a file each so that they compile side by side.
#pragma once

#include <cuda_bf16.h>

#include "backends/cuda/packed_product.h"

namespace sizeup::cuda {

using PackedRows = Rows<const __nv_bfloat16>;

// Q4_0, Q4_1, Q5_0, Q5_1, Q8_0
void multiply_packed_32(const GroupedWeights& weights, const PackedRows& in, const RowGroups& groups,
                        const ValueRows& out, cudaStream_t stream);
// Q2_K, Q3_K, Q4_K, Q5_K, Q6_K
void multiply_packed_256(const GroupedWeights& weights, const PackedRows& in, const RowGroups& groups,
                         const ValueRows& out, cudaStream_t stream);
// IQ4_NL, IQ4_XS, MXFP4: levels from a table
void multiply_packed_tables(const GroupedWeights& weights, const PackedRows& in, const RowGroups& groups,
                            const ValueRows& out, cudaStream_t stream);

}  // namespace sizeup::cuda
