#include "backends/metal/recurrent_layers.h"

#include <algorithm>

#include "backends/engine/delta_rule.h"
#include "backends/engine/state_runs.h"
#include "backends/metal/encode.h"

namespace sizeup::metal {
namespace {

using namespace metal_kernels;

static_assert(kMostTaps == kMostDeltaTaps);

int part_floats(const DeltaSpec& spec) {
  return (spec.taps - 1) * spec.channels() + spec.value_heads * spec.key_size * spec.value_size;
}

Binding behind(Binding binding, int floats) {
  return {binding.buffer, binding.offset + static_cast<size_t>(floats) * sizeof(float)};
}

}  // namespace

RecurrentLayers::RecurrentLayers(const DecoderSpec& spec, Queue& queue) : queue_(queue) {
  for (const LayerSpec& layer : spec.layers) {
    layer_floats_.push_back(state_floats_);
    if (layer.delta) {
      state_floats_ += part_floats(*layer.delta);
      most_channels_ = std::max(most_channels_, layer.delta->channels());
    }
    window_floats_.push_back(state_floats_);
    if (layer.convolution) state_floats_ += layer.convolution->reach() * layer.convolution->channels;
  }
}

DeltaId RecurrentLayers::add(const DeltaSpec& spec, const DeltaTensors& tensors) {
  const DeltaWeights weights = read_delta_weights(spec, tensors);
  deltas_.push_back({.spec = spec,
                     .taps = buffer_of<float>(queue_, weights.taps),
                     .rates = buffer_of<float>(queue_, weights.rates),
                     .biases = buffer_of<float>(queue_, weights.biases),
                     .norm = buffer_of<float>(queue_, weights.norm)});
  return static_cast<DeltaId>(deltas_.size() - 1);
}

ConvolutionId RecurrentLayers::add(const ConvolutionSpec& spec, const Tensor& taps) {
  convolutions_.push_back({.spec = spec, .taps = buffer_of<float>(queue_, read_taps(taps))});
  return static_cast<ConvolutionId>(convolutions_.size() - 1);
}

void RecurrentLayers::begin(const Step& step, StepUpload& upload) {
  if (state_floats_ == 0) return;
  if (step.state_count > states_held_) {
    states_held_ = std::max(step.state_count, 2 * states_held_);
    std::unique_ptr<Buffer> larger = queue_.make_buffer(static_cast<size_t>(states_held_) * state_bytes());
    if (states_ != nullptr) std::ranges::copy(states_->bytes(), larger->bytes().begin());
    states_ = std::move(larger);
  }
  for (const StateCopy& copy : step.state_copies) {
    const auto state = [&](int32_t number) {
      return states_->bytes().subspan(static_cast<size_t>(number) * state_bytes(), state_bytes());
    };
    std::ranges::copy(state(copy.from), state(copy.to).begin());
  }
  const size_t mixed = static_cast<size_t>(step.rows()) * static_cast<size_t>(most_channels_);
  require_bytes(queue_, mixed_, std::max<size_t>(mixed, 1) * sizeof(float));
  const StateRuns plan = plan_state_runs(step);
  std::vector<DeltaRun> runs;
  for (const StateRun& run : plan.runs) {
    runs.push_back({.state = run.state,
                    .first_row = run.first_row,
                    .rows = run.rows,
                    .from_zero = run.from_zero ? 1 : 0,
                    .first_fork = run.first_fork,
                    .end_fork = run.end_fork});
  }
  chains_ = plan.chains();
  runs_ = upload.add<DeltaRun>(runs);
  chain_begin_ = upload.add<int32_t>(plan.chain_begin);
  forks_ = upload.add<int32_t>(plan.forks);
}

void RecurrentLayers::run(int layer, DeltaId id, Binding rows, int count, Binding out,
                          const StepUpload& upload) {
  const Delta& delta = deltas_[static_cast<size_t>(id)];
  const DeltaSpec& spec = delta.spec;
  const DeltaParameters parameters{.length_epsilon = kDeltaLengthEpsilon,
                                   .state_floats = state_floats_,
                                   .layer_floats = layer_floats_[static_cast<size_t>(layer)],
                                   .stride = spec.columns(),
                                   .channels = spec.channels(),
                                   .taps = spec.taps,
                                   .key_heads = spec.key_heads,
                                   .value_heads = spec.value_heads,
                                   .key_size = spec.key_size,
                                   .value_size = spec.value_size,
                                   .tiled = spec.tiled ? 1 : 0};
  const Binding mixed{mixed_.get()};
  encode(queue_, {"convolve_rows"},
         {rows,
          {delta.taps.get()},
          upload.at(runs_),
          upload.at(chain_begin_),
          upload.at(forks_),
          {states_.get()},
          mixed},
         parameters, {{groups_for(spec.channels(), kSimdThreads), chains_}, kSimdThreads});
  encode(queue_, {"run_delta_heads"},
         {rows,
          {delta.rates.get()},
          {delta.biases.get()},
          upload.at(runs_),
          upload.at(chain_begin_),
          upload.at(forks_),
          {states_.get()},
          mixed},
         parameters, {{groups_for(spec.value_size, kSimdThreads), spec.value_heads, chains_}, kSimdThreads});
  const int width = spec.value_width();
  encode(queue_, {"norm", {{"norm_formula", kRootMeanSquare}, {"norm_has_bias", 0}, {"norm_adds", 0}}},
         {behind(mixed, 2 * spec.key_width()), {delta.norm.get()}, {delta.norm.get()}, out},
         NormParameters{.epsilon = spec.epsilon,
                        .columns = spec.value_size,
                        .in_stride = spec.channels(),
                        .out_stride = width,
                        .first_column = 0},
         {{spec.value_heads, count}, kRowThreads});
  const Launch each{{groups_for(width, kElementThreads), count}, kElementThreads};
  if (spec.sigmoid_gate) {
    encode(queue_, {"apply_gate"}, {out, rows, out},
           ColumnParameters{.columns = width,
                            .in_stride = width,
                            .factor_stride = spec.columns(),
                            .factor_column = spec.channels()},
           each);
  } else {
    encode(queue_, {"gate", {{"activation_kind", kSilu}}}, {behind(rows, spec.channels()), out, out},
           ColumnParameters{
               .columns = width, .in_stride = spec.columns(), .factor_stride = width, .factor_column = 0},
           each);
  }
}

void RecurrentLayers::convolve_add(int layer, ConvolutionId id, Binding in, Binding rows,
                                   const StepUpload& upload) {
  const auto& [spec, taps] = convolutions_[static_cast<size_t>(id)];
  encode(
      queue_, {"convolve_apart"},
      {in, {taps.get()}, upload.at(runs_), upload.at(chain_begin_), upload.at(forks_), {states_.get()}, rows},
      ConvolutionParameters{.state_floats = state_floats_,
                            .layer_floats = window_floats_[static_cast<size_t>(layer)],
                            .channels = spec.channels,
                            .taps = spec.taps,
                            .dilation = spec.dilation},
      {{groups_for(spec.channels, kSimdThreads), chains_}, kSimdThreads});
}

}  // namespace sizeup::metal
