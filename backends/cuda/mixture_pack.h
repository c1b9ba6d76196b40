// A mixture's weights as the device keeps them: one piece of memory for router, experts and biases.
#pragma once

#include <cstddef>
#include <vector>

#include "backends/cuda/mixture.h"
#include "backends/engine/decoder_spec.h"

namespace sizeup::cuda {

// Matrices keep their blocks where all of a kind (gates and ups, or downs) are of one format that the
// products take; otherwise they become the precision's plain type.
class MixturePack {
 public:
  MixturePack(const ExpertSpec& spec, const MixtureTensors& tensors, Precision precision);

  size_t bytes() const { return bytes_; }
  // Fills `to`, of bytes(), which is then copied to the device.
  void write(std::byte* to) const;
  // With the bytes at `device`, at a multiple of 256.
  MixtureView view(const std::byte* device) const;

 private:
  // Matrices of all groups, stacked: those of group g are matrices[g * parts, (g + 1) * parts).
  struct Stack {
    std::vector<const Tensor*> matrices;
    std::vector<const Tensor*> biases;  // as matrices; a nullptr is zeros; empty: none
    TensorType type = TensorType::f32;
    int groups = 0;
    int outputs = 0;  // of a group
    int inputs = 0;   // padded
    size_t stride = 0;
    size_t begin = 0;
    size_t bias_begin = 0;
  };

  size_t take(size_t bytes);
  Stack stack(std::vector<const Tensor*> matrices, std::vector<const Tensor*> biases, int parts,
              Precision precision);
  Stack down_stack(const std::vector<const ExpertTensors*>& experts, Precision precision);
  Stack gate_up_stack(const std::vector<const ExpertTensors*>& experts, Precision precision);
  static void write_stack(const Stack& stack, std::byte* to);
  static GroupedWeights weights(const Stack& stack, const std::byte* device);

  RouterView choice_;
  Precision precision_;
  const MixtureTensors& tensors_;
  size_t bytes_ = 0;
  Stack router_, gate_up_, down_, shared_gate_up_, shared_down_;
  size_t selection_bias_ = 0;  // where they begin
  size_t expert_scale_ = 0;
};

}  // namespace sizeup::cuda
