// The forward pass of a decoder on a device: a list of operations, driven by the spec.
#pragma once

#include <map>
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
  struct Attention {
    LinearId query_key_value{};
    std::optional<NormId> query_norm, key_norm;
    std::optional<VectorId> sinks;
    LinearId output{};
    std::optional<NormId> post_norm;
    RowsId rows{}, attended{};
    std::optional<RowsId> gated;  // where there is a gate
  };
  struct Delta {
    LinearId input{};
    DeltaId rule{};
    LinearId output{};
    RowsId rows{}, results{};
  };
  struct FeedForward {
    LinearId up{};  // gate and up where there is a gate; neither this nor `down` where there is a mixture
    LinearId down{};
    std::optional<MixtureId> mixture;
    std::optional<NormId> post_norm;
    RowsId input{}, inner{};
  };
  struct Layer {
    NormId attention_norm{};
    std::optional<Delta> delta;  // in place of the attention
    Attention attention;
    std::optional<NormId> ffn_norm;  // none: the feed-forward reads what attention reads
    FeedForward feed_forward;
  };

  Layer add_layer(int index, const LayerTensors& tensors);
  Attention add_attention(const AttentionSpec& spec, const LayerTensors& tensors, bool owns_keys);
  Delta add_delta(const DeltaSpec& spec, const LayerTensors& tensors);
  FeedForward add_feed_forward(int width, RowsId input, const LayerTensors& tensors);
  NormId add_norm(const std::optional<NormTensors>& tensors, int columns);
  RowsId rows_of(int columns, RowsUse use);

  void run_layer(int index, const Layer& layer);
  void attend(int index, const Attention& attention);
  void run_delta(int index, const Delta& delta);
  void feed_forward(const FeedForward& layer);
  void add_result(RowsId in, LinearId weight, std::optional<NormId> post_norm);

  DecoderSpec spec_;
  std::unique_ptr<Device> device_;
  LinearId embedding_{};
  std::optional<LinearId> positions_;
  std::vector<Layer> layers_;
  NormId final_norm_{};
  LinearId head_{};
  std::map<std::pair<int, RowsUse>, RowsId> shared_rows_;  // of layers, by columns: one layer runs at a time
  RowsId residual_, normed_, ffn_input_, update_, wanted_, wanted_normed_;
};

}  // namespace sizeup
