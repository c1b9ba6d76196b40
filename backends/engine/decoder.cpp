#include "backends/engine/decoder.h"

#include <array>

namespace sizeup {
namespace {

LinearId add_one(Device& device, const LinearTensors& linear) {
  return device.add_linear(std::span(&linear, 1));
}

}  // namespace

Decoder::Decoder(const DecoderModel& model, std::unique_ptr<Device> device)
    : spec_(model.spec), device_(std::move(device)) {
  embedding_ = add_one(*device_, {.weight = model.tensors.embedding});
  for (const LayerTensors& layer : model.tensors.layers) layers_.push_back(add_layer(layer));
  final_norm_ = device_->add_vector(*model.tensors.final_norm);
  head_ = spec_.tied_head ? embedding_ : add_one(*device_, {.weight = model.tensors.head});

  residual_ = device_->add_rows(spec_.width, RowsUse::values);
  normed_ = device_->add_rows(spec_.width, RowsUse::operand);
  query_key_value_ = device_->add_rows(spec_.query_width() + 2 * spec_.kv_width(), RowsUse::values);
  attended_ = device_->add_rows(spec_.query_width(), RowsUse::operand);
  gated_ = device_->add_rows(spec_.ffn_width, RowsUse::operand);
  if (spec_.experts.any()) routed_ = device_->add_rows(spec_.width, RowsUse::routed);
  wanted_ = device_->add_rows(spec_.width, RowsUse::values);
  wanted_normed_ = device_->add_rows(spec_.width, RowsUse::operand);
}

Decoder::Layer Decoder::add_layer(const LayerTensors& tensors) {
  Layer layer;
  layer.attention_norm = device_->add_vector(*tensors.attention_norm);
  layer.query_key_value = device_->add_linear(std::array{tensors.query, tensors.key, tensors.value});
  if (spec_.query_key_norm) {
    layer.query_norm = device_->add_vector(*tensors.query_norm);
    layer.key_norm = device_->add_vector(*tensors.key_norm);
  }
  layer.output = add_one(*device_, tensors.output);
  layer.ffn_norm = device_->add_vector(*tensors.ffn_norm);
  if (tensors.mixture) {
    layer.mixture = device_->add_mixture(spec_.experts, *tensors.mixture);
  } else {
    layer.gate_up = device_->add_gated_linear(tensors.gate, tensors.up);
    layer.down = add_one(*device_, tensors.down);
  }
  return layer;
}

void Decoder::run(const Step& step, StepResult& result) {
  device_->begin(step);
  device_->embed(embedding_, residual_);
  for (int i = 0; i < spec_.layers; ++i) {
    attention_block(i, layers_[static_cast<size_t>(i)]);
    feed_forward_block(layers_[static_cast<size_t>(i)]);
  }
  device_->select_wanted(residual_, wanted_);
  device_->norm(wanted_, final_norm_, spec_.norm_epsilon, wanted_normed_);
  device_->log_probabilities(wanted_normed_, head_, result);
}

void Decoder::attention_block(int index, const Layer& layer) {
  device_->norm(residual_, layer.attention_norm, spec_.norm_epsilon, normed_);
  device_->linear(normed_, layer.query_key_value, query_key_value_);
  if (layer.query_norm)
    device_->norm_heads(query_key_value_, *layer.query_norm, *layer.key_norm, spec_.norm_epsilon);
  device_->rotate_and_write(index, query_key_value_);
  device_->attention(index, query_key_value_, attended_);
  device_->linear_add(attended_, layer.output, residual_);
}

void Decoder::feed_forward_block(const Layer& layer) {
  if (layer.mixture) {
    device_->norm(residual_, layer.ffn_norm, spec_.norm_epsilon, routed_);
    device_->mixture_add(routed_, *layer.mixture, spec_.activation, residual_);
    return;
  }
  device_->norm(residual_, layer.ffn_norm, spec_.norm_epsilon, normed_);
  device_->gated_linear(normed_, layer.gate_up, spec_.activation, gated_);
  device_->linear_add(gated_, layer.down, residual_);
}

}  // namespace sizeup
