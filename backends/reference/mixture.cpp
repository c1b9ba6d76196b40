#include "backends/reference/mixture.h"

#include <algorithm>
#include <array>

#include "backends/reference/row_operations.h"

namespace sizeup {
namespace {

void add_bias(const std::vector<float>& bias, const RowsView& rows) {
  for (int r = 0; r < rows.rows; ++r) add_in_place(rows.row(r), bias.data(), static_cast<int>(bias.size()));
}

std::vector<const Tensor*> router_outputs(const MixtureTensors& tensors) {
  std::vector<const Tensor*> outputs = {tensors.router};
  if (tensors.shared_gate) outputs.push_back(&*tensors.shared_gate);
  return outputs;
}

struct Rows {
  FloatBuffer values;
  RowsView view;

  Rows(int rows, int columns)
      : values(padded_columns(columns) * static_cast<size_t>(rows)),
        view{values.data(), padded_columns(columns), rows} {}
};

}  // namespace

Mixture::Expert::Expert(const ExpertTensors& tensors)
    : gate_up(std::array{&tensors.gate, &tensors.up}), down(std::array{&tensors.down}) {
  if (!tensors.biases) return;
  gate_up_bias = values_of(&tensors.biases->gate);
  const std::vector<float> up_bias = values_of(&tensors.biases->up);
  gate_up_bias.insert(gate_up_bias.end(), up_bias.begin(), up_bias.end());
  down_bias = values_of(&tensors.biases->down);
}

Mixture::Mixture(const ExpertSpec& spec, const MixtureTensors& tensors)
    : routing_(spec, values_of(tensors.selection_bias), values_of(tensors.expert_scale)),
      router_(router_outputs(tensors)),
      router_bias_(values_of(tensors.router_bias)) {
  for (const ExpertTensors& expert : tensors.experts) experts_.emplace_back(expert);
  if (tensors.shared) experts_.emplace_back(*tensors.shared);
}

size_t Mixture::bytes() const {
  size_t sum = router_.bytes();
  for (const Expert& expert : experts_) sum += expert.gate_up.bytes() + expert.down.bytes();
  return sum;
}

// For each row the experts that it adds, in this order.
std::vector<ChosenExpert> Mixture::route(const RowsView& in, ThreadPool& pool) const {
  const ExpertSpec& spec = routing_.spec();
  const Rows outputs(in.rows, router_.outputs());
  multiply(in, router_, outputs.view, pool);
  add_bias(router_bias_, outputs.view);
  std::vector<ChosenExpert> chosen;
  for (int r = 0; r < in.rows; ++r) {
    const std::span<const float> row(outputs.view.row(r), static_cast<size_t>(router_.outputs()));
    chosen.resize(chosen.size() + static_cast<size_t>(spec.used));
    routing_.choose(row, std::span(chosen).last(static_cast<size_t>(spec.used)));
    if (spec.shared_width > 0) chosen.push_back({spec.count, spec.shared_gated ? sigmoid(row.back()) : 1.0F});
  }
  return chosen;
}

class Mixture::Results {
 public:
  Results(int rows, int orders, int columns) : orders_(orders), rows_(rows * orders, columns) {}
  float* of(const Use& use) { return rows_.view.row(use.row * orders_ + use.order); }

 private:
  int orders_;
  Rows rows_;
};

void Mixture::compute(const Expert& expert, Activation activation, const RowsView& in,
                      const std::vector<Use>& uses, Results& results, ThreadPool& pool) const {
  const int rows = static_cast<int>(uses.size());
  const int width = expert.down.inputs();
  const Rows gathered(rows, expert.gate_up.inputs());
  for (int i = 0; i < rows; ++i) {
    std::copy_n(in.row(uses[static_cast<size_t>(i)].row), expert.gate_up.inputs(), gathered.view.row(i));
  }
  const Rows both(rows, expert.gate_up.outputs());
  multiply(gathered.view, expert.gate_up, both.view, pool);
  add_bias(expert.gate_up_bias, both.view);
  for (int i = 0; i < rows; ++i)
    activate_gated(activation, both.view.row(i), both.view.row(i) + width, width, both.view.row(i));
  const Rows down(rows, expert.down.outputs());
  multiply(both.view, expert.down, down.view, pool);
  add_bias(expert.down_bias, down.view);
  for (int i = 0; i < rows; ++i) {
    std::copy_n(down.view.row(i), expert.down.outputs(), results.of(uses[static_cast<size_t>(i)]));
  }
}

void Mixture::add(const RowsView& router_in, const RowsView& in, Activation activation, const RowsView& out,
                  ThreadPool& pool) const {
  const std::vector<ChosenExpert> chosen = route(router_in, pool);
  const int orders = in.rows == 0 ? 0 : static_cast<int>(chosen.size()) / in.rows;
  std::vector<std::vector<Use>> uses(experts_.size());
  const auto choice = [&](int row, int order) { return chosen[static_cast<size_t>(row * orders + order)]; };
  for (int r = 0; r < in.rows; ++r) {
    for (int o = 0; o < orders; ++o) uses[static_cast<size_t>(choice(r, o).expert)].push_back({r, o});
  }
  const int width = experts_.front().down.outputs();
  Results results(in.rows, orders, width);
  for (size_t e = 0; e < experts_.size(); ++e) {
    if (!uses[e].empty()) compute(experts_[e], activation, in, uses[e], results, pool);
  }
  std::vector<float> sum(static_cast<size_t>(width));
  for (int r = 0; r < in.rows; ++r) {
    std::fill(sum.begin(), sum.end(), 0.0F);
    for (int o = 0; o < orders; ++o) {
      const float* result = results.of({r, o});
      const float weight = choice(r, o).weight;
      for (size_t c = 0; c < sum.size(); ++c) sum[c] += weight * result[c];
    }
    add_in_place(out.row(r), sum.data(), width);
  }
}

}  // namespace sizeup
