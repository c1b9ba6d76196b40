#include "backends/cpu/mixture.h"

#include <algorithm>
#include <array>

#include "backends/cpu/pack.h"
#include "backends/cpu/storage.h"
#include "core/errors/result.h"

namespace sizeup::cpu {
namespace {

// Panels of a task. A product widens a block of about a megabyte of weights for all rows: of 2,048 inputs
// these are 8 panels of either family, so that a task is such a block.
constexpr int kTaskPanels = 8;

// Everything that begins in a buffer begins with a cache line.
size_t whole_lines(size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

void at_least(HugeBuffer& buffer, size_t bytes) {
  if (buffer.size() < bytes) buffer = HugeBuffer(bytes);
}

float* floats(HugeBuffer& buffer) {
  return reinterpret_cast<float*>(buffer.data());
}

PackedExpert pack_expert(const ExpertTensors& tensors, Precision precision, const ProductFamily& family,
                         ThreadPool& pool) {
  const auto bias = [&](const Tensor ExpertBiases::*part) {
    return tensors.biases ? &((*tensors.biases).*part) : nullptr;
  };
  const std::array gate_up{LinearTensors{.weight = &tensors.gate, .bias = bias(&ExpertBiases::gate)},
                           LinearTensors{.weight = &tensors.up, .bias = bias(&ExpertBiases::up)}};
  const std::array down{LinearTensors{.weight = &tensors.down, .bias = bias(&ExpertBiases::down)}};
  return {.gate_up = pack_linear(gate_up, true, storage_of(precision, gate_up), family, pool),
          .down = pack_linear(down, false, storage_of(precision, tensors.down), family, pool)};
}

// [column][lane] of a group to `columns` neighbouring floats of each row.
template <class Column, class Row>
void lanes_to_rows(int columns, int rows, const Column& column, const Row& row) {
  for (int first = 0; first < columns; first += kLanes) {  // a row's cache line is written at once
    const int end = std::min(first + kLanes, columns);
    for (int lane = 0; lane < rows; ++lane) {
      float* to = row(lane);
      for (int c = first; c < end; ++c) to[c] = column(c)[lane];
    }
  }
}

}  // namespace

size_t PackedMixture::bytes() const {
  size_t sum = router.weights.size();
  for (const PackedExpert& expert : experts)
    sum += expert.gate_up.weights.size() + expert.down.weights.size();
  return sum;
}

PackedMixture pack_mixture(const ExpertSpec& spec, const MixtureTensors& tensors, Precision precision,
                           const ProductFamily& family, const ProductFamily& router_family,
                           ThreadPool& pool) {
  std::vector<LinearTensors> outputs = {{.weight = tensors.router, .bias = tensors.router_bias}};
  if (tensors.shared_gate) outputs.push_back({.weight = &*tensors.shared_gate, .bias = nullptr});
  PackedMixture mixture{
      .routing = Routing(spec, values_of(tensors.selection_bias), values_of(tensors.expert_scale)),
      .router = pack_linear(outputs, false, storage_of(Precision::float32, outputs), router_family, pool),
      .experts = {}};
  for (const ExpertTensors& expert : tensors.experts)
    mixture.experts.push_back(pack_expert(expert, precision, family, pool));
  if (tensors.shared) mixture.experts.push_back(pack_expert(*tensors.shared, precision, family, pool));
  return mixture;
}

size_t Mixtures::scratch_bytes(const PackedMixture& mixture) const {
  size_t most = router_family_.scratch_bytes(mixture.router);
  for (const PackedExpert& expert : mixture.experts) {
    most = std::max({most, family_.scratch_bytes(expert.gate_up), family_.scratch_bytes(expert.down)});
  }
  return most;
}

void Mixtures::add(const PackedMixture& mixture, const Operand& router_in, const Operand& in,
                   Activation activation, const LaneRows& out) {
  if (in.rows == 0) return;
  route(mixture, router_in);
  sort_by_expert(mixture, in.rows);
  make_room(mixture, in);
  gather(in);
  gate_up(activation);
  down(out.columns);
  const WeightedParts parts{
      .values = floats(results_), .weights = weights_.data(), .count = mixture.parts(), .stride = stride_};
  workers_.each_groups(out.groups(), out.columns * parts.count,
                       [&](int first, int end) { kernels_.add_weighted(parts, out, first, end); });
}

// experts_ and weights_.
void Mixtures::route(const PackedMixture& mixture, const Operand& in) {
  const ExpertSpec& spec = mixture.routing.spec();
  const int columns = mixture.router.outputs;
  const int groups = groups_of(in.rows);
  at_least(outputs_, sizeof(float) * kLanes * static_cast<size_t>(groups) * static_cast<size_t>(columns));
  ProductResult result;
  result.rows = {.data = floats(outputs_), .rows = in.rows, .columns = columns};
  result.outputs = columns;
  workers_.multiply(router_family_, std::span(&mixture.router, 1), in, result);

  const auto parts = static_cast<size_t>(mixture.parts());
  experts_.resize(parts * static_cast<size_t>(in.rows));
  weights_.resize(experts_.size());
  workers_.each_groups(groups, columns * spec.used, [&](int first, int end) {
    std::vector<float> row(static_cast<size_t>(columns));
    std::vector<ChosenExpert> chosen(static_cast<size_t>(spec.used));
    for (int r = first * kLanes; r < std::min(end * kLanes, in.rows); ++r) {
      for (int c = 0; c < columns; ++c)
        row[static_cast<size_t>(c)] = result.rows.at(r / kLanes, c)[r % kLanes];
      mixture.routing.choose(row, chosen);
      const size_t begin = static_cast<size_t>(r) * parts;
      for (size_t i = 0; i < chosen.size(); ++i) {
        experts_[begin + i] = chosen[i].expert;
        weights_[begin + i] = chosen[i].weight;
      }
      if (chosen.size() == parts) continue;
      experts_[begin + parts - 1] = spec.count;
      weights_[begin + parts - 1] = spec.shared_gated ? sigmoid(row.back()) : 1.0F;
    }
  });
}

// use_rows_, use_parts_ and the experts of expert_rows_, from experts_.
void Mixtures::sort_by_expert(const PackedMixture& mixture, int rows) {
  std::vector<int> begin(mixture.experts.size() + 1, 0);  // of each expert's uses
  for (const int32_t expert : experts_) ++begin[static_cast<size_t>(expert) + 1];
  expert_rows_.clear();
  for (size_t e = 0; e < mixture.experts.size(); ++e) {
    const int count = begin[e + 1];
    begin[e + 1] += begin[e];
    if (count == 0) continue;
    ExpertRows& own = expert_rows_.emplace_back();
    own.expert = &mixture.experts[e];
    own.first_use = begin[e];
    own.in.rows = count;
  }
  use_rows_.resize(experts_.size());
  use_parts_.resize(experts_.size());
  const int parts = mixture.parts();
  for (int i = 0; i < rows * parts; ++i) {
    const auto place = static_cast<size_t>(begin[static_cast<size_t>(experts_[static_cast<size_t>(i)])]++);
    use_rows_[place] = i / parts;
    use_parts_[place] = i;
  }
}

// The operands of expert_rows_, and all buffers.
void Mixtures::make_room(const PackedMixture& mixture, const Operand& in) {
  size_t operand_bytes = 0;
  size_t gated_bytes = 0;
  int most_rows = 0;
  const auto lay_out = [this](const PackedLinear& reader, int rows, size_t& bytes) {
    const Operand operand{.data = nullptr, .format = format_, .rows = rows, .columns = reader.padded_inputs};
    bytes += whole_lines(operand.bytes());
    return operand;
  };
  for (ExpertRows& own : expert_rows_) {
    const int rows = own.in.rows;
    own.in = lay_out(own.expert->gate_up, rows, operand_bytes);
    own.gated = lay_out(own.expert->down, rows, gated_bytes);
    most_rows = std::max(most_rows, rows);
  }
  at_least(operands_, operand_bytes);
  at_least(gated_, gated_bytes);
  std::byte* operand = operands_.data();
  std::byte* gated = gated_.data();
  for (ExpertRows& own : expert_rows_) {
    own.in.data = operand;
    own.gated.data = gated;
    operand += whole_lines(own.in.bytes());
    gated += whole_lines(own.gated.bytes());
  }
  const int outputs = mixture.experts.front().down.outputs;
  stride_ = groups_of(outputs) * kLanes;
  at_least(values_, sizeof(float) * static_cast<size_t>(in.rows) * static_cast<size_t>(in.columns));
  at_least(results_, sizeof(float) * experts_.size() * static_cast<size_t>(stride_));
  blocks_.resize(static_cast<size_t>(workers_.size()));
  for (HugeBuffer& block : blocks_) {
    at_least(block, sizeof(float) * kLanes * static_cast<size_t>(groups_of(most_rows)) *
                        static_cast<size_t>(kTaskPanels * family_.panel_outputs));
  }
}

void Mixtures::gather(const Operand& in) {
  const auto columns = static_cast<size_t>(in.columns);
  float* values = floats(values_);
  workers_.each_groups(groups_of(in.rows), in.columns, [&](int first, int end) {
    for (int group = first; group < end; ++group) {
      lanes_to_rows(
          in.columns, std::min(kLanes, in.rows - group * kLanes),
          [&](int c) { return in.floats_at(group, c); },
          [&](int lane) { return values + static_cast<size_t>(group * kLanes + lane) * columns; });
    }
  });
  // Groups of all experts, one after the other.
  std::vector<std::pair<const ExpertRows*, int>> groups;
  for (const ExpertRows& own : expert_rows_) {
    for (int group = 0; group < groups_of(own.in.rows); ++group) groups.emplace_back(&own, group);
  }
  workers_.split(groups.size(), use_rows_.size() * columns, [&](size_t first, size_t end) {
    for (size_t i = first; i < end; ++i) {
      const auto& [own, group] = groups[i];
      kernels_.gather(values, use_rows_.data() + own->first_use, own->in, group, group + 1);
    }
  });
}

template <class Linear>
void Mixtures::list_tasks(const Linear& linear_of) {
  tasks_.clear();
  for (size_t i = 0; i < expert_rows_.size(); ++i) {
    const int panels = linear_of(expert_rows_[i]).panels();
    for (int first = 0; first < panels; first += kTaskPanels) {
      tasks_.push_back({static_cast<int>(i), first, std::min(first + kTaskPanels, panels)});
    }
  }
}

void Mixtures::gate_up(Activation activation) {
  list_tasks([](const ExpertRows& own) -> const PackedLinear& { return own.expert->gate_up; });
  workers_.each_task(tasks_.size(), [&](size_t index, int thread) {
    const PanelTask& task = tasks_[index];
    const ExpertRows& own = expert_rows_[static_cast<size_t>(task.rows_of)];
    ProductResult result;
    result.kind = ProductResult::Kind::gate;
    result.activation = activation;
    result.operand = own.gated;
    result.outputs = own.expert->down.inputs;
    family_.multiply(own.expert->gate_up, own.in, result, task.first_panel, task.end_panel,
                     workers_.scratch(thread));
  });
}

void Mixtures::down(int outputs) {
  list_tasks([](const ExpertRows& own) -> const PackedLinear& { return own.expert->down; });
  workers_.each_task(tasks_.size(), [&](size_t index, int thread) {
    const PanelTask& task = tasks_[index];
    const ExpertRows& own = expert_rows_[static_cast<size_t>(task.rows_of)];
    const int first = task.first_panel * family_.panel_outputs;
    const int columns = std::min(task.end_panel * family_.panel_outputs, outputs) - first;
    ProductResult result;
    result.rows = {.data = floats(blocks_[static_cast<size_t>(thread)]),
                   .rows = own.in.rows,
                   .columns = columns,
                   .first_column = first};
    result.outputs = outputs;
    family_.multiply(own.expert->down, own.gated, result, task.first_panel, task.end_panel,
                     workers_.scratch(thread));
    for (int group = 0; group < result.rows.groups(); ++group) {
      const int32_t* places = use_parts_.data() + own.first_use + group * kLanes;
      lanes_to_rows(
          columns, std::min(kLanes, own.in.rows - group * kLanes),
          [&](int c) { return result.rows.at(group, first + c); },
          [&](int lane) {
            return floats(results_) + static_cast<size_t>(places[lane]) * static_cast<size_t>(stride_) +
                   first;
          });
    }
  });
}

}  // namespace sizeup::cpu
