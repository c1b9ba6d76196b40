// The head: what a step asks of its wanted rows' next-token distributions, without ever having all logits.
#pragma once

#include <cstdint>

#include "backends/cuda/activations.h"
#include "backends/cuda/device_memory.h"
#include "backends/cuda/head_fold.h"
#include "backends/cuda/products.h"
#include "backends/engine/step.h"

namespace sizeup::cuda {

// Where the step's own parts lie on the device.
struct HeadStep {
  const Step* step = nullptr;
  const WantedRow* wanted = nullptr;
  const int32_t* targets = nullptr;
};

class Head {
 public:
  // Fills the result and waits for it.
  void run(const HeadStep& step, const Activations& rows, const Matrix& matrix, float cap, Products& products,
           StepResult& result, cudaStream_t stream);

 private:
  // Rows [first, first + rows) of the wanted ones.
  struct RowBlock {
    int first = 0;
    int rows = 0;
    bool any_top = false;
    std::vector<int64_t> distribution;  // of each row: where its logits begin; empty: no row wants them
    int64_t kept = 0;                   // logits of all of them
  };

  static RowBlock row_block(const Step& step, int vocabulary, int first);
  void run_block(const RowBlock& block, const HeadStep& step, const Activations& rows, const Matrix& matrix,
                 float cap, Products& products, cudaStream_t stream);
  void copy_block(const RowBlock& block, const Step& step, size_t& top, size_t& distribution,
                  StepResult& result, cudaStream_t stream) const;

  DeviceMemory logits_;
  DeviceMemory states_;
  DeviceMemory best_;
  DeviceMemory best_logprobs_;
  DeviceMemory target_logits_;
  DeviceMemory top_;
  DeviceMemory top_tokens_;
  DeviceMemory places_;
  DeviceMemory kept_;
};

}  // namespace sizeup::cuda
