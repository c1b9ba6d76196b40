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
  struct Layer {
    VectorId attention_norm{};
    LinearId query_key_value{};
    std::optional<VectorId> query_norm, key_norm;
    LinearId output{};
    VectorId ffn_norm{};
    LinearId gate_up{};  // where there is no mixture
    LinearId down{};
    std::optional<MixtureId> mixture;
  };

  Layer add_layer(const LayerTensors& layer);
  void attention_block(int index, const Layer& layer);
  void feed_forward_block(const Layer& layer);

  DecoderSpec spec_;
  std::unique_ptr<Device> device_;
  LinearId embedding_{};
  std::vector<Layer> layers_;
  VectorId final_norm_{};
  LinearId head_{};
  RowsId residual_, normed_, query_key_value_, attended_, gated_, wanted_, wanted_normed_;
  RowsId routed_{};  // of a model with experts
};

}  // namespace sizeup
