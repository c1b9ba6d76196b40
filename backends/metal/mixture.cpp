#include "backends/metal/mixture.h"

#include <algorithm>

#include "backends/engine/routing.h"
#include "backends/metal/encode.h"
#include "backends/metal/kernels/parameters.h"
#include "backends/metal/memory.h"

namespace sizeup::metal {
namespace {

using namespace metal_kernels;

static_assert(kMostRouted == kMostExperts);
static_assert(static_cast<int>(RouterScoring::softmax) == kSoftmaxScores);
static_assert(static_cast<int>(RouterScoring::softmax_chosen) == kSoftmaxOfChosen);
static_assert(static_cast<int>(RouterScoring::sigmoid) == kSigmoidScores);

ExpertMatrix load_experts(Queue& queue, const std::vector<ExpertTensors>& experts,
                          Tensor ExpertTensors::*weight, Tensor ExpertBiases::*bias, ThreadPool& pool) {
  std::vector<LinearTensors> stacked;
  for (const ExpertTensors& expert : experts)
    stacked.push_back(
        {.weight = &(expert.*weight), .bias = expert.biases ? &((*expert.biases).*bias) : nullptr});
  return {.matrix = load_matrix(queue, stacked, pool),
          .outputs = static_cast<int>((experts.front().*weight).rows())};
}

Matrix load_one(Queue& queue, const Tensor& weight, const Tensor* bias, ThreadPool& pool) {
  const LinearTensors linear{.weight = &weight, .bias = bias};
  return load_matrix(queue, std::span(&linear, 1), pool);
}

std::unique_ptr<Buffer> values_or_none(Queue& queue, const Tensor* values) {
  return values == nullptr ? nullptr : buffer_of<float>(queue, values_of(values));
}

// Each use's product with its expert's matrix.
void multiply_experts(Queue& queue, const ExpertMatrix& experts, Binding in, int uses_of_row, Binding chosen,
                      int uses, Binding out) {
  const Matrix& matrix = experts.matrix;
  for (const MatrixPart& part : matrix.parts) {
    const int first_expert = part.first_output / experts.outputs;
    encode(queue,
           {"linear_experts",
            {{"weight_format", static_cast<int>(part.type)},
             {"uses_matrices", queue.has_matrices() ? 1 : 0},
             {"experts_have_bias", matrix.bias != nullptr ? 1 : 0}}},
           {in,
            {matrix.weights.get(), part.offset},
            {matrix.bias != nullptr ? matrix.bias.get() : matrix.weights.get()},
            chosen,
            out},
           ExpertParameters{.inputs = matrix.inputs,
                            .outputs = experts.outputs,
                            .row_bytes = part.row_bytes,
                            .uses = uses_of_row,
                            .first_expert = first_expert,
                            .end_expert = first_expert + part.outputs / experts.outputs},
           {{groups_for(experts.outputs, kTileOutputs), uses}, kTileThreads});
  }
}

// gates = activation(gates) * ups, of rows that lie side by side.
void activate(Queue& queue, Activation activation, Binding gates, Binding ups, int columns, int rows) {
  encode(queue, {"gate", {{"activation_kind", static_cast<int>(activation)}}}, {gates, ups, gates},
         ColumnParameters{
             .columns = columns, .in_stride = columns, .factor_stride = columns, .factor_column = 0},
         {{groups_for(columns, kElementThreads), rows}, kElementThreads});
}

void require_floats(Queue& queue, std::unique_ptr<Buffer>& buffer, int rows, int columns) {
  require_bytes(
      queue, buffer,
      std::max<size_t>(static_cast<size_t>(rows) * static_cast<size_t>(columns), 1) * sizeof(float));
}

}  // namespace

int64_t Mixture::bytes() const {
  size_t sum = router.bytes() + gate.matrix.bytes() + up.matrix.bytes() + down.matrix.bytes();
  if (spec.shared_width > 0) sum += shared_gate.bytes() + shared_up.bytes() + shared_down.bytes();
  return static_cast<int64_t>(sum);
}

Mixture Mixtures::load(Queue& queue, const ExpertSpec& spec, const MixtureTensors& tensors,
                       ThreadPool& pool) {
  Mixture made;
  made.spec = spec;
  std::vector<LinearTensors> router = {{.weight = tensors.router, .bias = tensors.router_bias}};
  if (tensors.shared_gate) router.push_back({.weight = &*tensors.shared_gate, .bias = nullptr});
  made.router = load_matrix(queue, router, pool);
  made.selection_bias = values_or_none(queue, tensors.selection_bias);
  made.expert_scale = values_or_none(queue, tensors.expert_scale);
  made.gate = load_experts(queue, tensors.experts, &ExpertTensors::gate, &ExpertBiases::gate, pool);
  made.up = load_experts(queue, tensors.experts, &ExpertTensors::up, &ExpertBiases::up, pool);
  made.down = load_experts(queue, tensors.experts, &ExpertTensors::down, &ExpertBiases::down, pool);
  if (tensors.shared) {
    const ExpertTensors& shared = *tensors.shared;
    const auto bias = [&](Tensor ExpertBiases::*which) {
      return shared.biases ? &((*shared.biases).*which) : nullptr;
    };
    made.shared_gate = load_one(queue, shared.gate, bias(&ExpertBiases::gate), pool);
    made.shared_up = load_one(queue, shared.up, bias(&ExpertBiases::up), pool);
    made.shared_down = load_one(queue, shared.down, bias(&ExpertBiases::down), pool);
  }
  const auto raise = [](int& width, int to) { width = std::max(width, to); };
  raise(widths_.outputs, made.router.outputs);
  raise(widths_.used, spec.used);
  raise(widths_.parts, made.parts());
  raise(widths_.inner, spec.used * made.gate.outputs);
  raise(widths_.results, spec.used * made.down.outputs);
  raise(widths_.shared_inner, made.shared_gate.outputs);
  raise(widths_.columns, made.down.outputs);
  return made;
}

void Mixtures::make_room(Queue& queue, int rows) {
  require_floats(queue, outputs_, rows, widths_.outputs);
  require_floats(queue, experts_, rows, widths_.used);
  require_floats(queue, weights_, rows, widths_.parts);
  require_floats(queue, gates_, rows, widths_.inner);
  require_floats(queue, ups_, rows, widths_.inner);
  require_floats(queue, results_, rows, widths_.results);
  require_floats(queue, shared_gates_, rows, widths_.shared_inner);
  require_floats(queue, shared_ups_, rows, widths_.shared_inner);
  require_floats(queue, shared_results_, rows, widths_.columns);
}

void Mixtures::add(Queue& queue, const Mixture& mixture, Activation activation, const Rows& rows) {
  const ExpertSpec& spec = mixture.spec;
  const Binding outputs{outputs_.get()};
  const Binding chosen{experts_.get()};
  const Binding weights{weights_.get()};
  multiply(queue, mixture.router,
           {.in = rows.router_in, .rows = rows.count, .out = outputs, .out_stride = mixture.router.outputs});
  encode(queue,
         {"choose_experts",
          {{"router_has_bias", mixture.selection_bias != nullptr ? 1 : 0},
           {"router_has_scale", mixture.expert_scale != nullptr ? 1 : 0}}},
         {outputs, mixture.selection_bias != nullptr ? Binding{mixture.selection_bias.get()} : outputs,
          mixture.expert_scale != nullptr ? Binding{mixture.expert_scale.get()} : outputs, chosen, weights},
         RouterParameters{.scale = spec.scale,
                          .experts = spec.count,
                          .used = spec.used,
                          .parts = mixture.parts(),
                          .stride = mixture.router.outputs,
                          .scoring = static_cast<int>(spec.scoring),
                          .groups = spec.groups,
                          .groups_used = spec.groups_used,
                          .group_best = spec.group_best,
                          .normalised = spec.normalised ? 1 : 0,
                          .shared_gated = spec.shared_gated ? 1 : 0},
         {{rows.count}, kSimdThreads});
  const int uses = rows.count * spec.used;
  multiply_experts(queue, mixture.gate, rows.in, spec.used, chosen, uses, {gates_.get()});
  multiply_experts(queue, mixture.up, rows.in, spec.used, chosen, uses, {ups_.get()});
  activate(queue, activation, {gates_.get()}, {ups_.get()}, mixture.gate.outputs, uses);
  multiply_experts(queue, mixture.down, {gates_.get()}, 1, chosen, uses, {results_.get()});
  if (spec.shared_width > 0) add_shared(queue, mixture, activation, rows);
  encode(queue, {"add_experts"}, {{results_.get()}, {shared_results_.get()}, weights, rows.out},
         ExpertSumParameters{.columns = mixture.down.outputs, .used = spec.used, .parts = mixture.parts()},
         {{groups_for(mixture.down.outputs, kElementThreads), rows.count}, kElementThreads});
}

void Mixtures::add_shared(Queue& queue, const Mixture& mixture, Activation activation, const Rows& rows) {
  const int inner = mixture.shared_gate.outputs;
  multiply(queue, mixture.shared_gate,
           {.in = rows.in, .rows = rows.count, .out = {shared_gates_.get()}, .out_stride = inner});
  multiply(queue, mixture.shared_up,
           {.in = rows.in, .rows = rows.count, .out = {shared_ups_.get()}, .out_stride = inner});
  activate(queue, activation, {shared_gates_.get()}, {shared_ups_.get()}, inner, rows.count);
  multiply(queue, mixture.shared_down,
           {.in = {shared_gates_.get()},
            .rows = rows.count,
            .out = {shared_results_.get()},
            .out_stride = mixture.shared_down.outputs});
}

}  // namespace sizeup::metal
