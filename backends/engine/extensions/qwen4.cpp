#include "backends/engine/extensions/qwen4.h"

#include <algorithm>
#include <map>

namespace sizeup {
namespace {

struct Mixer {
  std::vector<NormId> norms;
  LinearId down{}, up{};
  std::optional<LinearId> injection;
};

struct Index {
  LinearId projection;
  NormId query_norm, key_norm;
  RowsId rows;
};

struct Layer {
  Mixer attention, feed_forward;
  std::optional<Index> index;
  std::optional<NgramEmbeddings> ngrams;
};

Mixer add_mixer(Device& device, const DecoderSpec& spec, const Qwen4Tensors::Mixer& tensors) {
  Mixer mixer;
  for (const NormTensors& norm : tensors.norms)
    mixer.norms.push_back(device.add_norm(spec.norm, norm, spec.width));
  mixer.down = device.add_linear({.weight = tensors.down});
  mixer.up = device.add_linear({.weight = tensors.up});
  if (tensors.injection != nullptr) mixer.injection = device.add_linear({.weight = tensors.injection});
  return mixer;
}

Index add_index(Device& device, const DecoderSpec& spec, const IndexSpec& index,
                const Qwen4Tensors::Index& tensors) {
  return {.projection = device.add_linear({.weight = tensors.projection}),
          .query_norm = device.add_norm(spec.norm, tensors.query_norm, index.head_size),
          .key_norm = device.add_norm(spec.norm, tensors.key_norm, index.head_size),
          .rows = device.add_rows(index.columns(), RowsUse::values)};
}

// `columns`: of the rows of a table side by side.
NgramRows add_ngram_rows(Device& device, int columns, int streams, int width) {
  return {.embedded = device.add_rows(columns, RowsUse::values),
          .operand = device.add_rows(columns, RowsUse::operand),
          .keys = device.add_rows(streams * width, RowsUse::values),
          .queries = device.add_rows(streams * width, RowsUse::values),
          .value = device.add_rows(width, RowsUse::values),
          .scores = device.add_rows(streams, RowsUse::values),
          .taken = device.add_rows(streams * width, RowsUse::values)};
}

NormSpec divided_by(int count) {
  return {.kind = NormKind::none, .scale = 1.0F / static_cast<float>(count)};
}

class Qwen4Hooks final : public DecoderHooks {
 public:
  Qwen4Hooks(const Qwen4Tensors& tensors, const DecoderSpec& spec, const DecoderRows& rows, Device& device)
      : device_(device),
        rows_(rows),
        width_(spec.width),
        share_(device.add_norm(divided_by(tensors.streams), {}, tensors.streams * spec.width)),
        streams_(device.add_rows(tensors.streams * spec.width, RowsUse::values)),
        normed_(device.add_rows(tensors.streams * spec.width, RowsUse::values)),
        operand_(device.add_rows(tensors.streams * spec.width, RowsUse::operand)),
        low_(device.add_rows(tensors.rank, RowsUse::operand)),
        gates_(device.add_rows(tensors.streams * spec.width, RowsUse::values)),
        injections_(device.add_rows(tensors.streams, RowsUse::values)),
        last_(add_mixer(device, spec, tensors.last)) {
    std::optional<NgramRows> ngram_rows;
    for (int i = 0; i < spec.layer_count(); ++i) {
      const Qwen4Tensors::Layer& own = tensors.layers[static_cast<size_t>(i)];
      Layer& layer = layers_.emplace_back();
      layer.attention = add_mixer(device, spec, own.attention);
      layer.feed_forward = add_mixer(device, spec, own.feed_forward);
      if (own.index) layer.index = add_index(device, spec, *spec.attention(i).index, *own.index);
      if (!own.ngrams) continue;
      if (!ngram_rows) {
        const auto columns = static_cast<int>(own.ngrams->key->columns());
        ngram_rows = add_ngram_rows(device, columns, tensors.streams, spec.width);
      }
      layer.ngrams.emplace(*own.ngrams, spec, *ngram_rows, device);
    }
  }

  // All streams begin as the embedding: twice the logistic function of 0 is 1.
  void begin(const Step& step) override {
    for (Layer& layer : layers_) {
      if (layer.ngrams) layer.ngrams->begin(step);
    }
    device_.clear(injections_);
    device_.clear(streams_);
    inject();
  }

  void begin_layer(int index) override {
    Layer& own = layer(index);
    if (own.ngrams) own.ngrams->add(index, streams_);
    mix(own.attention);
  }

  void before_attention(int index) override {
    if (const std::optional<Index>& own = layer(index).index) {
      device_.linear(rows_.attention_input, own->projection, own->rows);
      device_.select_keys(index, own->rows, own->query_norm, own->key_norm);
    }
    device_.clear(rows_.residual);
  }

  void after_attention(int index) override {
    inject();
    mix(layer(index).feed_forward);
  }

  void before_feed_forward(int) override { device_.clear(rows_.residual); }
  void after_feed_forward(int) override { inject(); }
  void end() override { mix(last_); }

 private:
  Layer& layer(int index) { return layers_[static_cast<size_t>(index)]; }

  // The residual becomes the mean of the streams; its result's weights are known then.
  void mix(const Mixer& mixer) {
    device_.clear(normed_);
    device_.add(streams_, 1.0F, normed_);
    for (size_t i = 0; i < mixer.norms.size(); ++i)
      device_.norm_parts(normed_, static_cast<int>(i) * width_, 1, mixer.norms[i]);
    device_.norm(normed_, share_, operand_);
    device_.activated_linear(operand_, mixer.down, Activation::silu, low_);
    device_.linear(low_, mixer.up, gates_);
    if (mixer.injection) device_.linear(operand_, *mixer.injection, injections_);
    device_.mix_parts(normed_, gates_, rows_.residual);
  }

  void inject() { device_.add_to_parts(rows_.residual, injections_, 2.0F, streams_); }

  Device& device_;
  DecoderRows rows_;
  int width_;
  NormId share_;  // divides by the number of streams: values become an operand
  RowsId streams_, normed_, operand_, low_, gates_, injections_;
  Mixer last_;
  std::vector<Layer> layers_;
};

void add_to(const Qwen4Tensors::Mixer& mixer, ExtensionWeights& weights) {
  weights.matrices.insert(weights.matrices.end(), {mixer.down, mixer.up});
  if (mixer.injection != nullptr) weights.coefficients.push_back(mixer.injection);
}

}  // namespace

ExtensionWeights Qwen4Extension::weights() const {
  ExtensionWeights all;
  int64_t index_columns = 0;
  const NgramEmbeddingTensors* ngrams = nullptr;
  for (const Qwen4Tensors::Layer& layer : tensors_.layers) {
    add_to(layer.attention, all);
    add_to(layer.feed_forward, all);
    if (layer.index) {
      all.coefficients.push_back(layer.index->projection);
      index_columns += layer.index->projection->rows();
    }
    if (!layer.ngrams) continue;
    ngrams = &*layer.ngrams;
    ngrams->add_to(all);
  }
  add_to(tensors_.last, all);
  const int64_t side_by_side = tensors_.last.down->columns();
  all.row_columns = 4 * side_by_side + tensors_.rank + tensors_.streams + index_columns;
  if (ngrams != nullptr)
    all.row_columns += 2 * ngrams->key->columns() + 3 * side_by_side + ngrams->value->rows();
  return all;
}

std::unique_ptr<DecoderHooks> Qwen4Extension::pack(const DecoderSpec& spec, const DecoderRows& rows,
                                                   Device& device) const {
  return std::make_unique<Qwen4Hooks>(tensors_, spec, rows, device);
}

void count_weights(const Qwen4Tensors& tensors, DecoderSpec& spec) {
  const int64_t width = spec.width;
  const int64_t side_by_side = tensors.streams * width;
  const int64_t mixers = 2 * spec.layer_count() + 1;
  spec.extension_weights =
      mixers * 2 * tensors.rank * side_by_side + (mixers - 1) * tensors.streams * side_by_side;
  for (int i = 0; i < spec.layer_count(); ++i) {
    if (const auto& index = spec.attention(i).index) spec.extension_weights += index->columns() * width;
    const auto& ngrams = tensors.layers[static_cast<size_t>(i)].ngrams;
    if (!ngrams) continue;
    spec.extension_weights += ngrams->key->columns() * (side_by_side + width);
    spec.extension_table += ngrams->table_elements();
  }
}

}  // namespace sizeup
