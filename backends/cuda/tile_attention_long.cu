#include "backends/cuda/tile_attention.cuh"
#include "core/errors/result.h"

namespace sizeup::cuda {

void attend_long_tiles(const AttentionWork& work, cudaStream_t stream) {
  switch (work.memory.shape.pitch) {
    case 192:
      return tiles::attend_long_head<192>(work, stream);
    case 256:
      return tiles::attend_long_head<256>(work, stream);
    default:
      throw InternalError("a page's pitch has no kernel");
  }
}

}  // namespace sizeup::cuda
