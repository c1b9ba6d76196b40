#include "backends/reference/reference_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

#include "backends/engine/rotary_angles.h"
#include "backends/engine/work.h"
#include "backends/reference/attention.h"
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
  explicit ReferenceDevice(const DecoderSpec& spec)
      : spec_(spec),
        shape_{.kv_heads = spec.kv_heads, .head_size = spec.head_size},
        angles_(spec.rotary),
        pool_(std::make_unique<ThreadPool>(1)) {}

  DeviceTraits traits() const override {
    DeviceTraits traits;
    traits.name = "reference";
    traits.preferred_rows = kPreferredRows;
    traits.weight_rows = kWeightRows;
    for (const Linear& linear : linears_) {
      traits.weight_bytes += static_cast<int64_t>(linear.weight.bytes() + linear.bias.size() * sizeof(float));
    }
    for (const Mixture& mixture : mixtures_) traits.weight_bytes += static_cast<int64_t>(mixture.bytes());
    traits.weight_need = all_weights(spec_) * static_cast<int64_t>(sizeof(float));
    traits.page_bytes = static_cast<int64_t>(page_floats() * sizeof(float));
    return traits;
  }
  void set_threads(int threads) override { pool_ = std::make_unique<ThreadPool>(std::max(1, threads)); }

  LinearId add_linear(std::span<const LinearTensors> stacked) override {
    std::vector<const Tensor*> weights;
    bool biased = false;
    for (const LinearTensors& part : stacked) {
      weights.push_back(part.weight);
      biased |= part.bias != nullptr;
    }
    Linear& linear = linears_.emplace_back(Linear{.weight = PackedMatrix(weights), .bias = {}});
    if (biased) linear.bias = stacked_biases(stacked);
    return static_cast<LinearId>(linears_.size() - 1);
  }

  LinearId add_gated_linear(const LinearTensors& gate, const LinearTensors& up) override {
    return add_linear(std::array{gate, up});
  }

  MixtureId add_mixture(const ExpertSpec& spec, const MixtureTensors& tensors) override {
    mixtures_.emplace_back(spec, tensors);
    return static_cast<MixtureId>(mixtures_.size() - 1);
  }

  VectorId add_vector(const Tensor& weight) override {
    std::vector<float>& values = vectors_.emplace_back(static_cast<size_t>(weight.columns()));
    dequantise_row(weight, 0, values);
    return static_cast<VectorId>(vectors_.size() - 1);
  }

  RowsId add_rows(int columns, RowsUse) override {
    activations_.push_back({.columns = columns, .rows = 0, .values = {}});
    return static_cast<RowsId>(activations_.size() - 1);
  }

  void begin(const Step& step) override {
    step_ = &step;
    while (pages_.size() < static_cast<size_t>(step.page_count)) {
      pages_.emplace_back(page_floats());
    }
    for (const PageCopy& copy : step.copies) {
      for (int layer = 0; layer < spec_.layers; ++layer) {
        copy_positions(shape_, page_layer(copy.from, layer), copy.positions, page_layer(copy.to, layer));
      }
    }
    angles_.prepare(*std::max_element(step.positions.begin(), step.positions.end()));
  }

  void embed(LinearId table, RowsId out) override {
    const RowsView rows = resize(out, step_->rows());
    for (int r = 0; r < rows.rows; ++r) {
      linear_of(table).weight.read_row(step_->tokens[static_cast<size_t>(r)], rows.row(r));
    }
  }

  void norm(RowsId in, VectorId weight, float epsilon, RowsId out) override {
    const RowsView from = view(in);
    const RowsView to = resize(out, from.rows);
    each_row(from.rows, [&](int r) { rms_norm(from.row(r), vector(weight), epsilon, to.row(r)); });
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

  void gated_linear(RowsId in, LinearId gate_up, Activation activation, RowsId out) override {
    require(activation == Activation::silu, "the only activation of this device");
    const RowsId both = scratch(linear_of(gate_up).weight.outputs());
    linear(in, gate_up, both);
    const RowsView from = view(both);
    const RowsView to = resize(out, from.rows);
    const int width = columns(out);
    each_row(to.rows, [&](int r) { silu_times(from.row(r), from.row(r) + width, width, to.row(r)); });
  }

  void mixture_add(RowsId in, MixtureId mixture, Activation activation, RowsId rows) override {
    require(activation == Activation::silu, "the only activation of this device");
    mixtures_[static_cast<size_t>(mixture)].add(view(in), view(rows), *pool_);
  }

  void norm_heads(RowsId query_key_value, VectorId query_weight, VectorId key_weight,
                  float epsilon) override {
    const RowsView rows = view(query_key_value);
    each_row(rows.rows, [&](int r) {
      for (int head = 0; head < spec_.heads + spec_.kv_heads; ++head) {
        float* values = rows.row(r) + head * spec_.head_size;
        rms_norm(values, vector(head < spec_.heads ? query_weight : key_weight), epsilon, values);
      }
    });
  }

  void rotate_and_write(int layer, RowsId query_key_value) override {
    const RowsView rows = view(query_key_value);
    const int key = spec_.query_width();
    const int value = key + spec_.kv_width();
    each_row(spec_.rotates(layer) ? rows.rows : 0, [&](int r) {
      const int position = step_->positions[static_cast<size_t>(r)];
      const auto cosines = angles_.cosines(position);
      const auto sines = angles_.sines(position);
      rotate(spec_.rotary, cosines, sines, rows.row(r), spec_.heads, spec_.head_size);
      rotate(spec_.rotary, cosines, sines, rows.row(r) + key, spec_.kv_heads, spec_.head_size);
    });
    for (const KeyValueWrite& write : step_->writes) {
      write_key_value(shape_, rows.row(write.row) + key, rows.row(write.row) + value, write.offset,
                      page_layer(write.page, layer));
    }
  }

  void attention(int layer, RowsId query_key_value, RowsId out) override {
    const RowsView queries = view(query_key_value);
    const RowsView to = resize(out, queries.rows);
    const int group = spec_.heads / spec_.kv_heads;
    each_row(queries.rows, [&](int r) {
      const auto index = static_cast<size_t>(r);
      const int positions = step_->positions[index] + 1;
      const int window = spec_.window(layer);
      const int first = window == 0 ? 0 : std::max(0, positions - window);
      std::vector<const float*> pages;
      for (const int32_t page :
           step_->table(step_->tables[index]).first(static_cast<size_t>(pages_for(positions)))) {
        pages.push_back(page_layer(page, layer));
      }
      for (int head = 0; head < spec_.heads; ++head) {
        attend(shape_, head / group, queries.row(r) + head * spec_.head_size, pages, first, positions,
               to.row(r) + head * spec_.head_size);
      }
    });
  }

  void select_wanted(RowsId in, RowsId out) override {
    const RowsView from = view(in);
    const RowsView to = resize(out, static_cast<int>(step_->wanted.size()));
    for (int i = 0; i < to.rows; ++i) {
      std::copy_n(from.row(step_->wanted[static_cast<size_t>(i)].row), columns(in), to.row(i));
    }
  }

  void log_probabilities(RowsId wanted, LinearId head, StepResult& result) override {
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
        finish_row(index, std::span(out.row(r), static_cast<size_t>(vocabulary)), places[index], result);
      });
    }
  }

 private:
  struct Linear {
    PackedMatrix weight;
    std::vector<float> bias;  // empty: none
  };
  struct Activations {
    int columns;
    int rows;
    FloatBuffer values;
  };

  size_t page_floats() const { return static_cast<size_t>(spec_.layers) * shape_.layer_floats(); }
  float* page_layer(int32_t page, int layer) {
    return pages_[static_cast<size_t>(page)].data() + static_cast<size_t>(layer) * shape_.layer_floats();
  }

  const Linear& linear_of(LinearId id) const { return linears_[static_cast<size_t>(id)]; }
  const std::vector<float>& vector(VectorId id) const { return vectors_[static_cast<size_t>(id)]; }
  int columns(RowsId id) const { return activations_[static_cast<size_t>(id)].columns; }

  // Rows for a product's result that the next operation combines.
  RowsId scratch(int columns) {
    const auto [found, is_new] = scratch_.try_emplace(columns);
    if (is_new) found->second = add_rows(columns, RowsUse::values);
    return found->second;
  }

  static std::vector<float> stacked_biases(std::span<const LinearTensors> stacked) {
    std::vector<float> all;
    for (const LinearTensors& part : stacked) {
      std::vector<float> bias(static_cast<size_t>(part.weight->rows()), 0.0F);
      if (part.bias != nullptr) dequantise_row(*part.bias, 0, bias);
      all.insert(all.end(), bias.begin(), bias.end());
    }
    return all;
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
  PageShape shape_;
  RotaryAngles angles_;
  std::unique_ptr<ThreadPool> pool_;
  std::vector<Linear> linears_;
  std::vector<Mixture> mixtures_;
  std::vector<std::vector<float>> vectors_;
  std::vector<Activations> activations_;
  std::map<int, RowsId> scratch_;  // by columns
  std::vector<FloatBuffer> pages_;
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
