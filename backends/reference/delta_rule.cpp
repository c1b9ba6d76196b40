#include "backends/reference/delta_rule.h"

#include <algorithm>
#include <cmath>

#include "backends/reference/row_operations.h"

namespace sizeup {
namespace {

size_t window_floats(const DeltaSpec& spec) {
  return static_cast<size_t>(spec.taps - 1) * static_cast<size_t>(spec.channels());
}

size_t head_floats(const DeltaSpec& spec) {
  return static_cast<size_t>(spec.key_size) * static_cast<size_t>(spec.value_size);
}

// mixed: the rows' queries, keys and values after the convolution, [row][channels].
void convolve(const DeltaLayer& layer, const StateRun& run, const RowsView& rows, float* window,
              std::vector<float>& mixed) {
  const auto channels = static_cast<size_t>(layer.spec.channels());
  const size_t kept = window_floats(layer.spec);
  for (int r = run.first_row; r < run.first_row + run.rows; ++r) {
    const float* input = rows.row(r);
    float* out = mixed.data() + static_cast<size_t>(r) * channels;
    const float* newest = layer.weights.taps.data() + kept;
    for (size_t c = 0; c < channels; ++c) {
      float sum = 0.0F;
      for (size_t i = c; i < kept; i += channels) sum += layer.weights.taps[i] * window[i];
      out[c] = sum + newest[c] * input[c];
    }
    activate(Activation::silu, out, static_cast<int>(channels));
    if (kept == 0) continue;
    std::copy(window + channels, window + kept, window);
    std::copy_n(input, channels, window + kept - channels);
  }
}

// x / |x|, times a factor.
std::vector<float> unit(const float* x, int size, float factor) {
  double square = 0.0;
  for (int i = 0; i < size; ++i) square += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  const float scale = 1.0F / std::sqrt(static_cast<float>(square) + kDeltaLengthEpsilon);
  std::vector<float> scaled(static_cast<size_t>(size));
  for (int i = 0; i < size; ++i) scaled[static_cast<size_t>(i)] = x[i] * scale * factor;
  return scaled;
}

// One head of one row: `state` goes on, the value becomes the result.
void step_head(const DeltaSpec& spec, const float* query, const float* key, const DeltaGates& gates,
               float* state, float* value) {
  const std::vector<float> q =
      unit(query, spec.key_size, 1.0F / std::sqrt(static_cast<float>(spec.key_size)));
  const std::vector<float> k = unit(key, spec.key_size, 1.0F);
  const auto size = static_cast<size_t>(spec.value_size);
  std::vector<float> found(size, 0.0F);
  for (size_t i = 0; i < k.size(); ++i) {
    for (size_t v = 0; v < size; ++v) {
      state[i * size + v] *= gates.kept;
      found[v] += k[i] * state[i * size + v];
    }
  }
  for (size_t v = 0; v < size; ++v) found[v] = gates.taken * (value[v] - found[v]);
  std::fill_n(value, size, 0.0F);
  for (size_t i = 0; i < k.size(); ++i) {
    for (size_t v = 0; v < size; ++v) {
      state[i * size + v] += k[i] * found[v];
      value[v] += q[i] * state[i * size + v];
    }
  }
}

void run_head(const DeltaLayer& layer, int head, const StateRun& run, const RowsView& rows, float* state,
              std::vector<float>& mixed) {
  const DeltaSpec& spec = layer.spec;
  for (int r = run.first_row; r < run.first_row + run.rows; ++r) {
    const float* gates = rows.row(r) + spec.channels() + spec.value_width() + head;
    float* query = mixed.data() + static_cast<size_t>(r) * static_cast<size_t>(spec.channels()) +
                   spec.key_head(head) * spec.key_size;
    float* value = mixed.data() + static_cast<size_t>(r) * static_cast<size_t>(spec.channels()) +
                   2 * spec.key_width() + head * spec.value_size;
    step_head(spec, query, query + spec.key_width(),
              delta_gates(layer.weights, head, gates[0], gates[spec.value_heads]), state, value);
  }
}

// body(run, its part of the state) of every run; what it left then goes to the run's forks. The part begins
// at `first` and has `count` floats.
template <class Body>
void each_run(const StateRuns& runs, const std::function<float*(int32_t)>& state, size_t first, size_t count,
              const Body& body) {
  for (const StateRun& run : runs.runs) {
    float* part = state(run.state) + first;
    if (run.from_zero) std::fill_n(part, count, 0.0F);
    body(run, part);
    for (int32_t f = run.first_fork; f < run.end_fork; ++f)
      std::copy_n(part, count, state(runs.forks[static_cast<size_t>(f)]) + first);
  }
}

}  // namespace

size_t delta_state_floats(const DeltaSpec& spec) {
  return window_floats(spec) + static_cast<size_t>(spec.value_heads) * head_floats(spec);
}

void run_delta_rule(const DeltaLayer& layer, const StateRuns& runs, const RowsView& rows,
                    const std::function<float*(int32_t)>& state, const RowsView& out, ThreadPool& pool) {
  const DeltaSpec& spec = layer.spec;
  std::vector<float> mixed(static_cast<size_t>(rows.rows) * static_cast<size_t>(spec.channels()));
  each_run(runs, state, 0, window_floats(spec),
           [&](const StateRun& run, float* window) { convolve(layer, run, rows, window, mixed); });
  pool.parallel_for(static_cast<size_t>(spec.value_heads), [&](size_t head) {
    each_run(runs, state, window_floats(spec) + head * head_floats(spec), head_floats(spec),
             [&](const StateRun& run, float* part) {
               run_head(layer, static_cast<int>(head), run, rows, part, mixed);
             });
  });
  const Norm norm{
      .kind = NormKind::root_mean_square, .epsilon = spec.epsilon, .weight = layer.weights.norm, .bias = {}};
  for (int r = 0; r < rows.rows; ++r) {
    const float* results =
        mixed.data() + static_cast<size_t>(r) * static_cast<size_t>(spec.channels()) + 2 * spec.key_width();
    for (int head = 0; head < spec.value_heads; ++head)
      apply_norm(norm, results + head * spec.value_size, out.row(r) + head * spec.value_size);
    const float* gate = rows.row(r) + spec.channels();
    if (spec.sigmoid_gate) {
      apply_sigmoid(out.row(r), gate, spec.value_width(), out.row(r));
    } else {
      activate_gated(Activation::silu, gate, out.row(r), spec.value_width(), out.row(r));
    }
  }
}

}  // namespace sizeup
