#include "backends/cuda/recurrent_layers.h"

#include <algorithm>

#include "backends/cuda/check.h"
#include "backends/engine/delta_rule.h"
#include "backends/engine/state_runs.h"

namespace sizeup::cuda {

RecurrentLayers::RecurrentLayers(const DecoderSpec& spec, int64_t most_bytes) : spec_(spec) {
  for (const LayerSpec& layer : spec.layers) {
    state_begin_.push_back(state_bytes_);
    if (!layer.delta) continue;
    // Whole lines, so that every layer's part begins at one.
    constexpr size_t kLine = 64;
    const size_t bytes = static_cast<size_t>(delta_state_floats(*layer.delta)) * sizeof(float);
    state_bytes_ += (bytes + kLine - 1) / kLine * kLine;
    if (std::ranges::find(plans_, layer.delta->taps, &Plan::taps) == plans_.end())
      plans_.push_back({.taps = layer.delta->taps, .plan = std::nullopt, .words = {}, .view = {}});
  }
  if (state_bytes_ > 0) states_.emplace(static_cast<size_t>(most_bytes));
}

size_t RecurrentLayers::weight_bytes() const {
  size_t bytes = 0;
  for (const Delta& delta : deltas_) {
    for (const DeviceMemory& values : delta.values) bytes += values.bytes();
  }
  return bytes;
}

DeltaId RecurrentLayers::add(const DeltaSpec& spec, const DeltaTensors& tensors) {
  const DeltaWeights weights = read_delta_weights(spec, tensors);
  Delta& delta = deltas_.emplace_back();
  for (const std::vector<float>* values : {&weights.taps, &weights.rates, &weights.biases, &weights.norm})
    delta.values.push_back(DeviceMemory::of<float>(*values));
  delta.view = {.spec = spec,
                .taps = delta.values[0].as<float>(),
                .rates = delta.values[1].as<float>(),
                .biases = delta.values[2].as<float>(),
                .norm = delta.values[3].as<float>()};
  return static_cast<DeltaId>(deltas_.size() - 1);
}

void RecurrentLayers::plan(const Step& step, StepUpload& upload) {
  if (plans_.empty()) return;
  const StateRuns runs = plan_state_runs(step);
  for (Plan& one : plans_) {
    one.plan.emplace(runs, step.rows(), one.taps);
    one.words = upload.add(one.plan->words());
  }
}

void RecurrentLayers::begin(const Step& step, const StepUpload& upload, cudaStream_t stream) {
  if (plans_.empty()) return;
  for (Plan& one : plans_) one.view = one.plan->view(upload.at(one.words));
  states_->require_bytes(static_cast<size_t>(step.state_count) * state_bytes_, stream);
  const auto state = [&](int32_t index) {
    return states_->data() + static_cast<size_t>(index) * state_bytes_;
  };
  for (const StateCopy& copy : step.state_copies) {
    if (copy.from == copy.to) continue;
    check(cudaMemcpyAsync(state(copy.to), state(copy.from), state_bytes_, cudaMemcpyDeviceToDevice, stream));
  }
}

void RecurrentLayers::run(int layer, DeltaId delta, const ValueRows& rows, const OperandRows& out,
                          cudaStream_t stream) {
  const DeltaView& view = deltas_[static_cast<size_t>(delta)].view;
  const Plan& plan = *std::ranges::find(plans_, view.spec.taps, &Plan::taps);
  scratch_.require_bytes(delta_scratch_bytes(view.spec, rows.rows, plan.view.windows));
  const DeltaStates states{
      .first = reinterpret_cast<float*>(states_->data() + state_begin_[static_cast<size_t>(layer)]),
      .stride = static_cast<int64_t>(state_bytes_ / sizeof(float))};
  cuda::delta_rule(view, plan.view, rows, states, out, scratch_.as(), stream);
}

}  // namespace sizeup::cuda
