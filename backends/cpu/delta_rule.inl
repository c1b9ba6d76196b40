// Gated delta rules, included after a vector_*.h, activation.inl, operand.inl and mean.inl.
namespace {

using sizeup::StateRun;
using sizeup::cpu::DeltaShape;
using sizeup::cpu::DeltaWork;
using sizeup::cpu::kDeltaChannels;
using sizeup::cpu::kLanes;

using sizeup::cpu::ConvolutionWork;
using sizeup::cpu::LaneRows;

static inline float* state_part(const DeltaWork& work, int32_t state) {
  return reinterpret_cast<float*>(work.states[static_cast<size_t>(state)]);
}

static inline float* mixed_row(const DeltaWork& work, int row) {
  return work.mixed + static_cast<size_t>(row) * static_cast<size_t>(work.shape.stride());
}

static inline void copy_floats(float* to, const float* from, size_t count) {
  __builtin_memcpy(to, from, count * sizeof(float));
}

// A row's inputs of channels [first, first + count) of `channels`; those that pad the last vector are zero.
static inline void read_channels(const LaneRows& rows, int channels, int row, int first, int count,
                                 float* to) {
  const int real = channels - first < count ? channels - first : count;
  const float* from = rows.at(row / kLanes, first) + row % kLanes;
  for (int c = 0; c < real; ++c) to[c] = from[c * kLanes];
  for (int c = real > 0 ? real : 0; c < count; ++c) to[c] = 0.0F;
}

// The inputs of the last `taps` positions, in a ring: that of row i of the run is in place (taps - 1 + i) %
// taps, those of the state before it in places from 0 on.
static void convolve_run(const DeltaWork& work, const StateRun& run, int first, int count) {
  const int taps = work.shape.spec.taps;
  const int stride = work.shape.stride();
  alignas(64) float ring[sizeup::kMostDeltaTaps][kDeltaChannels];
  float* window = state_part(work, run.state) + first;
  for (int t = 0; t < taps - 1; ++t) {
    for (int c = 0; c < count; ++c) ring[t][c] = run.from_zero ? 0.0F : window[t * stride + c];
  }
  for (int i = 0; i < run.rows; ++i) {
    const int row = run.first_row + i;
    read_channels(work.rows, work.shape.spec.channels(), row, first, count, ring[(taps - 1 + i) % taps]);
    for (int c = 0; c < count; c += kLanes) {
      Lanes sum = zero();
      for (int t = 0; t < taps; ++t)
        sum = fused(load(work.taps + t * stride + first + c), load(ring[(i + t) % taps] + c), sum);
      store(mixed_row(work, row) + first + c, activated(Activation::silu, sum));
    }
  }
  for (int t = 0; t < taps - 1; ++t) {
    const float* kept = ring[(run.rows + t) % taps];
    copy_floats(window + t * stride, kept, static_cast<size_t>(count));
    for (int32_t f = run.first_fork; f < run.end_fork; ++f) {
      float* fork = state_part(work, work.runs->forks[static_cast<size_t>(f)]) + first;
      copy_floats(fork + t * stride, kept, static_cast<size_t>(count));
    }
  }
}

static void convolve(const DeltaWork& work, int first_channel, int end_channel) {
  for (const StateRun& run : work.runs->runs)
    convolve_run(work, run, first_channel, end_channel - first_channel);
}

// As convolve_run; taps lie apart, and results are added to rows in lanes.
static void convolve_add_run(const ConvolutionWork& work, const StateRun& run, int first, int count) {
  const sizeup::ConvolutionSpec& spec = work.shape.spec;
  const int reach = spec.reach();
  const int places = reach + 1;
  const int stride = work.shape.stride();
  const int real = spec.channels - first < count ? spec.channels - first : count;
  const auto part = [&](int32_t state) {
    return reinterpret_cast<float*>(work.states[static_cast<size_t>(state)]) + work.first_float + first;
  };
  alignas(64) float ring[sizeup::kMostReach + 1][kDeltaChannels];
  alignas(64) float mixed[kDeltaChannels];
  float* window = part(run.state);
  for (int t = 0; t < reach; ++t) {
    for (int c = 0; c < count; ++c) ring[t][c] = run.from_zero ? 0.0F : window[t * stride + c];
  }
  for (int i = 0; i < run.rows; ++i) {
    const int row = run.first_row + i;
    read_channels(work.in, spec.channels, row, first, count, ring[(reach + i) % places]);
    for (int c = 0; c < count; c += kLanes) {
      Lanes sum = zero();
      for (int t = 0; t < spec.taps; ++t) {
        sum = fused(load(work.taps + t * stride + first + c),
                    load(ring[(i + t * spec.dilation) % places] + c), sum);
      }
      store(mixed + c, activated(Activation::silu, sum));
    }
    float* to = work.out.at(row / kLanes, first) + row % kLanes;
    for (int c = 0; c < real; ++c) to[c * kLanes] += mixed[c];
  }
  for (int t = 0; t < reach; ++t) {
    const float* kept = ring[(run.rows + t) % places];
    copy_floats(window + t * stride, kept, static_cast<size_t>(count));
    for (int32_t f = run.first_fork; f < run.end_fork; ++f) {
      copy_floats(part(work.runs->forks[static_cast<size_t>(f)]) + t * stride, kept,
                  static_cast<size_t>(count));
    }
  }
}

static void convolve_add(const ConvolutionWork& work, int first_channel, int end_channel) {
  for (const StateRun& run : work.runs->runs)
    convolve_add_run(work, run, first_channel, end_channel - first_channel);
}

static inline void make_unit(float* x, int size, float factor) {
  Lanes squares = zero();
  for (int i = 0; i < size; i += kLanes) {
    const Lanes part = load_some(x + i, size - i < kLanes ? size - i : kLanes);
    squares = fused(part, part, squares);
  }
  alignas(64) float lanes[kLanes];
  store(lanes, squares);
  float sum = 0.0F;
  for (const float square : lanes) sum += square;
  const Lanes scale = broadcast(factor) / square_root(broadcast(sum + sizeup::kDeltaLengthEpsilon));
  for (int i = 0; i < size; i += kLanes) {
    const int count = size - i < kLanes ? size - i : kLanes;
    store_some(x + i, load_some(x + i, count) * scale, count);
  }
}

static void normalise(const DeltaWork& work, int first_row, int end_row) {
  const sizeup::DeltaSpec& spec = work.shape.spec;
  alignas(64) float root[kLanes];
  store(root, broadcast(1.0F) / square_root(broadcast(static_cast<float>(spec.key_size))));
  for (int row = first_row; row < end_row; ++row) {
    float* head = mixed_row(work, row);
    for (int h = 0; h < 2 * spec.key_heads; ++h, head += spec.key_size)
      make_unit(head, spec.key_size, h < spec.key_heads ? root[0] : 1.0F);
  }
}

// A row of one head as far as kVectors vectors of its value go, of which the last has `last` elements.
struct DeltaRow {
  const float* query;
  const float* key;
  float* value;
  sizeup::DeltaGates gates;
  int keys;
  int last;
};

// body(key, key modulo 4) for all keys.
template <class Body>
static inline __attribute__((always_inline)) void each_key(int keys, const Body& body) {
  int i = 0;
  for (; i + 4 <= keys; i += 4) {
    for (int j = 0; j < 4; ++j) body(i + j, j);
  }
  for (int j = 0; i < keys; ++i, ++j) body(i, j);
}

// state: [vector][key][kLanes]
template <int kVectors>
static inline void step_row(const DeltaRow& row, float* state) {
  const auto place = [&](int vector, int key) { return state + (vector * row.keys + key) * kLanes; };
  const auto elements = [&](int vector) { return vector + 1 == kVectors ? row.last : kLanes; };
  Lanes found[4][kVectors];
  for (auto& part : found) {
    for (Lanes& sum : part) sum = zero();
  }
  each_key(
      row.keys, [&](int i, int j) __attribute__((always_inline)) {
        const Lanes key = broadcast(row.key[i]);
        for (int v = 0; v < kVectors; ++v) found[j][v] = fused(key, load(place(v, i)), found[j][v]);
      });
  const Lanes kept = broadcast(row.gates.kept);
  Lanes change[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    const Lanes sum = (found[0][v] + found[1][v]) + (found[2][v] + found[3][v]);
    const Lanes value = load_some(row.value + v * kLanes, elements(v));
    change[v] = broadcast(row.gates.taken) * (value - kept * sum);
  }
  Lanes result[4][kVectors];
  for (auto& part : result) {
    for (Lanes& sum : part) sum = zero();
  }
  each_key(
      row.keys, [&](int i, int j) __attribute__((always_inline)) {
        const Lanes key = broadcast(row.key[i]);
        const Lanes query = broadcast(row.query[i]);
        for (int v = 0; v < kVectors; ++v) {
          const Lanes next = fused(key, change[v], kept * load(place(v, i)));
          store(place(v, i), next);
          result[j][v] = fused(query, next, result[j][v]);
        }
      });
  for (int v = 0; v < kVectors; ++v) {
    const Lanes sum = (result[0][v] + result[1][v]) + (result[2][v] + result[3][v]);
    store_some(row.value + v * kLanes, sum, elements(v));
  }
}

// kVectors vectors of the values of one head from `first` on: all runs of the chain, while this part of the
// state is in the first cache.
template <int kVectors>
static void go_on_vectors(const DeltaWork& work, int chain, int head, int first) {
  const sizeup::DeltaSpec& spec = work.shape.spec;
  const size_t begin = work.shape.window_floats() + static_cast<size_t>(head) * work.shape.head_floats() +
                       static_cast<size_t>(first * spec.key_size * kLanes);
  const auto count = static_cast<size_t>(kVectors * spec.key_size * kLanes);
  const int left = spec.value_size - (first + kVectors - 1) * kLanes;
  const int query = spec.key_head(head) * spec.key_size;
  const int value = 2 * spec.key_width() + head * spec.value_size + first * kLanes;
  for (int32_t r = work.runs->chain_begin[static_cast<size_t>(chain)];
       r < work.runs->chain_begin[static_cast<size_t>(chain) + 1]; ++r) {
    const StateRun& run = work.runs->runs[static_cast<size_t>(r)];
    float* state = state_part(work, run.state) + begin;
    if (run.from_zero) __builtin_memset(state, 0, count * sizeof(float));
    for (int row = run.first_row; row < run.first_row + run.rows; ++row) {
      float* mixed = mixed_row(work, row);
      step_row<kVectors>(
          {.query = mixed + query,
           .key = mixed + query + spec.key_width(),
           .value = mixed + value,
           .gates = work.gates[static_cast<size_t>(row) * static_cast<size_t>(spec.value_heads) +
                               static_cast<size_t>(head)],
           .keys = spec.key_size,
           .last = left < kLanes ? left : kLanes},
          state);
    }
    for (int32_t f = run.first_fork; f < run.end_fork; ++f)
      copy_floats(state_part(work, work.runs->forks[static_cast<size_t>(f)]) + begin, state, count);
  }
}

static void go_on(const DeltaWork& work, int chain, int head) {
  const int vectors = work.shape.vectors();
  int first = 0;
  for (; first + kDeltaVectors <= vectors; first += kDeltaVectors)
    go_on_vectors<kDeltaVectors>(work, chain, head, first);
  for (; first < vectors; ++first) go_on_vectors<1>(work, chain, head, first);
}

// [value][kLanes]: one head's results of a group's rows; lanes without a row have those of the first.
static inline void read_results(const DeltaWork& work, int group, int column, float* to) {
  for (int lane = 0; lane < kLanes; ++lane) {
    const int row = group * kLanes + lane;
    const float* from = mixed_row(work, row < work.rows.rows ? row : group * kLanes) + column;
    for (int i = 0; i < work.shape.spec.value_size; ++i) to[i * kLanes + lane] = from[i];
  }
}

static void finish(const DeltaWork& work, int group, float* scratch) {
  const sizeup::DeltaSpec& spec = work.shape.spec;
  for (int head = 0; head < spec.value_heads; ++head) {
    const int column = head * spec.value_size;
    read_results(work, group, 2 * spec.key_width() + column, scratch);
    const Lanes square = mean_of(spec.value_size, [scratch](int c, Lanes sum) {
      const Lanes value = load(scratch + c * kLanes);
      return fused(value, value, sum);
    });
    const Lanes scale = broadcast(1.0F) / square_root(square + broadcast(spec.epsilon));
    const auto result = [&](int i) {
      const Lanes gate = load(work.rows.at(group, spec.channels() + column + i));
      const Lanes factor = spec.sigmoid_gate ? logistic(gate) : activated(Activation::silu, gate);
      return load(scratch + i * kLanes) * scale * broadcast(work.norm[i]) * factor;
    };
    // Pairs of columns are cheaper to write; they are whole where every head has an even number.
    const bool pairs = spec.value_size % 2 == 0;
    for (int i = 0; pairs && i < spec.value_size; i += 2)
      store_columns(work.out, group, column + i, result(i), result(i + 1));
    for (int i = 0; !pairs && i < spec.value_size; ++i) store_column(work.out, group, column + i, result(i));
  }
}

}  // namespace
