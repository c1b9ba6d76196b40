#include "backends/cuda/tile_attention.cuh"
#include "core/errors/result.h"

namespace sizeup::cuda {

void attend_medium_tiles(const AttentionWork& work, cudaStream_t stream) {
  switch (work.memory.shape.pitch) {
    case 80:
      return tiles::attend_head<80>(work, stream);
    case 96:
      return tiles::attend_head<96>(work, stream);
    case 112:
      return tiles::attend_head<112>(work, stream);
    case 128:
      return tiles::attend_head<128>(work, stream);
    default:
      throw InternalError("a page's pitch has no kernel");
  }
}

}  // namespace sizeup::cuda
