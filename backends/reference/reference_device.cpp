#include "backends/reference/reference_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

#include "backends/engine/key_index.h"
#include "backends/engine/rotary_angles.h"
#include "backends/engine/stacked_biases.h"
#include "backends/engine/state_runs.h"
#include "backends/engine/work.h"
#include "backends/reference/attention.h"
#include "backends/reference/convolution.h"
#include "backends/reference/delta_rule.h"
#include "backends/reference/exponential.h"
#include "backends/reference/mixture.h"
#include "backends/reference/product.h"
#include "backends/reference/row_operations.h"
#include "core/errors/result.h"
#include "core/threads/thread_pool.h"

namespace sizeup {
namespace {

// Rows whose logits are held at once: [rows][vocabulary] of a large vocabulary must not fill the memory.
constexpr int kHeadRows = 64;

// Enough rows that reading the weights costs little beside multiplying with them, few enough that activations
// stay small.
constexpr int kPreferredRows = 512;

// Between layers in the caches, where one more row costs nearly as much as the first, and larger ones, where
// it costs a third (docs/performance.md).
constexpr int kWeightRows = 2;

class ReferenceDevice final : public Device {
 public:
  explicit ReferenceDevice(const DecoderSpec& spec) : spec_(spec), pool_(std::make_unique<ThreadPool>(1)) {
    for (int i = 0; i < spec.layer_count(); ++i) {
      const AttentionSpec& attention = spec.attention(i);
      page_begin_.push_back(page_floats_);
      if (spec.owns_keys(i)) page_floats_ += PageShape(attention).layer_floats();
      index_begin_.push_back(page_floats_);
      if (attention.index) page_floats_ += index_page_floats(*attention.index);
      state_begin_.push_back(state_floats_);
      if (spec.layer(i).delta) state_floats_ += delta_state_floats(*spec.layer(i).delta);
      window_begin_.push_back(state_floats_);
      if (spec.layer(i).convolution) state_floats_ += convolution_state_floats(*spec.layer(i).convolution);
      if (attention.rotary && angles_of(*attention.rotary) == nullptr)
        angles_.emplace_back(*attention.rotary, RotaryAngles(*attention.rotary));
    }
  }

  DeviceTraits traits() const override {
    DeviceTraits traits;
    traits.name = "reference";
    traits.preferred_rows = kPreferredRows;
    traits.weight_rows = spec_.has_states() ? 0 : kWeightRows;
    if (spec_.has_states()) traits.notes.emplace_back(kNoDrafts);
    for (const Linear& linear : linears_) {
      traits.weight_bytes += static_cast<int64_t>(linear.weight.bytes() + linear.bias.size() * sizeof(float));
    }
    for (const Mixture& mixture : mixtures_) traits.weight_bytes += static_cast<int64_t>(mixture.bytes());
    traits.weight_need = all_weights(spec_) * static_cast<int64_t>(sizeof(float));
    traits.page_bytes = static_cast<int64_t>(page_floats_ * sizeof(float));
    traits.state_bytes = static_cast<int64_t>(state_floats_ * sizeof(float));
    return traits;
  }
  void set_threads(int threads) override { pool_ = std::make_unique<ThreadPool>(std::max(1, threads)); }

  LinearId add_linear(std::span<const LinearTensors> stacked) override {
    std::vector<const Tensor*> weights;
    for (const LinearTensors& part : stacked) weights.push_back(part.weight);
    linears_.push_back({.weight = PackedMatrix(weights), .bias = stacked_biases(stacked)});
    return static_cast<LinearId>(linears_.size() - 1);
  }

  LinearId add_gated_linear(const LinearTensors& gate, const LinearTensors& up) override {
    return add_linear(std::array{gate, up});
  }

  MixtureId add_mixture(const ExpertSpec& spec, const MixtureTensors& tensors) override {
    mixtures_.emplace_back(spec, tensors);
    return static_cast<MixtureId>(mixtures_.size() - 1);
  }

  DeltaId add_delta(const DeltaSpec& spec, const DeltaTensors& tensors) override {
    deltas_.push_back({spec, read_delta_weights(spec, tensors)});
    return static_cast<DeltaId>(deltas_.size() - 1);
  }

  ConvolutionId add_convolution(const ConvolutionSpec& spec, const Tensor& taps) override {
    convolutions_.push_back({spec, read_taps(taps)});
    return static_cast<ConvolutionId>(convolutions_.size() - 1);
  }

  NormId add_norm(const NormSpec& spec, const NormTensors& tensors, int columns) override {
    norms_.push_back(read_norm(spec, tensors, columns));
    return static_cast<NormId>(norms_.size() - 1);
  }

  VectorId add_vector(const Tensor& values) override {
    vectors_.push_back(values_of(&values));
    return static_cast<VectorId>(vectors_.size() - 1);
  }

  RowsId add_rows(int columns, RowsUse) override {
    activations_.push_back({.columns = columns, .rows = 0, .values = {}});
    return static_cast<RowsId>(activations_.size() - 1);
  }

  void begin(const Step& step) override {
    step_ = &step;
    while (pages_.size() < static_cast<size_t>(step.page_count)) {
      pages_.emplace_back(page_floats_);
    }
    for (const PageCopy& copy : step.copies) {
      for (int layer = 0; layer < spec_.layer_count(); ++layer) {
        if (!spec_.owns_keys(layer)) continue;
        copy_positions(PageShape(spec_.attention(layer)), page_layer(copy.from, layer), copy.positions,
                       page_layer(copy.to, layer));
        // Keys of later positions and blocks come along; whoever continues the copy writes its own first.
        if (const auto& index = spec_.attention(layer).index)
          std::copy_n(index_part(copy.from, layer), index_page_floats(*index), index_part(copy.to, layer));
      }
    }
    if (spec_.has_states()) begin_states(step);
    const int32_t last = *std::max_element(step.positions.begin(), step.positions.end());
    for (auto& [rotary, angles] : angles_) angles.prepare(last);
  }

  void embed(LinearId table, float scale, RowsId out) override {
    clear(out);
    add_embedded(table, scale, out);
  }

  void add_embedded(LinearId table, float scale, RowsId rows) override {
    const PackedMatrix& weight = linear_of(table).weight;
    const RowsView to = view(rows);
    each_row(to.rows, [&](int r) {
      const Token token = step_->tokens[static_cast<size_t>(r)];
      std::vector<float> embedding(static_cast<size_t>(columns(rows)));
      weight.read_row(token < weight.outputs() ? token : 0, embedding.data());
      add_in_place(to.row(r), scale, embedding.data(), columns(rows));
    });
  }

  void embed_numbers(LinearId table, std::span<const int32_t> numbers, RowsId out) override {
    const PackedMatrix& weight = linear_of(table).weight;
    const RowsView to = resize(out, step_->rows());
    const int parts = columns(out) / weight.inputs();
    each_row(to.rows, [&](int r) {
      for (int part = 0; part < parts; ++part)
        weight.read_row(numbers[static_cast<size_t>(r * parts + part)], to.row(r) + part * weight.inputs());
    });
  }

  void add_positions(LinearId table, RowsId rows) override {
    const RowsView to = view(rows);
    each_row(to.rows, [&](int r) {
      std::vector<float> position(static_cast<size_t>(columns(rows)));
      linear_of(table).weight.read_row(step_->positions[static_cast<size_t>(r)], position.data());
      add_in_place(to.row(r), position.data(), columns(rows));
    });
  }

  void norm(RowsId in, NormId norm, RowsId out) override {
    const RowsView from = view(in);
    const RowsView to = resize(out, from.rows);
    each_row(from.rows, [&](int r) { apply_norm(norm_of(norm), from.row(r), to.row(r)); });
  }

  void norm_add(RowsId in, NormId norm, RowsId rows) override {
    const RowsView from = view(in);
    const RowsView to = view(rows);
    each_row(from.rows, [&](int r) {
      std::vector<float> normed(static_cast<size_t>(columns(rows)));
      apply_norm(norm_of(norm), from.row(r), normed.data());
      add_in_place(to.row(r), normed.data(), columns(rows));
    });
  }

  void norm_parts(RowsId rows, int first_column, int parts, NormId norm) override {
    const RowsView all = view(rows);
    const auto size = norm_of(norm).weight.size();
    each_row(all.rows, [&](int r) {
      float* part = all.row(r) + first_column;
      for (int i = 0; i < parts; ++i, part += size) apply_norm(norm_of(norm), part, part);
    });
  }

  void linear(RowsId in, LinearId weight, RowsId out) override {
    const RowsView from = view(in);
    const RowsView to = resize(out, from.rows);
    const Linear& linear = linear_of(weight);
    multiply(from, linear.weight, to, *pool_);
    if (linear.bias.empty()) return;
    each_row(to.rows, [&](int r) { add_in_place(to.row(r), linear.bias.data(), linear.weight.outputs()); });
  }

  void linear_add(RowsId in, LinearId weight, RowsId rows) override {
    const RowsId update = scratch(linear_of(weight).weight.outputs());
    linear(in, weight, update);
    const RowsView from = view(update);
    const RowsView to = view(rows);
    each_row(to.rows, [&](int r) { add_in_place(to.row(r), from.row(r), columns(rows)); });
  }

  void activated_linear(RowsId in, LinearId weight, Activation activation, RowsId out) override {
    linear(in, weight, out);
    const RowsView to = view(out);
    each_row(to.rows, [&](int r) { activate(activation, to.row(r), columns(out)); });
  }

  void gated_linear(RowsId in, LinearId gate_up, Activation activation, RowsId out) override {
    const RowsId both = scratch(linear_of(gate_up).weight.outputs());
    linear(in, gate_up, both);
    const RowsView from = view(both);
    const RowsView to = resize(out, from.rows);
    const int width = columns(out);
    each_row(to.rows,
             [&](int r) { activate_gated(activation, from.row(r), from.row(r) + width, width, to.row(r)); });
  }

  void mixture_add(RowsId router_in, RowsId in, MixtureId mixture, Activation activation,
                   RowsId rows) override {
    mixtures_[static_cast<size_t>(mixture)].add(view(router_in), view(in), activation, view(rows), *pool_);
  }

  void clear(RowsId rows) override {
    const RowsView all = resize(rows, step_->rows());
    each_row(all.rows, [&](int r) { std::fill_n(all.row(r), columns(rows), 0.0F); });
  }

  void scale(RowsId rows, float factor) override {
    const RowsView all = view(rows);
    each_row(all.rows, [&](int r) {
      for (int c = 0; c < columns(rows); ++c) all.row(r)[c] *= factor;
    });
  }

  void add(RowsId in, float factor, RowsId rows) override {
    const RowsView from = view(in);
    const RowsView to = view(rows);
    each_row(to.rows, [&](int r) { add_in_place(to.row(r), factor, from.row(r), columns(rows)); });
  }

  void combine(RowsId base, std::span<const RowsId> in, RowsId weights, int first_column,
               RowsId out) override {
    const RowsView from = view(base);
    const RowsView to = resize(out, from.rows);
    each_row(to.rows, [&](int r) {
      if (out != base) std::copy_n(from.row(r), columns(out), to.row(r));
      const float* weight = view(weights).row(r) + first_column;
      for (const RowsId term : in) add_in_place(to.row(r), *weight++, view(term).row(r), columns(out));
    });
  }

  void match_magnitude(RowsId rows, RowsId like) override {
    const RowsView all = view(rows);
    each_row(all.rows, [&](int r) { sizeup::match_magnitude(all.row(r), view(like).row(r), columns(rows)); });
  }

  void keep_above(RowsId rows, int columns, float deviations) override {
    const RowsView all = view(rows);
    each_row(all.rows, [&](int r) { sizeup::keep_above(deviations, all.row(r), columns); });
  }

  void gate(RowsId in, Activation activation, RowsId factors, int first_column, RowsId out) override {
    const RowsView from = view(in);
    const RowsView by = view(factors);
    const RowsView to = resize(out, from.rows);
    each_row(to.rows, [&](int r) {
      activate_gated(activation, from.row(r), by.row(r) + first_column, columns(out), to.row(r));
    });
  }

  void mix_parts(RowsId in, RowsId gates, RowsId out) override {
    const RowsView from = view(in);
    const RowsView to = resize(out, from.rows);
    each_row(to.rows, [&](int r) {
      sizeup::mix_parts(from.row(r), view(gates).row(r), columns(in) / columns(out), columns(out), to.row(r));
    });
  }

  void add_to_parts(RowsId in, RowsId gates, float factor, RowsId rows) override {
    const RowsView to = view(rows);
    each_row(to.rows, [&](int r) {
      sizeup::add_to_parts(view(in).row(r), view(gates).row(r), factor, columns(gates), columns(in),
                           to.row(r));
    });
  }

  void score_parts(RowsId a, RowsId b, RowsId out) override {
    const RowsView from = view(a);
    const RowsView to = resize(out, from.rows);
    const int size = columns(a) / columns(out);
    each_row(to.rows, [&](int r) {
      for (int part = 0; part < columns(out); ++part)
        to.row(r)[part] = part_score(from.row(r) + part * size, view(b).row(r) + part * size, size);
    });
  }

  void convolve_add(int layer, RowsId in, ConvolutionId convolution, RowsId rows) override {
    const auto part = [&](int32_t state) {
      return states_[static_cast<size_t>(state)].data() + window_begin_[static_cast<size_t>(layer)];
    };
    sizeup::convolve_add(convolutions_[static_cast<size_t>(convolution)], runs_, view(in), part, view(rows));
  }

  void rotate_and_write(int layer, RowsId query_key_value) override {
    const RowsView rows = view(query_key_value);
    const AttentionSpec& spec = spec_.attention(layer);
    const int key = spec.query_width();
    const int value = key + spec.kv_width();
    const bool keys = spec_.owns_keys(layer);
    each_row(spec.rotary ? rows.rows : 0, [&](int r) {
      const int position = step_->positions[static_cast<size_t>(r)];
      const RotaryAngles& angles = *angles_of(*spec.rotary);
      const auto cosines = angles.cosines(position);
      const auto sines = angles.sines(position);
      rotate(*spec.rotary, cosines, sines, rows.row(r), spec.heads, spec.head_size);
      if (keys) rotate(*spec.rotary, cosines, sines, rows.row(r) + key, spec.kv_heads, spec.head_size);
    });
    if (!keys) return;
    for (const KeyValueWrite& write : step_->writes) {
      write_key_value(PageShape(spec), rows.row(write.row) + key, rows.row(write.row) + value, write.offset,
                      page_layer(write.page, layer));
    }
  }

  void select_keys(int layer, RowsId queries_key, NormId query_norm, NormId key_norm) override {
    const RowsView rows = view(queries_key);
    const AttentionSpec& spec = spec_.attention(layer);
    const KeyIndex index(*spec.index, *spec.rotary, *angles_of(*spec.rotary),
                         [&](int32_t page) { return index_part(page, layer); });
    for (const KeyValueWrite& write : step_->writes)
      index.write(rows.row(write.row) + spec.index->query_width(), write);
    for (const KeyValueWrite& write : step_->writes) index.finish_block(*step_, write, norm_of(key_norm));
    selected_.resize(static_cast<size_t>(rows.rows));
    each_row(rows.rows, [&](int r) {
      selected_[static_cast<size_t>(r)] = index.choose(*step_, r, norm_of(query_norm), rows.row(r));
    });
  }

  void attention(int layer, RowsId query_key_value, std::optional<VectorId> sinks, RowsId out) override {
    const RowsView queries = view(query_key_value);
    const RowsView to = resize(out, queries.rows);
    const AttentionSpec& spec = spec_.attention(layer);
    const int kv_layer = spec_.layer(layer).kv_layer;
    const int group = spec.heads / spec.kv_heads;
    each_row(queries.rows, [&](int r) {
      const auto index = static_cast<size_t>(r);
      const int positions = step_->positions[index] + 1;
      const PositionRanges all = {{spec.window == 0 ? 0 : std::max(0, positions - spec.window), positions}};
      std::vector<const float*> pages;
      for (const int32_t page :
           step_->table(step_->tables[index]).first(static_cast<size_t>(pages_for(positions)))) {
        pages.push_back(page_layer(page, kv_layer));
      }
      for (int h = 0; h < spec.heads; ++h) {
        HeadAttention head{.kv_head = h / group,
                           .query = queries.row(r) + h * spec.head_size,
                           .seen = spec.index ? selected_[index] : all};
        if (sinks) head.sink = vector(*sinks)[static_cast<size_t>(h)];
        attend(spec, head, pages, to.row(r) + h * spec.head_size);
      }
    });
  }

  void apply_gate(RowsId in, RowsId gates, int first_column, RowsId out) override {
    const RowsView from = view(in);
    const RowsView by = view(gates);
    const RowsView to = resize(out, from.rows);
    each_row(from.rows,
             [&](int r) { apply_sigmoid(from.row(r), by.row(r) + first_column, columns(out), to.row(r)); });
  }

  void delta_rule(int layer, RowsId rows, DeltaId delta, RowsId out) override {
    const RowsView from = view(rows);
    const RowsView to = resize(out, from.rows);
    const auto part = [&](int32_t state) {
      return states_[static_cast<size_t>(state)].data() + state_begin_[static_cast<size_t>(layer)];
    };
    run_delta_rule(deltas_[static_cast<size_t>(delta)], runs_, from, part, to, *pool_);
  }

  void select_wanted(RowsId in, RowsId out) override {
    const RowsView from = view(in);
    const RowsView to = resize(out, static_cast<int>(step_->wanted.size()));
    for (int i = 0; i < to.rows; ++i) {
      std::copy_n(from.row(step_->wanted[static_cast<size_t>(i)].row), columns(in), to.row(i));
    }
  }

  void log_probabilities(RowsId wanted, LinearId head, float cap, StepResult& result) override {
    const RowsView rows = view(wanted);
    const int vocabulary = linear_of(head).weight.outputs();
    const std::vector<ResultPlace> places = make_room(vocabulary, result);
    FloatBuffer logits(padded_columns(vocabulary) * static_cast<size_t>(std::min(rows.rows, kHeadRows)));
    for (int first = 0; first < rows.rows; first += kHeadRows) {
      const RowsView part{rows.row(first), rows.stride, std::min(kHeadRows, rows.rows - first)};
      const RowsView out{logits.data(), padded_columns(vocabulary), part.rows};
      multiply(part, linear_of(head).weight, out, *pool_);
      each_row(part.rows, [&](int r) {
        const auto index = static_cast<size_t>(first + r);
        finish_logits(linear_of(head), cap, out.row(r));
        finish_row(index, std::span(out.row(r), static_cast<size_t>(vocabulary)), places[index], result);
      });
    }
  }

 private:
  void begin_states(const Step& step) {
    while (states_.size() < static_cast<size_t>(step.state_count)) states_.emplace_back(state_floats_);
    for (const StateCopy& copy : step.state_copies) {
      std::copy_n(states_[static_cast<size_t>(copy.from)].data(), state_floats_,
                  states_[static_cast<size_t>(copy.to)].data());
    }
    runs_ = plan_state_runs(step);
  }

  struct Linear {
    PackedMatrix weight;
    std::vector<float> bias;  // empty: none
  };
  struct Activations {
    int columns;
    int rows;
    FloatBuffer values;
  };

  float* page_layer(int32_t page, int layer) {
    return pages_[static_cast<size_t>(page)].data() + page_begin_[static_cast<size_t>(layer)];
  }
  float* index_part(int32_t page, int layer) {
    return pages_[static_cast<size_t>(page)].data() + index_begin_[static_cast<size_t>(layer)];
  }
  // nullptr: there are none yet.
  const RotaryAngles* angles_of(const RotarySpec& rotary) const {
    const auto found = std::ranges::find(angles_, rotary, &std::pair<RotarySpec, RotaryAngles>::first);
    return found == angles_.end() ? nullptr : &found->second;
  }

  const Linear& linear_of(LinearId id) const { return linears_[static_cast<size_t>(id)]; }
  const std::vector<float>& vector(VectorId id) const { return vectors_[static_cast<size_t>(id)]; }
  const Norm& norm_of(NormId id) const { return norms_[static_cast<size_t>(id)]; }
  int columns(RowsId id) const { return activations_[static_cast<size_t>(id)].columns; }

  // Rows for a product's result that the next operation combines.
  RowsId scratch(int columns) {
    const auto [found, is_new] = scratch_.try_emplace(columns);
    if (is_new) found->second = add_rows(columns, RowsUse::values);
    return found->second;
  }

  RowsView view(RowsId id) {
    Activations& a = activations_[static_cast<size_t>(id)];
    return {a.values.data(), padded_columns(a.columns), a.rows};
  }

  RowsView resize(RowsId id, int rows) {
    Activations& a = activations_[static_cast<size_t>(id)];
    const size_t needed = padded_columns(a.columns) * static_cast<size_t>(rows);
    if (a.values.size() < needed) a.values = FloatBuffer(needed);
    a.rows = rows;
    return view(id);
  }

  template <class Body>
  void each_row(int rows, const Body& body) {
    // Tasks of several rows: one row of a small model is less work than taking a task.
    constexpr int kTaskRows = 8;
    const auto tasks = static_cast<size_t>((rows + kTaskRows - 1) / kTaskRows);
    pool_->parallel_for(tasks, [&](size_t task) {
      const int begin = static_cast<int>(task) * kTaskRows;
      for (int r = begin; r < std::min(begin + kTaskRows, rows); ++r) body(r);
    });
  }

  // Where a wanted row's results go.
  struct ResultPlace {
    size_t top;
    size_t distribution;
  };

  std::vector<ResultPlace> make_room(int vocabulary, StepResult& result) const {
    std::vector<ResultPlace> places;
    ResultPlace end{0, 0};
    for (const WantedRow& wanted : step_->wanted) {
      places.push_back(end);
      end.top += static_cast<size_t>(wanted.top_count);
      if (wanted.distribution) end.distribution += static_cast<size_t>(vocabulary);
    }
    result.best.resize(step_->wanted.size());
    result.best_logprobs.resize(step_->wanted.size());
    result.target_logprobs.resize(step_->targets.size());
    result.top.resize(end.top);
    result.distributions.resize(end.distribution);
    return places;
  }

  static void finish_logits(const Linear& head, float cap, float* logits) {
    const int vocabulary = head.weight.outputs();
    if (!head.bias.empty()) add_in_place(logits, head.bias.data(), vocabulary);
    if (cap == 0.0F) return;
    for (int v = 0; v < vocabulary; ++v) logits[v] = capped(logits[v], cap);
  }

  void finish_row(size_t index, std::span<const float> logits, ResultPlace place, StepResult& result) const {
    const WantedRow& wanted = step_->wanted[index];
    const LogSoftmax softmax(logits);
    result.best[index] = softmax.best();
    result.best_logprobs[index] = softmax(logits[static_cast<size_t>(softmax.best())]);
    for (int t = wanted.target_begin; t < wanted.target_begin + wanted.target_count; ++t) {
      const Token target = step_->targets[static_cast<size_t>(t)];
      result.target_logprobs[static_cast<size_t>(t)] = softmax(logits[static_cast<size_t>(target)]);
    }
    if (wanted.top_count > 0)
      find_top(logits, softmax,
               std::span(result.top).subspan(place.top, static_cast<size_t>(wanted.top_count)));
    if (!wanted.distribution) return;
    for (size_t v = 0; v < logits.size(); ++v)
      result.distributions[place.distribution + v] = softmax(logits[v]);
  }

  static void find_top(std::span<const float> logits, const LogSoftmax& softmax, std::span<TopToken> top) {
    std::vector<Token> tokens(logits.size());
    std::iota(tokens.begin(), tokens.end(), 0);
    const auto logit = [&](Token token) {  // a broken model's NaN is no candidate
      const float value = logits[static_cast<size_t>(token)];
      return std::isnan(value) ? -std::numeric_limits<float>::infinity() : value;
    };
    std::partial_sort(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(top.size()), tokens.end(),
                      [&](Token a, Token b) { return logit(a) != logit(b) ? logit(a) > logit(b) : a < b; });
    for (size_t i = 0; i < top.size(); ++i) top[i] = {tokens[i], softmax(logit(tokens[i]))};
  }

  DecoderSpec spec_;
  size_t page_floats_ = 0;                                   // of all layers
  std::vector<size_t> page_begin_;                           // of each layer's part of a page
  std::vector<size_t> index_begin_;                          // of what its index has there
  std::vector<std::pair<RotarySpec, RotaryAngles>> angles_;  // each kind once
  std::unique_ptr<ThreadPool> pool_;
  std::vector<Linear> linears_;
  std::vector<Mixture> mixtures_;
  std::vector<Norm> norms_;
  std::vector<std::vector<float>> vectors_;
  std::vector<Activations> activations_;
  std::map<int, RowsId> scratch_;  // by columns
  std::vector<FloatBuffer> pages_;
  size_t state_floats_ = 0;           // of all layers
  std::vector<size_t> state_begin_;   // of each layer's part of a state
  std::vector<size_t> window_begin_;  // of what its convolution has there
  std::vector<ConvolutionLayer> convolutions_;
  std::vector<PositionRanges> selected_;  // for each row, by the layer that selected last
  std::vector<DeltaLayer> deltas_;
  std::vector<FloatBuffer> states_;
  StateRuns runs_;  // of the step
  const Step* step_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<Device>> make_reference_device(const DecoderModel& model,
                                                      const DeviceOptions& options) {
  if (options.precision && *options.precision != Precision::float32) {
    return usage_error(
        fmt::format("the reference device has no dtype {}", precision_name(*options.precision)),
        "known: float32");
  }
  if (!options.tier.empty())
    return usage_error("the reference device has no tiers", "cpu_tier goes with device=cpu");
  return std::make_unique<ReferenceDevice>(model.spec);
}

}  // namespace sizeup
