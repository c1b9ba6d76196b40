// A decoder's layers with states on the GPU: the states, and a step's plan over them.
#pragma once

#include <optional>
#include <vector>

#include "backends/cuda/activations.h"
#include "backends/cuda/delta_rule.h"
#include "backends/cuda/growing_memory.h"
#include "backends/cuda/step_upload.h"
#include "backends/engine/decoder_spec.h"

namespace sizeup::cuda {

class RecurrentLayers {
 public:
  // States take `most_bytes` at most.
  RecurrentLayers(const DecoderSpec& spec, int64_t most_bytes);

  size_t state_bytes() const { return state_bytes_; }
  // Of weights.
  size_t weight_bytes() const;

  DeltaId add(const DeltaSpec& spec, const DeltaTensors& tensors);

  // As in AttentionLayers.
  void plan(const Step& step, StepUpload& upload);
  void begin(const Step& step, const StepUpload& upload, cudaStream_t stream);

  void run(int layer, DeltaId delta, const ValueRows& rows, const OperandRows& out, cudaStream_t stream);

 private:
  struct Delta {
    DeltaView view;
    std::vector<DeviceMemory> values;
  };
  // Layers whose convolutions are as long have one plan.
  struct Plan {
    int taps = 0;
    std::optional<DeltaPlan> plan;
    Uploaded<int32_t> words;
    DeltaPlanView view;
  };

  DecoderSpec spec_;
  size_t state_bytes_ = 0;           // of all layers
  std::vector<size_t> state_begin_;  // of each layer's part
  std::vector<Plan> plans_;
  std::optional<GrowingMemory> states_;
  std::vector<Delta> deltas_;
  DeviceMemory scratch_;
};

}  // namespace sizeup::cuda
