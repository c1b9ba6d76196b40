#include "backends/cuda/tile_attention.cuh"
#include "core/errors/result.h"

namespace sizeup::cuda {

void attend_short_tiles(const AttentionWork& work, cudaStream_t stream) {
  switch (work.memory.shape.pitch) {
    case 16:
      return tiles::attend_head<16>(work, stream);
    case 32:
      return tiles::attend_head<32>(work, stream);
    case 64:
      return tiles::attend_head<64>(work, stream);
    default:
      throw InternalError("a page's pitch has no kernel");
  }
}

}  // namespace sizeup::cuda
