// The layers of a decoder that have states in place of keys and values, and the states.
#pragma once

#include <vector>

#include "backends/cpu/kernels.h"
#include "backends/cpu/pages.h"
#include "backends/cpu/workers.h"
#include "backends/engine/state_runs.h"
#include "core/memory/huge_buffer.h"

namespace sizeup::cpu {

class DeltaLayers {
 public:
  DeltaLayers(const DecoderSpec& spec, const DeltaKernels& kernels, Workers& workers);

  DeltaId add(const DeltaSpec& spec, const DeltaTensors& tensors);
  ConvolutionId add_convolution(const ConvolutionSpec& spec, const Tensor& taps);
  size_t state_bytes() const { return states_.page_bytes(); }

  // Makes room, copies states, and plans.
  void begin(const Step& step);
  void run(int layer, DeltaId delta, const LaneRows& rows, const Operand& out);
  void convolve_add(int layer, ConvolutionId convolution, const LaneRows& in, const LaneRows& out);

 private:
  struct Layer {
    DeltaShape shape;
    DeltaWeights weights;
  };

  struct Convolution {
    ConvolutionShape shape;
    std::vector<float> taps;  // [tap][stride]
  };

  void find_gates(const Layer& layer, const LaneRows& rows);

  const DeltaKernels& kernels_;
  Workers& workers_;
  std::vector<size_t> first_floats_;  // of each layer's convolution in its part of a state
  std::vector<size_t> layer_bytes_;   // of that part
  Pages states_;
  std::vector<Layer> layers_;
  std::vector<Convolution> convolutions_;
  StateRuns runs_;  // of the step
  HugeBuffer mixed_;
  std::vector<DeltaGates> gates_;
};

// Bytes of each layer's part of a state; 0: it has none.
std::vector<size_t> state_bytes(const DecoderSpec& spec);

}  // namespace sizeup::cpu
