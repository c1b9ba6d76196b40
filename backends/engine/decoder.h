// The forward pass of a decoder on a device: a list of operations, driven by the spec.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "backends/engine/device.h"

namespace sizeup {

class Decoder {
 public:
  // Packs the model's weights into the device; the checkpoint may be closed afterwards.
  Decoder(const DecoderModel& model, std::unique_ptr<Device> device);

  const DecoderSpec& spec() const { return spec_; }
  Device& device() { return *device_; }
  const Device& device() const { return *device_; }

  void run(const Step& step, StepResult& result);

 private:
  struct Linear {
    MatrixId weight;
    std::optional<VectorId> bias;
  };
  struct Layer {
    VectorId attention_norm;
    Linear query, key, value, output;
    VectorId ffn_norm;
    Linear gate, up, down;
  };

  Linear pack(const LinearTensors& tensors);
  void linear(RowsId in, const Linear& weights, RowsId out);
  void attention_block(int index, const Layer& layer);
  void feed_forward_block(const Layer& layer);

  DecoderSpec spec_;
  std::unique_ptr<Device> device_;
  MatrixId embedding_{};
  std::vector<Layer> layers_;
  VectorId final_norm_{};
  MatrixId head_{};
  RowsId residual_, normed_, query_, key_, value_, attended_, gate_, up_, update_, wanted_;
};

}  // namespace sizeup
