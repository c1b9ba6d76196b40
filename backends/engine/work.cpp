#include "backends/engine/work.h"

namespace sizeup {

Work& Work::operator+=(const Work& other) {
  rows += other.rows;
  wanted += other.wanted;
  attended += other.attended;
  return *this;
}

Work work_of(const Step& step) {
  Work work{.rows = step.rows(), .wanted = static_cast<int64_t>(step.wanted.size())};
  for (const int32_t position : step.positions) work.attended += position + 1;
  return work;
}

int64_t linear_weights(const DecoderSpec& spec) {
  const int64_t attention = int64_t{spec.width} * (2 * spec.query_width() + 2 * spec.kv_width());
  const int64_t feed_forward = int64_t{3} * spec.width * spec.ffn_width;
  return spec.layers * (attention + feed_forward);
}

int64_t head_weights(const DecoderSpec& spec) {
  return int64_t{spec.vocabulary} * spec.width;
}

double flop_of(const DecoderSpec& spec, const Work& work) {
  const double linear = 2.0 * static_cast<double>(linear_weights(spec)) * static_cast<double>(work.rows);
  const double head = 2.0 * static_cast<double>(head_weights(spec)) * static_cast<double>(work.wanted);
  const double attention = 4.0 * spec.layers * spec.query_width() * static_cast<double>(work.attended);
  return linear + head + attention;
}

double share_read_by_step(const DecoderSpec& spec) {
  const int64_t read = linear_weights(spec) + head_weights(spec);
  const int64_t stored = read + (spec.tied_head ? 0 : head_weights(spec));
  return static_cast<double>(read) / static_cast<double>(stored);
}

}  // namespace sizeup
