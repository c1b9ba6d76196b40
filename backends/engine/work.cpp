#include "backends/engine/work.h"

#include <algorithm>
#include <cmath>

namespace sizeup {

Work& Work::operator+=(const Work& other) {
  rows += other.rows;
  wanted += other.wanted;
  context += other.context;
  attended += other.attended;
  return *this;
}

namespace {

// Positions that a row attends to.
int64_t attended(const AttentionSpec& spec, int32_t position) {
  const int64_t all = position + 1;
  if (spec.window != 0) return std::min<int64_t>(all, spec.window);
  if (!spec.index) return all;
  const int64_t blocks = all / spec.index->block;
  return all - std::max<int64_t>(0, blocks - spec.index->chosen) * spec.index->block;
}

}  // namespace

Work work_of(const DecoderSpec& spec, const Step& step) {
  Work work{.rows = step.rows(), .wanted = static_cast<int64_t>(step.wanted.size())};
  for (const int32_t position : step.positions) work.context += position + 1;
  const AttentionSpec* before = nullptr;  // most layers attend as those before them
  int64_t positions = 0;                  // that all rows attend to
  for (const LayerSpec& layer : spec.layers) {
    if (layer.attention.heads == 0) continue;
    const AttentionSpec& attention = layer.attention;
    if (before == nullptr || before->window != attention.window || before->index != attention.index) {
      positions = 0;
      for (const int32_t position : step.positions) positions += attended(attention, position);
    }
    before = &attention;
    work.attended += attention.query_width() * positions;
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
    const bool mixed = mixture.in_layer(i);
    if (!mixed || mixture.beside_dense) sum += (spec.gated ? 3 : 2) * width * spec.layer(i).ffn_width;
    if (!mixed) continue;
    const double router = mixture.count + (mixture.shared_gated ? 1 : 0);
    sum += width * (router + 3 * (experts * mixture.width + mixture.shared_width));
  }
  return sum + static_cast<double>(spec.extension_weights);
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
  const double stored = linear_weights(spec, mixture.count) + head + (spec.tied_head ? 0.0 : head) +
                        static_cast<double>(spec.extension_table);
  return (linear_weights(spec, met) + head) / stored;
}

}  // namespace sizeup
