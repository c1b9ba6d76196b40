#include "backends/engine/extensions/gemma3n.h"

#include <array>
#include <numbers>

namespace sizeup {
namespace {

std::vector<LinearId> add_each(Device& device, const std::vector<const Tensor*>& weights) {
  std::vector<LinearId> all;
  for (const Tensor* weight : weights) all.push_back(device.add_linear({.weight = weight}));
  return all;
}

std::vector<RowsId> add_streams(Device& device, int streams, int width) {
  std::vector<RowsId> all;
  for (int i = 0; i < streams; ++i) all.push_back(device.add_rows(width, RowsUse::values));
  return all;
}

struct Layer {
  NormId attention_norm, router_norm, output_norm, augmented_norm;
  LinearId router, prediction, correction, left, right;
};

Layer add_layer(Device& device, const DecoderSpec& spec, const Gemma3nTensors::Layer& tensors) {
  NormSpec router_norm = spec.norm;
  router_norm.scale = 1.0F / static_cast<float>(spec.width);
  const NormTensors output{.weight = tensors.output_scale, .bias = nullptr};
  return {.attention_norm = device.add_norm(spec.norm, tensors.attention_norm, spec.width),
          .router_norm = device.add_norm(router_norm, tensors.router_norm, spec.width),
          .output_norm = device.add_norm({.kind = NormKind::none}, output, spec.width),
          .augmented_norm = device.add_norm(spec.norm, tensors.augmented_norm, spec.width),
          .router = device.add_linear({.weight = tensors.router}),
          .prediction = device.add_linear({.weight = tensors.prediction}),
          .correction = device.add_linear({.weight = tensors.correction}),
          .left = device.add_linear({.weight = tensors.left}),
          .right = device.add_linear({.weight = tensors.right})};
}

class Gemma3nHooks final : public DecoderHooks {
 public:
  Gemma3nHooks(const Gemma3nTensors& tensors, const DecoderSpec& spec, const DecoderRows& rows,
               Device& device)
      : device_(device),
        rows_(rows),
        stream_count_(tensors.streams),
        active_(static_cast<size_t>(tensors.active)),
        layer_count_(spec.layer_count()),
        as_it_is_(device.add_norm({.kind = NormKind::none}, {}, spec.width)),
        low_rank_(device.add_norm({.kind = NormKind::none}, {}, tensors.rank)),
        projections_(add_each(device, tensors.projections)),
        unprojections_(add_each(device, tensors.unprojections)),
        embeddings_(tensors.embeddings, spec, device),
        streams_{add_streams(device, tensors.streams, spec.width),
                 add_streams(device, tensors.streams, spec.width)},
        operand_(device.add_rows(spec.width, RowsUse::operand)),
        update_(device.add_rows(spec.width, RowsUse::values)),
        routed_(device.add_rows(tensors.streams, RowsUse::operand)),
        predicting_(device.add_rows(tensors.streams * tensors.streams, RowsUse::values)),
        correcting_(device.add_rows(tensors.streams, RowsUse::values)),
        low_(device.add_rows(tensors.rank, RowsUse::values)),
        low_operand_(device.add_rows(tensors.rank, RowsUse::operand)) {
    for (const Gemma3nTensors::Layer& layer : tensors.layers)
      layers_.push_back(add_layer(device, spec, layer));
  }

  void begin(const Step&) override {
    device_.norm(rows_.residual, as_it_is_, operand_);
    embeddings_.begin(operand_);
    const std::vector<RowsId>& streams = before(0);
    device_.clear(streams[0]);
    device_.add(rows_.residual, 1.0F, streams[0]);
    for (size_t i = 1; i < streams.size(); ++i) {
      device_.linear(operand_, projections_[i - 1], streams[i]);
      device_.match_magnitude(streams[i], rows_.residual);
    }
  }

  // Predicts all streams; the active one is what the layer computes with.
  void begin_layer(int index) override {
    const std::vector<RowsId>& streams = before(index);
    const std::vector<RowsId>& predicted = before(index + 1);
    route(index, streams[active_]);
    device_.linear(routed_, layer(index).prediction, predicting_);
    const auto predict = [&](size_t i, RowsId out) {
      device_.combine(streams[i], streams, predicting_, static_cast<int>(i) * stream_count_, out);
    };
    for (size_t i = 0; i < streams.size(); ++i) predict(i, predicted[i]);
    predict(active_, rows_.residual);
  }

  // The mean of attention's residual and the augmented one, as large as each of them.
  void after_attention(int index) override {
    const Layer& own = layer(index);
    device_.linear(rows_.attention_input, own.left, low_);
    device_.norm(low_, low_rank_, low_operand_);
    device_.linear(low_operand_, own.right, update_);
    device_.norm_add(update_, own.augmented_norm, rows_.residual);
    device_.norm_add(before(index + 1)[active_], own.attention_norm, rows_.residual);
    device_.scale(rows_.residual, std::numbers::sqrt2_v<float> / 2.0F);
  }

  // Corrects the predicted streams by what the layer changed, and gives them its embedding.
  void after_feed_forward(int index) override {
    const std::vector<RowsId>& streams = before(index + 1);
    route(index, rows_.residual);
    device_.linear(routed_, layer(index).correction, correcting_);
    device_.add(streams[active_], -1.0F, rows_.residual);
    for (size_t i = 0; i < streams.size(); ++i) {
      device_.add(rows_.residual, 1.0F, streams[i]);
      device_.combine(streams[i], std::array{rows_.residual}, correcting_, static_cast<int>(i), streams[i]);
    }
    device_.norm(streams[active_], layer(index).output_norm, operand_);
    embeddings_.add(index, operand_, std::span(streams).subspan(1));
  }

  void end() override {
    const std::vector<RowsId>& streams = before(layer_count_);
    const float share = 1.0F / static_cast<float>(stream_count_);
    device_.clear(rows_.residual);
    device_.add(streams[0], share, rows_.residual);
    for (size_t i = 1; i < streams.size(); ++i) {
      device_.norm(streams[i], as_it_is_, operand_);
      device_.linear(operand_, unprojections_[i - 1], update_);
      device_.match_magnitude(update_, streams[0]);
      device_.add(update_, share, rows_.residual);
    }
  }

 private:
  const Layer& layer(int index) const { return layers_[static_cast<size_t>(index)]; }
  // The streams before a layer, or after the one before it: layers write the two sets in turn.
  const std::vector<RowsId>& before(int index) const { return streams_[static_cast<size_t>(index % 2)]; }

  // What coefficients are made from, in routed_.
  void route(int index, RowsId stream) {
    device_.norm(stream, layer(index).router_norm, operand_);
    device_.activated_linear(operand_, layer(index).router, Activation::tanh, routed_);
  }

  Device& device_;
  DecoderRows rows_;
  int stream_count_;
  size_t active_;
  int layer_count_;
  NormId as_it_is_, low_rank_;  // change nothing: values become an operand
  std::vector<LinearId> projections_, unprojections_;
  LayerEmbeddings embeddings_;
  std::array<std::vector<RowsId>, 2> streams_;
  RowsId operand_, update_, routed_, predicting_, correcting_, low_, low_operand_;
  std::vector<Layer> layers_;
};

}  // namespace

ExtensionWeights Gemma3nExtension::weights() const {
  ExtensionWeights all;
  const auto add = [&all](std::initializer_list<const Tensor*> matrices) {
    all.matrices.insert(all.matrices.end(), matrices);
  };
  for (const Tensor* matrix : tensors_.projections) add({matrix});
  for (const Tensor* matrix : tensors_.unprojections) add({matrix});
  for (const Gemma3nTensors::Layer& layer : tensors_.layers) {
    add({layer.left, layer.right});
    all.coefficients.insert(all.coefficients.end(), {layer.router, layer.prediction, layer.correction});
  }
  tensors_.embeddings.add_to(all);
  const int64_t width = tensors_.embeddings.projection->columns();
  all.row_columns += 2 * (tensors_.streams + 1) * width + 2 * tensors_.rank;
  return all;
}

std::unique_ptr<DecoderHooks> Gemma3nExtension::pack(const DecoderSpec& spec, const DecoderRows& rows,
                                                     Device& device) const {
  return std::make_unique<Gemma3nHooks>(tensors_, spec, rows, device);
}

void count_weights(const Gemma3nTensors& tensors, DecoderSpec& spec) {
  const int64_t streams = tensors.streams;
  const int64_t width = spec.width;
  const int64_t of_layer = 2 * width * tensors.rank + streams * width + streams * streams * (streams + 1);
  spec.extension_weights = 2 * (streams - 1) * width * width + spec.layer_count() * of_layer;
  count_weights(tensors.embeddings, spec);
}

}  // namespace sizeup
