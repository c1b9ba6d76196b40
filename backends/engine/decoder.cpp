#include "backends/engine/decoder.h"

#include <array>

namespace sizeup {

Decoder::Decoder(const DecoderModel& model, std::unique_ptr<Device> device)
    : spec_(model.spec), device_(std::move(device)) {
  const DecoderTensors& tensors = model.tensors;
  embedding_ = device_->add_linear({.weight = tensors.embedding});
  if (spec_.learned_positions) positions_ = device_->add_linear({.weight = tensors.positions});
  residual_ = device_->add_rows(spec_.width, RowsUse::values);
  normed_ = device_->add_rows(spec_.width, RowsUse::operand);
  ffn_input_ = device_->add_rows(spec_.width, RowsUse::operand);
  update_ = device_->add_rows(spec_.width, RowsUse::values);
  wanted_ = device_->add_rows(spec_.width, RowsUse::values);
  wanted_normed_ = device_->add_rows(spec_.width, RowsUse::operand);
  for (int i = 0; i < spec_.layer_count(); ++i)
    layers_.push_back(add_layer(i, tensors.layers[static_cast<size_t>(i)]));
  final_norm_ = add_norm(tensors.final_norm, spec_.width);
  head_ = spec_.tied_head ? embedding_ : device_->add_linear(tensors.head);
  const DecoderRows rows{.residual = residual_, .attention_input = normed_};
  hooks_ =
      tensors.extension ? tensors.extension->pack(spec_, rows, *device_) : std::make_unique<DecoderHooks>();
}

// Tensors that are absent: a norm that does nothing.
NormId Decoder::add_norm(const std::optional<NormTensors>& tensors, int columns) {
  if (tensors) return device_->add_norm(spec_.norm, *tensors, columns);
  return device_->add_norm({.kind = NormKind::none}, {}, columns);
}

RowsId Decoder::rows_of(int columns, RowsUse use) {
  const auto [found, is_new] = shared_rows_.try_emplace({columns, use});
  if (is_new) found->second = device_->add_rows(columns, use);
  return found->second;
}

Decoder::Layer Decoder::add_layer(int index, const LayerTensors& tensors) {
  Layer layer;
  layer.attention_norm = add_norm(tensors.attention_norm, spec_.width);
  const LayerSpec& spec = spec_.layer(index);
  if (spec.delta) {
    layer.delta = add_delta(*spec.delta, tensors);
  } else {
    layer.attention = add_attention(spec.attention, tensors, spec_.owns_keys(index));
  }
  if (!spec_.parallel || tensors.ffn_norm) layer.ffn_norm = add_norm(tensors.ffn_norm, spec_.width);
  layer.feed_forward = add_feed_forward(spec, layer.ffn_norm ? ffn_input_ : normed_, tensors);
  return layer;
}

Decoder::Attention Decoder::add_attention(const AttentionSpec& spec, const LayerTensors& tensors,
                                          bool owns_keys) {
  Attention attention;
  attention.query_key_value = device_->add_linear(tensors.query_key_value);
  const bool whole = spec_.query_key_norm == QueryKeyNorm::whole;
  if (tensors.query_norm)
    attention.query_norm = add_norm(tensors.query_norm, whole ? spec.query_width() : spec.head_size);
  if (tensors.key_norm)
    attention.key_norm = add_norm(tensors.key_norm, whole ? spec.kv_width() : spec.head_size);
  if (spec_.value_norm && owns_keys) {
    attention.value_norm = device_->add_norm(
        {.kind = NormKind::root_mean_square, .epsilon = spec_.norm.epsilon}, {}, spec.head_size);
  }
  if (tensors.sinks != nullptr) attention.sinks = device_->add_vector(*tensors.sinks);
  attention.output = device_->add_linear(tensors.output);
  if (tensors.attention_post_norm) attention.post_norm = add_norm(tensors.attention_post_norm, spec_.width);
  const int columns = spec.query_width() + (owns_keys ? 2 * spec.kv_width() : 0);
  attention.rows = rows_of(columns + (spec.gated ? spec.query_width() : 0), RowsUse::values);
  attention.attended = rows_of(spec.query_width(), spec.gated ? RowsUse::routed : RowsUse::operand);
  if (spec.gated) attention.gated = rows_of(spec.query_width(), RowsUse::operand);
  return attention;
}

Decoder::Delta Decoder::add_delta(const DeltaSpec& spec, const LayerTensors& tensors) {
  std::vector<LinearTensors> input = tensors.delta->input;
  input.insert(input.end(), tensors.delta->gates.begin(), tensors.delta->gates.end());
  Delta delta;
  delta.input = device_->add_linear(input);
  delta.rule = device_->add_delta(spec, *tensors.delta);
  delta.output = device_->add_linear(tensors.output);
  delta.rows = rows_of(spec.columns(), RowsUse::values);
  delta.results = rows_of(spec.value_width(), RowsUse::operand);
  return delta;
}

Decoder::FeedForward Decoder::add_feed_forward(const LayerSpec& spec, RowsId input,
                                               const LayerTensors& tensors) {
  FeedForward layer;
  layer.input = input;
  if (tensors.ffn_post_norm) layer.post_norm = add_norm(tensors.ffn_post_norm, spec_.width);
  if (tensors.mixture) {
    require(!layer.post_norm && !spec_.parallel, "a mixture is added to the residual that it read");
    layer.mixture = device_->add_mixture(spec_.experts, *tensors.mixture);
    layer.input = rows_of(spec_.width, RowsUse::routed);
    return layer;
  }
  if (spec.gate_deviations) {
    layer.up = device_->add_linear(std::array{tensors.gate, tensors.up});
    layer.sparse = {.deviations = *spec.gate_deviations,
                    .rows = rows_of(2 * spec.ffn_width, RowsUse::values)};
  } else {
    layer.up =
        spec_.gated ? device_->add_gated_linear(tensors.gate, tensors.up) : device_->add_linear(tensors.up);
  }
  layer.down = device_->add_linear(tensors.down);
  layer.inner = rows_of(spec.ffn_width, RowsUse::operand);
  return layer;
}

void Decoder::run(const Step& step, StepResult& result) {
  device_->begin(step);
  device_->embed(embedding_, spec_.embedding_scale, residual_);
  if (positions_) device_->add_positions(*positions_, residual_);
  hooks_->begin(step);
  for (int i = 0; i < spec_.layer_count(); ++i) run_layer(i, layers_[static_cast<size_t>(i)]);
  hooks_->end();
  device_->select_wanted(residual_, wanted_);
  device_->norm(wanted_, final_norm_, wanted_normed_);
  device_->log_probabilities(wanted_normed_, head_, spec_.logit_cap, result);
}

void Decoder::run_layer(int index, const Layer& layer) {
  hooks_->begin_layer(index);
  device_->norm(residual_, layer.attention_norm, normed_);
  const auto norm_input = [&] { device_->norm(residual_, *layer.ffn_norm, layer.feed_forward.input); };
  if (spec_.parallel && layer.ffn_norm) norm_input();
  hooks_->before_attention(index);
  if (layer.delta) {
    run_delta(index, *layer.delta);
  } else {
    attend(index, layer.attention);
  }
  hooks_->after_attention(index);
  if (!spec_.parallel) norm_input();
  hooks_->before_feed_forward(index);
  feed_forward(index, layer.feed_forward);
  hooks_->after_feed_forward(index);
  if (const float scale = spec_.layer(index).output_scale; scale != 1.0F) device_->scale(residual_, scale);
}

void Decoder::attend(int index, const Attention& attention) {
  const AttentionSpec& spec = spec_.attention(index);
  device_->linear(normed_, attention.query_key_value, attention.rows);
  const bool whole = spec_.query_key_norm == QueryKeyNorm::whole;
  const int key = spec.query_width();
  if (attention.query_norm)
    device_->norm_parts(attention.rows, 0, whole ? 1 : spec.heads, *attention.query_norm);
  if (attention.key_norm)
    device_->norm_parts(attention.rows, key, whole ? 1 : spec.kv_heads, *attention.key_norm);
  if (attention.value_norm)
    device_->norm_parts(attention.rows, key + spec.kv_width(), spec.kv_heads, *attention.value_norm);
  device_->rotate_and_write(index, attention.rows);
  device_->attention(index, attention.rows, attention.sinks, attention.attended);
  if (attention.gated) {
    const int gate = spec.query_width() + (spec_.owns_keys(index) ? 2 * spec.kv_width() : 0);
    device_->apply_gate(attention.attended, attention.rows, gate, *attention.gated);
  }
  const RowsId mixed = attention.gated.value_or(attention.attended);
  if (!attention.post_norm) {
    device_->linear_add(mixed, attention.output, residual_);
    return;
  }
  device_->linear(mixed, attention.output, update_);
  device_->norm_add(update_, *attention.post_norm, residual_);
}

void Decoder::run_delta(int index, const Delta& delta) {
  device_->linear(normed_, delta.input, delta.rows);
  device_->delta_rule(index, delta.rows, delta.rule, delta.results);
  device_->linear_add(delta.results, delta.output, residual_);
}

void Decoder::feed_forward(int index, const FeedForward& layer) {
  if (layer.mixture) {
    device_->mixture_add(layer.input, layer.input, *layer.mixture, spec_.activation, residual_);
    return;
  }
  if (layer.sparse) {
    gate_sparsely(spec_.layer(index).ffn_width, layer);
  } else if (spec_.gated) {
    device_->gated_linear(layer.input, layer.up, spec_.activation, layer.inner);
  } else {
    device_->activated_linear(layer.input, layer.up, spec_.activation, layer.inner);
  }
  if (!layer.post_norm) {
    device_->linear_add(layer.inner, layer.down, residual_);
    return;
  }
  device_->linear(layer.inner, layer.down, update_);
  hooks_->add_to_feed_forward(index, update_);
  device_->norm_add(update_, *layer.post_norm, residual_);
}

void Decoder::gate_sparsely(int width, const FeedForward& layer) {
  const SparseGates& sparse = *layer.sparse;
  device_->linear(layer.input, layer.up, sparse.rows);
  device_->keep_above(sparse.rows, width, sparse.deviations);
  device_->gate(sparse.rows, spec_.activation, sparse.rows, width, layer.inner);
}

}  // namespace sizeup
