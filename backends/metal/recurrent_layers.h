// Layers with states: the gated delta rule, and convolutions of extensions.
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
  ConvolutionId add(const ConvolutionSpec& spec, const Tensor& taps);

  // Makes room for states and `rows`, copies states and says what to upload; no command is under way.
  void begin(const Step& step, StepUpload& upload);
  void run(int layer, DeltaId delta, Binding rows, int count, Binding out, const StepUpload& upload);
  void convolve_add(int layer, ConvolutionId convolution, Binding in, Binding rows, const StepUpload& upload);

 private:
  struct Delta {
    DeltaSpec spec;
    std::unique_ptr<Buffer> taps, rates, biases, norm;
  };

  struct Convolution {
    ConvolutionSpec spec;
    std::unique_ptr<Buffer> taps;
  };

  Queue& queue_;
  int state_floats_ = 0;            // of all layers
  std::vector<int> layer_floats_;   // before each layer's part
  std::vector<int> window_floats_;  // before what its convolution has there
  int most_channels_ = 0;
  std::vector<Delta> deltas_;
  std::vector<Convolution> convolutions_;
  std::unique_ptr<Buffer> states_, mixed_;
  int states_held_ = 0;
  int chains_ = 0;
  StepUpload::Place runs_, chain_begin_, forks_;
};

}  // namespace sizeup::metal
