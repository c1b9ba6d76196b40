#include "backends/engine/extensions/layer_embeddings.h"

#include <cmath>
#include <numbers>

namespace sizeup {
namespace {

// A layer's input is the sum of its two parts by this, so that it is as large as each of them.
constexpr float kEvenSum = std::numbers::sqrt2_v<float> / 2.0F;

}  // namespace

void LayerEmbeddingTensors::add_to(ExtensionWeights& weights) const {
  weights.matrices.insert(weights.matrices.end(), {table, projection});
  for (const Layer& layer : layers)
    weights.matrices.insert(weights.matrices.end(), {layer.gate, layer.projection});
  weights.row_columns += table->columns() + 2 * columns + projection->columns();
}

void count_weights(const LayerEmbeddingTensors& tensors, DecoderSpec& spec) {
  const int64_t layers = spec.layer_count();
  spec.extension_table = int64_t{spec.vocabulary} * layers * tensors.columns;
  spec.extension_weights += 3 * layers * tensors.columns * spec.width;
}

LayerEmbeddings::LayerEmbeddings(const LayerEmbeddingTensors& tensors, const DecoderSpec& spec,
                                 Device& device)
    : device_(device),
      columns_(tensors.columns),
      layer_count_(spec.layer_count()),
      activation_(spec.activation),
      table_(device.add_linear({.weight = tensors.table})),
      projection_(device.add_linear({.weight = tensors.projection})) {
  // What is normed is the projection divided by the root of the width: as well the projection, with an
  // epsilon that is as much larger.
  NormSpec norm = spec.norm;
  norm.epsilon *= static_cast<float>(spec.width);
  norm.scale = kEvenSum;
  norm_ = device.add_norm(norm, tensors.norm, columns_);
  for (const LayerEmbeddingTensors::Layer& layer : tensors.layers) {
    layers_.push_back({.gate = device.add_linear({.weight = layer.gate}),
                       .projection = device.add_linear({.weight = layer.projection}),
                       .post_norm = device.add_norm(spec.norm, layer.post_norm, spec.width)});
  }
  inputs_ = device.add_rows(layer_count_ * columns_, RowsUse::values);
  gates_ = device.add_rows(columns_, RowsUse::values);
  gated_ = device.add_rows(columns_, RowsUse::operand);
  update_ = device.add_rows(spec.width, RowsUse::values);
}

void LayerEmbeddings::begin(RowsId embedded) {
  device_.linear(embedded, projection_, inputs_);
  device_.norm_parts(inputs_, 0, layer_count_, norm_);
  device_.add_embedded(table_, kEvenSum * std::sqrt(static_cast<float>(columns_)), inputs_);
}

void LayerEmbeddings::add(int layer, RowsId in, std::span<const RowsId> rows) {
  const Layer& own = layers_[static_cast<size_t>(layer)];
  device_.linear(in, own.gate, gates_);
  device_.gate(gates_, activation_, inputs_, layer * columns_, gated_);
  device_.linear(gated_, own.projection, update_);
  for (const RowsId to : rows) device_.norm_add(update_, own.post_norm, to);
}

}  // namespace sizeup
