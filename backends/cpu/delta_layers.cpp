#include "backends/cpu/delta_layers.h"

#include <algorithm>
#include <cstring>

namespace sizeup::cpu {
namespace {

// Rows of a task where rows are independent.
constexpr int kTaskRows = kLanes;

// [tap][channel] with each tap's channels padded to whole vectors.
std::vector<float> padded_taps(const std::vector<float>& taps, int count, int channels, int stride) {
  std::vector<float> padded(static_cast<size_t>(count) * static_cast<size_t>(stride));
  for (std::ptrdiff_t tap = 0; tap < count; ++tap)
    std::copy_n(taps.begin() + tap * channels, channels, padded.begin() + tap * stride);
  return padded;
}

// Of a layer's delta rule, after which those of its convolution lie.
size_t delta_floats(const LayerSpec& layer) {
  return layer.delta ? DeltaShape{*layer.delta}.state_floats() : 0;
}

std::vector<size_t> delta_floats_of(const DecoderSpec& spec) {
  std::vector<size_t> floats;
  for (const LayerSpec& layer : spec.layers) floats.push_back(delta_floats(layer));
  return floats;
}

}  // namespace

std::vector<size_t> state_bytes(const DecoderSpec& spec) {
  std::vector<size_t> bytes;
  for (const LayerSpec& layer : spec.layers)
    bytes.push_back(sizeof(float) *
                    (delta_floats(layer) +
                     (layer.convolution ? ConvolutionShape{*layer.convolution}.state_floats() : 0)));
  return bytes;
}

DeltaLayers::DeltaLayers(const DecoderSpec& spec, const DeltaKernels& kernels, Workers& workers)
    : kernels_(kernels),
      workers_(workers),
      first_floats_(delta_floats_of(spec)),
      layer_bytes_(cpu::state_bytes(spec)),
      states_(layer_bytes_) {}

DeltaId DeltaLayers::add(const DeltaSpec& spec, const DeltaTensors& tensors) {
  Layer& layer = layers_.emplace_back(Layer{.shape = {spec}, .weights = read_delta_weights(spec, tensors)});
  layer.weights.taps = padded_taps(layer.weights.taps, spec.taps, spec.channels(), layer.shape.stride());
  workers_.reserve_scratch(sizeof(float) * kLanes * static_cast<size_t>(spec.value_size));
  return static_cast<DeltaId>(layers_.size() - 1);
}

ConvolutionId DeltaLayers::add_convolution(const ConvolutionSpec& spec, const Tensor& taps) {
  Convolution& made = convolutions_.emplace_back(Convolution{.shape = {spec}, .taps = {}});
  made.taps = padded_taps(read_taps(taps), spec.taps, spec.channels, made.shape.stride());
  return static_cast<ConvolutionId>(convolutions_.size() - 1);
}

void DeltaLayers::begin(const Step& step) {
  if (layers_.empty() && convolutions_.empty()) return;
  states_.reserve(step.state_count);
  workers_.pool().parallel_for(step.state_copies.empty() ? 0 : layer_bytes_.size(), [&](size_t layer) {
    const auto parts = states_.layer(static_cast<int>(layer));
    for (const StateCopy& copy : step.state_copies) {
      std::memcpy(parts[static_cast<size_t>(copy.to)], parts[static_cast<size_t>(copy.from)],
                  layer_bytes_[layer]);
    }
  });
  runs_ = plan_state_runs(step);
}

void DeltaLayers::run(int layer, DeltaId delta, const LaneRows& rows, const Operand& out) {
  const Layer& own = layers_[static_cast<size_t>(delta)];
  const DeltaSpec& spec = own.shape.spec;
  const size_t needed =
      sizeof(float) * static_cast<size_t>(rows.rows) * static_cast<size_t>(own.shape.stride());
  if (mixed_.size() < needed) mixed_ = HugeBuffer(needed);
  find_gates(own, rows);
  const DeltaWork work{.shape = own.shape,
                       .runs = &runs_,
                       .states = states_.layer(layer),
                       .taps = own.weights.taps.data(),
                       .norm = own.weights.norm.data(),
                       .rows = rows,
                       .mixed = reinterpret_cast<float*>(mixed_.data()),
                       .gates = gates_.data(),
                       .out = out};
  const int stride = own.shape.stride();
  workers_.each_task(static_cast<size_t>((stride + kDeltaChannels - 1) / kDeltaChannels),
                     [&](size_t task, int) {
                       const int first = static_cast<int>(task) * kDeltaChannels;
                       kernels_.convolve(work, first, std::min(first + kDeltaChannels, stride));
                     });
  workers_.each_task(static_cast<size_t>((rows.rows + kTaskRows - 1) / kTaskRows), [&](size_t task, int) {
    const int first = static_cast<int>(task) * kTaskRows;
    kernels_.normalise(work, first, std::min(first + kTaskRows, rows.rows));
  });
  const auto heads = static_cast<size_t>(spec.value_heads);
  workers_.each_task(static_cast<size_t>(runs_.chains()) * heads, [&](size_t task, int) {
    kernels_.go_on(work, static_cast<int>(task / heads), static_cast<int>(task % heads));
  });
  workers_.each_task(static_cast<size_t>(rows.groups()), [&](size_t group, int thread) {
    kernels_.finish(work, static_cast<int>(group), reinterpret_cast<float*>(workers_.scratch(thread)));
  });
}

void DeltaLayers::convolve_add(int layer, ConvolutionId convolution, const LaneRows& in,
                               const LaneRows& out) {
  const Convolution& own = convolutions_[static_cast<size_t>(convolution)];
  const ConvolutionWork work{.shape = own.shape,
                             .runs = &runs_,
                             .states = states_.layer(layer),
                             .first_float = first_floats_[static_cast<size_t>(layer)],
                             .taps = own.taps.data(),
                             .in = in,
                             .out = out};
  const int stride = own.shape.stride();
  workers_.each_task(static_cast<size_t>((stride + kDeltaChannels - 1) / kDeltaChannels),
                     [&](size_t task, int) {
                       const int first = static_cast<int>(task) * kDeltaChannels;
                       kernels_.convolve_add(work, first, std::min(first + kDeltaChannels, stride));
                     });
}

void DeltaLayers::find_gates(const Layer& layer, const LaneRows& rows) {
  const DeltaSpec& spec = layer.shape.spec;
  const auto heads = static_cast<size_t>(spec.value_heads);
  gates_.resize(static_cast<size_t>(rows.rows) * heads);
  const int first = spec.channels() + spec.value_width();
  workers_.each_groups(rows.groups(), 2 * spec.value_heads, [&](int first_group, int end_group) {
    for (int r = first_group * kLanes; r < std::min(end_group * kLanes, rows.rows); ++r) {
      const float* taken = rows.at(r / kLanes, first) + r % kLanes;
      const float* step = rows.at(r / kLanes, first + spec.value_heads) + r % kLanes;
      for (size_t head = 0; head < heads; ++head) {
        gates_[static_cast<size_t>(r) * heads + head] =
            delta_gates(layer.weights, static_cast<int>(head), taken[head * kLanes], step[head * kLanes]);
      }
    }
  });
}

}  // namespace sizeup::cpu
