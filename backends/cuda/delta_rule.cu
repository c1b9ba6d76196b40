#include "backends/cuda/delta_rule.h"

#include "backends/cuda/activation_functions.h"
#include "backends/cuda/row_sums.cuh"
#include "backends/cuda/scratch_parts.h"
#include "backends/engine/delta_rule.h"

namespace sizeup::cuda {
namespace {

int64_t window_floats(const DeltaSpec& spec) {
  const int64_t floats = static_cast<int64_t>(spec.taps - 1) * spec.channels();
  return (floats + 15) / 16 * 16;  // heads begin with a line
}

// A spec as kernels take it.
struct Shape {
  int key_heads;
  int value_heads;
  int key_size;
  int value_size;
  int key_width;
  int value_width;
  int channels;
  float epsilon;
  bool tiled;

  explicit Shape(const DeltaSpec& spec)
      : key_heads(spec.key_heads),
        value_heads(spec.value_heads),
        key_size(spec.key_size),
        value_size(spec.value_size),
        key_width(spec.key_width()),
        value_width(spec.value_width()),
        channels(spec.channels()),
        epsilon(spec.epsilon),
        tiled(spec.tiled) {}
  __device__ int key_head(int head) const {
    return tiled ? head % key_heads : head / (value_heads / key_heads);
  }
};

struct Room {
  ValueRows mixed;  // [row][channels]: queries, keys and values after the convolution; values become results
  ValueRows units;  // [row][key head][query, key][delta_keys]
  ValueRows gates;  // [row][value head][taken, kept]
  ValueRows windows;  // [window][kept][channels]

  Room(const DeltaSpec& spec, int rows, int changed, ScratchParts& parts) {
    mixed = parts.values(rows, spec.channels());
    units = parts.values(rows, spec.key_heads * 2 * delta_keys(spec.key_size));
    gates = parts.values(rows, 2 * spec.value_heads);
    windows = parts.values(changed, (spec.taps - 1) * spec.channels());
  }
};

// Four channels of an earlier input.
__device__ Four source_four(int32_t source, int kept, int channels, const ConstValueRows& rows,
                            const DeltaStates& states, int column, int count) {
  if (source == kZeroSource) return {};
  if (source >= 0) return load_four(rows.row(source) + column, count);
  const float* window = states.first + kept_state(source, kept) * states.stride +
                        static_cast<int64_t>(kept_slot(source, kept)) * channels;
  return load_four(window + column, count);
}

struct Convolve {
  DeltaPlanView plan;
  const float* taps;
  ConstValueRows rows;
  DeltaStates states;
  ValueRows mixed;

  __device__ void operator()(int row, int column, int count) const {
    const int channels = mixed.columns;
    Four sum;
    for (int tap = 0; tap <= plan.kept; ++tap) {
      const int32_t source =
          tap == plan.kept ? row : plan.sources[static_cast<int64_t>(row) * plan.kept + tap];
      const Four input = source_four(source, plan.kept, channels, rows, states, column, count);
      const Four weight = load_four(taps + static_cast<int64_t>(tap) * channels + column, count);
      for (int i = 0; i < 4; ++i)
        sum.value[i] = __fadd_rn(sum.value[i], __fmul_rn(weight.value[i], input.value[i]));
    }
    for (float& value : sum.value) value = activated(Activation::silu, value);
    store_four(mixed.row(row) + column, sum, count);
  }
};

// Windows are gathered before any is written: one may come from another.
struct GatherWindows {
  DeltaPlanView plan;
  int channels;
  ConstValueRows rows;
  DeltaStates states;
  ValueRows windows;

  __device__ void operator()(int window, int column, int count) const {
    for (int slot = 0; slot < plan.kept; ++slot) {
      const int32_t source = plan.window_sources[static_cast<int64_t>(window) * plan.kept + slot];
      const Four input = source_four(source, plan.kept, channels, rows, states, column, count);
      store_four(windows.row(window) + static_cast<int64_t>(slot) * channels + column, input, count);
    }
  }
};

struct ScatterWindows {
  DeltaPlanView plan;
  ConstValueRows windows;
  DeltaStates states;

  __device__ void operator()(int window, int column, int count) const {
    float* to = states.first + plan.window_states[window] * states.stride;
    store_four(to + column, load_four(windows.row(window) + column, count), count);
  }
};

// A head's query or key divided by its length; zeros fill the lanes.
struct Units {
  Shape spec;
  ConstValueRows mixed;
  ValueRows units;

  template <int kLanes>
  __device__ void operator()(int index) const {
    const int parts = 2 * spec.key_heads;
    const int row = index / parts;
    const int part = index % parts;  // all queries, then all keys
    const bool query = part < spec.key_heads;
    const int keys = delta_keys(spec.key_size);
    const float* from = mixed.row(row) + part * spec.key_size;
    float* to = units.row(row) + (2 * (part % spec.key_heads) + (query ? 0 : 1)) * keys;
    float square = 0.0F;
    each_four_of_lane<kLanes>(spec.key_size, [&](int column, int count) {
      const Four four = load_four(from + column, count);
      for (const float value : four.value) square = __fmaf_rn(value, value, square);
    });
    const float scale = 1.0F / sqrtf(__fadd_rn(sum_of_lanes<kLanes>(square), kDeltaLengthEpsilon));
    const float factor = query ? 1.0F / sqrtf(static_cast<float>(spec.key_size)) : 1.0F;
    each_four_of_lane<kLanes>(keys, [&](int column, int) {
      Four four = load_four(from + column, max(0, min(4, spec.key_size - column)));
      for (float& value : four.value) value = __fmul_rn(__fmul_rn(value, scale), factor);
      store_four(to + column, four, 4);
    });
  }
};

__device__ float kept_part(float rate, float x) {
  constexpr float kLinear = 20.0F;  // log(1 + e^x) is x in float32 from 17 on
  const float length = x > kLinear ? x : log1pf(expf(x));
  return expf(-rate * length);
}

struct Gates {
  Shape spec;
  const float* rates;
  const float* biases;
  ConstValueRows rows;
  ValueRows gates;

  // Pairs of a head are its taken and kept.
  __device__ void operator()(int row, int column, int count) const {
    const int heads = spec.value_heads;
    const float* inputs = rows.row(row) + spec.channels + spec.value_width;
    for (int i = 0; i < count; i += 2) {
      const int head = (column + i) / 2;
      gates.row(row)[column + i] = logistic(inputs[head]);
      gates.row(row)[column + i + 1] = kept_part(rates[head], __fadd_rn(inputs[heads + head], biases[head]));
    }
  }
};

// What a lane reads for a row.
template <int kKeys>
struct RowInputs {
  float query[kKeys];
  float key[kKeys];
  float value;
  float taken;
  float kept;
};

constexpr int kDeltaWarps = 4;  // of a block
constexpr int kWarpValues = kWarpLanes / kDeltaLanes;

// Lane `part` of eight has keys [part * kKeys, (part + 1) * kKeys) of one value's column of the state.
template <int kKeys>
struct Recurrence {
  Shape spec;
  DeltaPlanView plan;
  ConstValueRows units;
  ConstValueRows gates;
  DeltaStates states;  // their heads
  ValueRows mixed;

  static __device__ void load_keys(float (&to)[kKeys], const float* from) {
#pragma unroll
    for (int i = 0; i < kKeys; i += 4) {
      const Four four = load_four(from + i, 4);
      for (int j = 0; j < 4; ++j) to[i + j] = four.value[j];
    }
  }
  __device__ void load(RowInputs<kKeys>& inputs, int row, int head, int value, int part) const {
    const float* unit = units.row(row) + spec.key_head(head) * 2 * kDeltaLanes * kKeys + part * kKeys;
    load_keys(inputs.query, unit);
    load_keys(inputs.key, unit + kDeltaLanes * kKeys);
    inputs.value = *value_at(row, head, value);
    inputs.taken = gates.row(row)[2 * head];
    inputs.kept = gates.row(row)[2 * head + 1];
  }
  __device__ float* value_at(int row, int head, int value) const {
    return mixed.row(row) + 2 * spec.key_width + head * spec.value_size + value;
  }
  static __device__ float sum_of_parts(float sum) {
    for (int distance = kDeltaLanes / 2; distance > 0; distance /= 2)
      sum = __fadd_rn(sum, __shfl_xor_sync(0xFFFFFFFFU, sum, distance));
    return sum;
  }
  // S = kept S;  S += k (taken (v - k^T S))^T;  result = q^T S
  static __device__ float step(const RowInputs<kKeys>& inputs, float (&state)[kKeys]) {
    float found = 0.0F;
#pragma unroll
    for (int i = 0; i < kKeys; ++i) {
      state[i] = __fmul_rn(state[i], inputs.kept);
      found = __fmaf_rn(inputs.key[i], state[i], found);
    }
    const float change = __fmul_rn(inputs.taken, __fsub_rn(inputs.value, sum_of_parts(found)));
    float result = 0.0F;
#pragma unroll
    for (int i = 0; i < kKeys; ++i) {
      state[i] = __fmaf_rn(inputs.key[i], change, state[i]);
      result = __fmaf_rn(inputs.query[i], state[i], result);
    }
    return sum_of_parts(result);
  }
  __device__ float* state_at(int32_t state, int head, int value, int part) const {
    return states.first + state * states.stride +
           (static_cast<int64_t>(head) * spec.value_size + value) * (kDeltaLanes * kKeys) + part * kKeys;
  }
  static __device__ void store_keys(float* to, const float (&from)[kKeys]) {
#pragma unroll
    for (int i = 0; i < kKeys; i += 4)
      store_four(to + i, Four{{from[i], from[i + 1], from[i + 2], from[i + 3]}}, 4);
  }

  // The whole warp takes part in sums; values beyond the last are computed and not stored.
  __device__ void run(const StateRun& run, int head, int value, int part, bool real) const {
    float state[kKeys] = {};
    if (!run.from_zero) load_keys(state, state_at(run.state, head, value, part));
    RowInputs<kKeys> inputs;
    load(inputs, run.first_row, head, value, part);
    for (int row = run.first_row; row < run.first_row + run.rows; ++row) {
      RowInputs<kKeys> next;  // on its way while this row is computed
      load(next, min(row + 1, run.first_row + run.rows - 1), head, value, part);
      const float result = step(inputs, state);
      if (real && part == 0) *value_at(row, head, value) = result;
      inputs = next;
    }
    if (!real) return;
    store_keys(state_at(run.state, head, value, part), state);
    for (int32_t f = run.first_fork; f < run.end_fork; ++f)
      store_keys(state_at(plan.forks[f], head, value, part), state);
  }
};

template <int kKeys>
__global__ void __launch_bounds__(kDeltaWarps* kWarpLanes) recurrence_kernel(const Recurrence<kKeys> rule) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
  const int warp = static_cast<int>(blockIdx.x) * kDeltaWarps + static_cast<int>(threadIdx.x) / kWarpLanes;
  const int value = warp * kWarpValues + lane / kDeltaLanes;
  const int last = rule.spec.value_size - 1;
  const int chain = static_cast<int>(blockIdx.z);
  for (int run = rule.plan.chain_begin[chain]; run < rule.plan.chain_begin[chain + 1]; ++run) {
    rule.run(rule.plan.runs[run], static_cast<int>(blockIdx.y), min(value, last), lane % kDeltaLanes,
             value <= last);
  }
}

// A head's result through its norm, times silu of its gate.
template <class T>
struct Finish {
  Shape spec;
  const float* weights;
  ConstValueRows mixed;
  ConstValueRows rows;
  Rows<T> out;

  template <int kLanes>
  __device__ void operator()(int index) const {
    const int row = index / spec.value_heads;
    const int first = index % spec.value_heads * spec.value_size;
    const float* results = mixed.row(row) + 2 * spec.key_width + first;
    const float* gate = rows.row(row) + spec.channels + first;
    const float square = mean_square_of<kLanes>(results, 0.0F, spec.value_size);
    const float scale = 1.0F / sqrtf(__fadd_rn(square, spec.epsilon));
    each_four_of_lane<kLanes>(spec.value_size, [&](int column, int count) {
      Four four = load_four(results + column, count);
      const Four weight = load_four(weights + column, count);
      const Four gates = load_four(gate + column, count);
      for (int i = 0; i < 4; ++i) {
        const float normed = __fmul_rn(__fmul_rn(four.value[i], scale), weight.value[i]);
        four.value[i] = activated_gate(Activation::silu, gates.value[i], normed);
      }
      store_four(out.row(row) + first + column, four, count);
    });
  }
};

template <int kKeys>
void launch_recurrence(const DeltaView& delta, const DeltaPlanView& plan, const Room& room,
                       const DeltaStates& states, cudaStream_t stream) {
  const DeltaSpec& spec = delta.spec;
  const DeltaStates heads{states.first + window_floats(spec), states.stride};
  const Recurrence<kKeys> rule{Shape(spec), plan, room.units, room.gates, heads, room.mixed};
  constexpr int kBlockValues = kDeltaWarps * kWarpValues;
  const dim3 grid(static_cast<unsigned>((spec.value_size + kBlockValues - 1) / kBlockValues),
                  static_cast<unsigned>(spec.value_heads), static_cast<unsigned>(plan.chains));
  recurrence_kernel<kKeys><<<grid, kDeltaWarps * kWarpLanes, 0, stream>>>(rule);
  check(cudaGetLastError());
}

}  // namespace

int64_t delta_state_floats(const DeltaSpec& spec) {
  const int64_t heads = static_cast<int64_t>(spec.value_heads) * spec.value_size * delta_keys(spec.key_size);
  return window_floats(spec) + heads;
}

size_t delta_scratch_bytes(const DeltaSpec& spec, int rows, int windows) {
  ScratchParts parts(nullptr);
  const Room room(spec, rows, windows, parts);
  return parts.used();
}

void delta_rule(const DeltaView& delta, const DeltaPlanView& plan, const ConstValueRows& rows,
                const DeltaStates& states, const OperandRows& out, std::byte* scratch, cudaStream_t stream) {
  const DeltaSpec& spec = delta.spec;
  require(spec.key_size <= kMostDeltaKeys && plan.kept == spec.taps - 1, "the kernels fit the layer");
  if (rows.rows == 0) return;
  ScratchParts parts(scratch);
  const Room room(spec, rows.rows, plan.windows, parts);
  each_four(rows.rows, spec.channels(), stream, Convolve{plan, delta.taps, rows, states, room.mixed});
  each_four(plan.windows, spec.channels(), stream,
            GatherWindows{plan, spec.channels(), rows, states, room.windows});
  each_four(plan.windows, plan.kept * spec.channels(), stream, ScatterWindows{plan, room.windows, states});
  each_row(rows.rows * 2 * spec.key_heads, spec.key_size, stream, Units{Shape(spec), room.mixed, room.units});
  each_four(rows.rows, 2 * spec.value_heads, stream,
            Gates{Shape(spec), delta.rates, delta.biases, rows, room.gates});
  switch (delta_lane_keys(spec.key_size)) {
    case 8:
      launch_recurrence<8>(delta, plan, room, states, stream);
      break;
    case 16:
      launch_recurrence<16>(delta, plan, room, states, stream);
      break;
    default:
      launch_recurrence<32>(delta, plan, room, states, stream);
  }
  with_operand(out, [&]<class T>(const Rows<T>& to) {
    each_row(rows.rows * spec.value_heads, spec.value_size, stream,
             Finish<T>{Shape(spec), delta.norm, room.mixed, rows, to});
  });
}

}  // namespace sizeup::cuda
