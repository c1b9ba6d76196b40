#include "backends/engine/decoder.h"

namespace sizeup {

Decoder::Decoder(const DecoderModel& model, std::unique_ptr<Device> device)
    : spec_(model.spec), device_(std::move(device)) {
  embedding_ = device_->add_matrix(*model.tensors.embedding);
  for (const LayerTensors& layer : model.tensors.layers) {
    layers_.push_back({.attention_norm = device_->add_vector(*layer.attention_norm),
                       .query = pack(layer.query),
                       .key = pack(layer.key),
                       .value = pack(layer.value),
                       .output = pack(layer.output),
                       .ffn_norm = device_->add_vector(*layer.ffn_norm),
                       .gate = pack(layer.gate),
                       .up = pack(layer.up),
                       .down = pack(layer.down)});
  }
  final_norm_ = device_->add_vector(*model.tensors.final_norm);
  head_ = spec_.tied_head ? embedding_ : device_->add_matrix(*model.tensors.head);

  residual_ = device_->add_rows(spec_.width);
  normed_ = device_->add_rows(spec_.width);
  query_ = device_->add_rows(spec_.query_width());
  key_ = device_->add_rows(spec_.kv_width());
  value_ = device_->add_rows(spec_.kv_width());
  attended_ = device_->add_rows(spec_.query_width());
  gate_ = device_->add_rows(spec_.ffn_width);
  up_ = device_->add_rows(spec_.ffn_width);
  update_ = device_->add_rows(spec_.width);
  wanted_ = device_->add_rows(spec_.width);
}

void Decoder::run(const Step& step, StepResult& result) {
  device_->begin(step);
  device_->embed(embedding_, residual_);
  for (int i = 0; i < spec_.layers; ++i) {
    attention_block(i, layers_[static_cast<size_t>(i)]);
    feed_forward_block(layers_[static_cast<size_t>(i)]);
  }
  device_->select_wanted(residual_, wanted_);
  device_->norm(wanted_, final_norm_, spec_.norm_epsilon, wanted_);
  device_->log_probabilities(wanted_, head_, result);
}

void Decoder::attention_block(int index, const Layer& layer) {
  device_->norm(residual_, layer.attention_norm, spec_.norm_epsilon, normed_);
  linear(normed_, layer.query, query_);
  linear(normed_, layer.key, key_);
  linear(normed_, layer.value, value_);
  device_->rotate_and_write(index, query_, key_, value_);
  device_->attention(index, query_, attended_);
  linear(attended_, layer.output, update_);
  device_->add(residual_, update_);
}

void Decoder::feed_forward_block(const Layer& layer) {
  device_->norm(residual_, layer.ffn_norm, spec_.norm_epsilon, normed_);
  linear(normed_, layer.gate, gate_);
  linear(normed_, layer.up, up_);
  device_->gated_activation(spec_.activation, gate_, up_, gate_);
  linear(gate_, layer.down, update_);
  device_->add(residual_, update_);
}

Decoder::Linear Decoder::pack(const LinearTensors& tensors) {
  Linear packed{.weight = device_->add_matrix(*tensors.weight), .bias = std::nullopt};
  if (tensors.bias != nullptr) packed.bias = device_->add_vector(*tensors.bias);
  return packed;
}

void Decoder::linear(RowsId in, const Linear& weights, RowsId out) {
  device_->linear(in, weights.weight, out);
  if (weights.bias) device_->add_bias(out, *weights.bias);
}

}  // namespace sizeup
