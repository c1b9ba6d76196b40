#include "backends/engine/work.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace sizeup {

Work& Work::operator+=(const Work& other) {
  rows += other.rows;
  wanted += other.wanted;
  context += other.context;
  attended += other.attended;
  return *this;
}

Work work_of(const DecoderSpec& spec, const Step& step) {
  Work work{.rows = step.rows(), .wanted = static_cast<int64_t>(step.wanted.size())};
  for (const int32_t position : step.positions) work.context += position + 1;
  std::map<int, int64_t> positions;  // that all rows attend to, by window
  for (const LayerSpec& layer : spec.layers) {
    const auto [found, is_new] = positions.try_emplace(layer.attention.window, 0);
    if (is_new) {
      const int window = layer.attention.window == 0 ? spec.context_length : layer.attention.window;
      for (const int32_t position : step.positions) found->second += std::min(position + 1, window);
    }
    work.attended += layer.attention.query_width() * found->second;
  }
  return work;
}

namespace {

// Columns of the width that a layer's attention, or what is in its place, multiplies with.
double mixing_columns(const DecoderSpec& spec, int layer) {
  if (const auto& delta = spec.layer(layer).delta) return delta->columns() + delta->value_width();
  const AttentionSpec& attention = spec.attention(layer);
  const int queries = (attention.gated ? 3 : 2) * attention.query_width();  // with what reads the result
  return queries + (spec.owns_keys(layer) ? 2 * attention.kv_width() : 0);
}

// Of a row's heads in all layers.
double state_elements(const DecoderSpec& spec) {
  double sum = 0.0;
  for (const LayerSpec& layer : spec.layers) {
    if (layer.delta) sum += static_cast<double>(layer.delta->value_width()) * layer.delta->key_size;
  }
  return sum;
}

// Of all layers, where `experts` are those of a router that count.
double linear_weights(const DecoderSpec& spec, double experts) {
  const ExpertSpec& mixture = spec.experts;
  const double width = spec.width;
  double sum = 0.0;
  for (int i = 0; i < spec.layer_count(); ++i) {
    sum += width * mixing_columns(spec, i);
    if (!mixture.in_layer(i)) {
      sum += (spec.gated ? 3 : 2) * width * spec.layer(i).ffn_width;
      continue;
    }
    const double router = mixture.count + (mixture.shared_gated ? 1 : 0);
    sum += width * (router + 3 * (experts * mixture.width + mixture.shared_width));
  }
  return sum;
}

}  // namespace

int64_t linear_weights(const DecoderSpec& spec) {
  return static_cast<int64_t>(linear_weights(spec, spec.experts.used));
}

int64_t unused_weights(const DecoderSpec& spec) {
  return static_cast<int64_t>(linear_weights(spec, spec.experts.count) -
                              linear_weights(spec, spec.experts.used));
}

int64_t all_weights(const DecoderSpec& spec) {
  return static_cast<int64_t>(linear_weights(spec, spec.experts.count)) +
         (spec.tied_head ? 1 : 2) * head_weights(spec);
}

int64_t head_weights(const DecoderSpec& spec) {
  return int64_t{spec.vocabulary} * spec.width;
}

double flop_of(const DecoderSpec& spec, const Work& work) {
  const double linear = 2.0 * static_cast<double>(linear_weights(spec)) * static_cast<double>(work.rows);
  const double head = 2.0 * static_cast<double>(head_weights(spec)) * static_cast<double>(work.wanted);
  const double attention = 4.0 * static_cast<double>(work.attended);
  const double states = 6.0 * state_elements(spec) * static_cast<double>(work.rows);
  return linear + head + attention + states;
}

double share_read_by_step(const DecoderSpec& spec, int rows) {
  const ExpertSpec& mixture = spec.experts;
  // A row that chooses evenly leaves an expert alone with the probability 1 - used / count.
  const double met =
      mixture.any()
          ? mixture.count * (1.0 - std::pow(1.0 - static_cast<double>(mixture.used) / mixture.count, rows))
          : 0.0;
  const auto head = static_cast<double>(head_weights(spec));
  const double stored = linear_weights(spec, mixture.count) + head + (spec.tied_head ? 0.0 : head);
  return (linear_weights(spec, met) + head) / stored;
}

}  // namespace sizeup
