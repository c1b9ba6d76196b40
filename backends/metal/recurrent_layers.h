// Layers with states: the gated delta rule.
#pragma once

#include <memory>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/device.h"
#include "backends/metal/kernels/parameters.h"
#include "backends/metal/step_upload.h"

namespace sizeup::metal {

class RecurrentLayers {
 public:
  RecurrentLayers(const DecoderSpec& spec, Queue& queue);

  size_t state_bytes() const { return static_cast<size_t>(state_floats_) * sizeof(float); }
  DeltaId add(const DeltaSpec& spec, const DeltaTensors& tensors);

  // Makes room for states and `rows`, copies states and says what to upload; no command is under way.
  void begin(const Step& step, StepUpload& upload);
  void run(int layer, DeltaId delta, Binding rows, int count, Binding out, const StepUpload& upload);

 private:
  struct Delta {
    DeltaSpec spec;
    std::unique_ptr<Buffer> taps, rates, biases, norm;
  };

  Queue& queue_;
  int state_floats_ = 0;           // of all layers
  std::vector<int> layer_floats_;  // before each layer's part
  int most_channels_ = 0;
  std::vector<Delta> deltas_;
  std::unique_ptr<Buffer> states_, mixed_;
  int states_held_ = 0;
  int chains_ = 0;
  StepUpload::Place runs_, chain_begin_, forks_;
};

}  // namespace sizeup::metal
