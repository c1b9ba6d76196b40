// What of a row's logits is kept while the vocabulary passes by in blocks. Never all logits: a block of rows
// and columns at a time is folded into these.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/engine/step.h"

namespace sizeup::cuda {

// Columns of a block. It fixes bits: sums of exponentials are made per block and folded from the first block
// to the last. 8,192 floats of 1,024 rows are 33.5 MB, which stay in the second-level cache of large GPUs.
inline constexpr int kHeadColumns = 8192;
inline constexpr int kHeadRows = 1024;

// Of one wanted row, over the columns so far.
struct HeadState {
  float greatest = 0.0F;
  float sum = 0.0F;  // of e^(logit - greatest)
  int32_t best = 0;
};

// A candidate for the most probable tokens: greater keys come first. The logit's order, then the lower token.
using TopKey = uint64_t;

// Wanted rows [0, rows) of this call, with everything on the device.
struct HeadWork {
  const float* logits = nullptr;  // of the block: [row][column]
  int64_t stride = 0;
  int rows = 0;
  int first_column = 0;
  int columns = 0;   // of the block
  float cap = 0.0F;  // as DecoderSpec::logit_cap
  const WantedRow* wanted = nullptr;
  const int32_t* targets = nullptr;
  HeadState* states = nullptr;
  float* target_logits = nullptr;         // by the target's index in the step
  TopKey* top = nullptr;                  // [row][kMostTop]; nullptr: no row wants any
  const int64_t* distribution = nullptr;  // where a row's logits go, -1: nowhere; nullptr: no row wants them
  float* logits_kept = nullptr;
};
void fold_block(const HeadWork& work, cudaStream_t stream);

// What became of the wanted rows. Log-probabilities replace logits in target_logits and logits_kept.
struct HeadResults {
  int rows = 0;
  int vocabulary = 0;
  const WantedRow* wanted = nullptr;
  const HeadState* states = nullptr;
  int32_t* best = nullptr;
  float* best_logprobs = nullptr;
  float* target_logits = nullptr;
  const TopKey* top = nullptr;
  TopToken* top_tokens = nullptr;  // [row][kMostTop]
  const int64_t* distribution = nullptr;
  float* logits_kept = nullptr;
};
void finish_head(const HeadResults& work, cudaStream_t stream);

}  // namespace sizeup::cuda
