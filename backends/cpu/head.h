// The head's bookkeeping: which logits of a product are targets, and how the chunks' partial softmaxes
// combine.
#pragma once

#include <vector>

#include "backends/cpu/product.h"
#include "backends/engine/step.h"

namespace sizeup::cpu {

// Outputs of a chunk: what one thread folds on its own. It fixes bits (chunks are combined in order) and is
// the unit of parallel work: a vocabulary of 49,152 gives 48.
inline constexpr int kChunkOutputs = 1024;

// The wanted rows of a step and what becomes of their logits. Rows are the wanted rows, in order.
class Head {
 public:
  // cap: DecoderSpec::logit_cap.
  Head(const Step& step, int vocabulary, float cap, StepResult& result);

  int chunks() const { return (vocabulary_ + kChunkOutputs - 1) / kChunkOutputs; }
  HeadWork chunk(int index);
  // After all chunks.
  void finish(StepResult& result) const;

 private:
  void prepare_top();
  void finish_top(size_t row, float greatest, float log_sum, TopToken* out) const;

  const Step& step_;
  int vocabulary_;
  float cap_;
  size_t padded_rows_;
  std::vector<float> greatest_;  // [chunk][padded row]
  std::vector<int32_t> best_;
  std::vector<float> sum_;
  std::vector<int32_t> target_begin_;
  std::vector<HeadTarget> targets_;
  std::vector<int32_t> top_begin_;  // of each wanted row in a chunk's top lists; empty: nobody wants any
  std::vector<float> top_logits_;   // [chunk][all rows' lists]
  std::vector<int32_t> top_outputs_;
  std::vector<TopLogits> top_;    // [chunk][padded row]
  std::vector<float> top_least_;  // [chunk][padded row]
  std::vector<int64_t> logits_place_;
  float* logits_ = nullptr;
  float* target_logits_ = nullptr;
};

}  // namespace sizeup::cpu
