#include "backends/metal/metal_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "backends/engine/decoder_extension.h"
#include "backends/engine/norm.h"
#include "backends/metal/attention_layers.h"
#include "backends/metal/encode.h"
#include "backends/metal/head.h"
#include "backends/metal/kernels/parameters.h"
#include "backends/metal/memory.h"
#include "backends/metal/mixture.h"
#include "backends/metal/recurrent_layers.h"
#include "backends/metal/step_upload.h"
#include "backends/metal/weights.h"
#include "core/errors/result.h"
#include "core/threads/thread_pool.h"

namespace sizeup::metal {
namespace {

using namespace metal_kernels;

static_assert(static_cast<int>(Activation::silu) == kSilu);
static_assert(static_cast<int>(Activation::clamped_swish) == kClampedSwish);
static_assert(static_cast<int>(NormKind::none) == kNoNorm);
static_assert(static_cast<int>(NormKind::layer) == kLayerNorm);

// Enough tiles of rows that a GPU's cores are busy with the smallest layers; not measured on any.
constexpr int kPreferredRows = 512;
// Where the kernel for few rows ends.
constexpr int kWeightRows = kFewRows;

struct DeviceNorm {
  NormKind kind = NormKind::none;
  float epsilon = 0.0F;
  int columns = 0;
  std::unique_ptr<Buffer> weight;
  std::unique_ptr<Buffer> bias;  // nullptr: none
};

struct Rows {
  int columns = 0;
  int count = 0;
  std::unique_ptr<Buffer> values;  // as many rows as the largest step so far
};

class MetalDevice final : public Device {
 public:
  MetalDevice(const DecoderSpec& spec, const DeviceOptions& options, std::unique_ptr<Queue> queue,
              int64_t weight_need, int64_t page_memory)
      : spec_(spec),
        queue_(std::move(queue)),
        attention_(spec_, *queue_),
        recurrent_(spec_, *queue_),
        pool_(options.threads > 0 ? options.threads : ThreadPool::available_processors()),
        weight_need_(weight_need),
        page_memory_(page_memory) {}

  DeviceTraits traits() const override {
    DeviceTraits traits;
    traits.name = "metal";
    traits.preferred_rows = kPreferredRows;
    traits.weight_rows = spec_.has_states() ? 0 : kWeightRows;
    for (const Matrix& matrix : matrices_) traits.weight_bytes += static_cast<int64_t>(matrix.bytes());
    for (const Mixture& mixture : loaded_mixtures_) traits.weight_bytes += mixture.bytes();
    traits.weight_need = weight_need_;
    traits.page_bytes = static_cast<int64_t>(attention_.page_bytes());
    traits.state_bytes = static_cast<int64_t>(recurrent_.state_bytes());
    traits.page_memory = page_memory_;
    traits.notes.push_back(fmt::format("on {}", queue_->name()));
    if (spec_.has_states()) traits.notes.emplace_back(kNoDrafts);
    return traits;
  }
  void set_threads(int) override {}  // the host only packs weights, before

  LinearId add_linear(std::span<const LinearTensors> stacked) override {
    matrices_.push_back(load_matrix(*queue_, stacked, pool_));
    return static_cast<LinearId>(matrices_.size() - 1);
  }
  LinearId add_gated_linear(const LinearTensors& gate, const LinearTensors& up) override {
    const LinearId id = add_linear(std::array{gate, up});
    gated_columns_ = std::max(gated_columns_, matrix(id).outputs);
    return id;
  }
  MixtureId add_mixture(const ExpertSpec& spec, const MixtureTensors& tensors) override {
    loaded_mixtures_.push_back(mixtures_.load(*queue_, spec, tensors, pool_));
    return static_cast<MixtureId>(loaded_mixtures_.size() - 1);
  }
  DeltaId add_delta(const DeltaSpec& spec, const DeltaTensors& tensors) override {
    return recurrent_.add(spec, tensors);
  }
  ConvolutionId add_convolution(const ConvolutionSpec& spec, const Tensor& taps) override {
    return recurrent_.add(spec, taps);
  }
  NormId add_norm(const NormSpec& spec, const NormTensors& tensors, int columns) override {
    const Norm norm = read_norm(spec, tensors, columns);
    norms_.push_back({.kind = norm.kind,
                      .epsilon = norm.epsilon,
                      .columns = static_cast<int>(norm.weight.size()),
                      .weight = buffer_of<float>(*queue_, norm.weight),
                      .bias = norm.bias.empty() ? nullptr : buffer_of<float>(*queue_, norm.bias)});
    return static_cast<NormId>(norms_.size() - 1);
  }
  VectorId add_vector(const Tensor& values) override {
    vectors_.push_back(buffer_of<float>(*queue_, values_of(&values)));
    return static_cast<VectorId>(vectors_.size() - 1);
  }
  RowsId add_rows(int columns, RowsUse) override {
    rows_.push_back({.columns = columns, .count = 0, .values = nullptr});
    return static_cast<RowsId>(rows_.size() - 1);
  }

  void begin(const Step& step) override {
    queue_->finish();  // what the last step brought is no longer read
    step_ = &step;
    make_room(std::max(step.rows(), static_cast<int>(step.wanted.size())));
    std::vector<int32_t> wanted;
    for (const WantedRow& one : step.wanted) wanted.push_back(one.row);
    upload_.clear();
    tokens_ = upload_.add<Token>(step.tokens);
    token_positions_ = upload_.add<int32_t>(step.positions);
    wanted_rows_ = upload_.add<int32_t>(wanted);
    attention_.begin(step, upload_);
    recurrent_.begin(step, upload_);
    head_.begin(step, upload_);
    upload_.send(*queue_);
    numbers_used_ = 0;
  }

  void embed(LinearId table, float scale, RowsId out) override {
    rows(out).count = step_->rows();
    read_table(table, scale, upload_.at(tokens_), out, 1, false);
  }
  void add_embedded(LinearId table, float scale, RowsId to) override {
    read_table(table, scale, upload_.at(tokens_), to, 1, true);
  }
  void embed_numbers(LinearId table, std::span<const int32_t> numbers, RowsId out) override {
    rows(out).count = step_->rows();
    if (numbers_used_ == numbers_.size()) numbers_.emplace_back();
    Buffer& buffer = require_bytes(*queue_, numbers_[numbers_used_++], numbers.size_bytes());
    std::ranges::copy(std::as_bytes(numbers), buffer.bytes().begin());
    read_table(table, 1.0F, {&buffer}, out, rows(out).columns / matrix(table).inputs, false);
  }
  void add_positions(LinearId table, RowsId to) override {
    read_table(table, 1.0F, upload_.at(token_positions_), to, 1, true);
  }

  void norm(RowsId in, NormId norm, RowsId out) override {
    rows(out).count = rows(in).count;
    apply_norm(norm, in, out, 0, 1, false);
  }
  void norm_add(RowsId in, NormId norm, RowsId to) override { apply_norm(norm, in, to, 0, 1, true); }
  void norm_parts(RowsId values, int first_column, int parts, NormId norm) override {
    apply_norm(norm, values, values, first_column, parts, false);
  }

  void linear(RowsId in, LinearId weight, RowsId out) override {
    rows(out).count = rows(in).count;
    multiply_rows(in, weight, values(out), rows(out).columns, false);
  }
  void linear_add(RowsId in, LinearId weight, RowsId to) override {
    multiply_rows(in, weight, values(to), rows(to).columns, true);
  }
  void activated_linear(RowsId in, LinearId weight, Activation activation, RowsId out) override {
    linear(in, weight, out);
    encode(*queue_, {"activate", {{"activation_kind", static_cast<int>(activation)}}}, {values(out)},
           ElementParameters{.factor = 0.0F, .count = elements(out)}, each_element(out));
  }
  void gated_linear(RowsId in, LinearId gate_up, Activation activation, RowsId out) override {
    const int columns = matrix(gate_up).outputs;
    rows(out).count = rows(in).count;
    multiply_rows(in, gate_up, {gated_.get()}, columns, false);
    encode_gate({gated_.get()}, columns, activation, {gated_.get()}, columns, columns / 2, out);
  }

  void mixture_add(RowsId router_in, RowsId in, MixtureId mixture, Activation activation,
                   RowsId to) override {
    mixtures_.add(
        *queue_, loaded_mixtures_[static_cast<size_t>(mixture)], activation,
        {.router_in = values(router_in), .in = values(in), .out = values(to), .count = rows(in).count});
  }

  void rotate_and_write(int layer, RowsId query_key_value) override {
    attention_.rotate_and_write(layer, attention_rows(query_key_value), upload_);
  }
  void select_keys(int layer, RowsId queries_key, NormId query_norm, NormId key_norm) override {
    apply_norm(query_norm, queries_key, queries_key, 0, spec_.attention(layer).index->heads, false);
    const DeviceNorm& norm = norms_[static_cast<size_t>(key_norm)];
    attention_.select_keys(layer, attention_rows(queries_key),
                           {.weight = {norm.weight.get()}, .epsilon = norm.epsilon}, upload_);
  }
  void attention(int layer, RowsId query_key_value, std::optional<VectorId> sinks, RowsId out) override {
    rows(out).count = rows(query_key_value).count;
    Buffer* sink_values = sinks ? vectors_[static_cast<size_t>(*sinks)].get() : nullptr;
    attention_.attend(layer, attention_rows(query_key_value), sink_values, values(out), upload_);
  }
  void apply_gate(RowsId in, RowsId gates, int first_column, RowsId out) override {
    rows(out).count = rows(in).count;
    encode(*queue_, {"apply_gate"}, {values(in), values(gates), values(out)},
           ColumnParameters{.columns = rows(out).columns,
                            .in_stride = rows(in).columns,
                            .factor_stride = rows(gates).columns,
                            .factor_column = first_column},
           each_column(out));
  }
  void delta_rule(int layer, RowsId in, DeltaId delta, RowsId out) override {
    rows(out).count = rows(in).count;
    recurrent_.run(layer, delta, values(in), rows(in).count, values(out), upload_);
  }

  void clear(RowsId out) override {
    rows(out).count = step_->rows();
    encode(*queue_, {"clear"}, {values(out)}, ElementParameters{.factor = 0.0F, .count = elements(out)},
           each_element(out));
  }
  void scale(RowsId to, float factor) override {
    encode(*queue_, {"scale"}, {values(to)}, ElementParameters{.factor = factor, .count = elements(to)},
           each_element(to));
  }
  void add(RowsId in, float factor, RowsId to) override {
    encode(*queue_, {"add"}, {values(in), values(to)},
           ElementParameters{.factor = factor, .count = elements(to)}, each_element(to));
  }
  void combine(RowsId base, std::span<const RowsId> in, RowsId weights, int first_column,
               RowsId out) override {
    if (out != base) {
      clear(out);
      add(base, 1.0F, out);
    }
    for (const RowsId term : in) {
      encode(*queue_, {"add_weighted"}, {values(term), values(weights), values(out)},
             WeightedParameters{.columns = rows(out).columns,
                                .weight_stride = rows(weights).columns,
                                .weight_column = first_column++},
             each_column(out));
    }
  }
  void match_magnitude(RowsId to, RowsId like) override {
    encode(*queue_, {"match_magnitude"}, {values(to), values(like)},
           RowSumParameters{.deviations = 0.0F,
                            .least = kLeastMeanSquare,
                            .columns = rows(to).columns,
                            .stride = rows(to).columns},
           {{rows(to).count}, kRowThreads});
  }
  void keep_above(RowsId to, int columns, float deviations) override {
    encode(*queue_, {"keep_above"}, {values(to)},
           RowSumParameters{
               .deviations = deviations, .least = 0.0F, .columns = columns, .stride = rows(to).columns},
           {{rows(to).count}, kRowThreads});
  }
  void gate(RowsId in, Activation activation, RowsId factors, int first_column, RowsId out) override {
    rows(out).count = rows(in).count;
    encode_gate(values(in), rows(in).columns, activation, values(factors), rows(factors).columns,
                first_column, out);
  }

  void mix_parts(RowsId in, RowsId gates, RowsId out) override {
    rows(out).count = rows(in).count;
    encode(*queue_, {"mix_parts"}, {values(in), values(gates), values(out)}, parts_of(out, rows(in).columns),
           each_column(out));
  }
  void add_to_parts(RowsId in, RowsId gates, float factor, RowsId to) override {
    PartParameters parameters = parts_of(in, rows(to).columns);
    parameters.factor = factor;
    Launch launch = each_column(in);
    launch.groups = {launch.groups.x, parameters.parts, rows(in).count};
    encode(*queue_, {"add_to_parts"}, {values(in), values(gates), values(to)}, parameters, launch);
  }
  void score_parts(RowsId a, RowsId b, RowsId out) override {
    rows(out).count = rows(a).count;
    const int parts = rows(out).columns;
    encode(*queue_, {"score_parts"}, {values(a), values(b), values(out)},
           PartParameters{
               .factor = 0.0F, .least = kLeastScore, .columns = rows(a).columns / parts, .parts = parts},
           {{parts, rows(a).count}, kRowThreads});
  }
  void convolve_add(int layer, RowsId in, ConvolutionId convolution, RowsId to) override {
    recurrent_.convolve_add(layer, convolution, values(in), values(to), upload_);
  }

  void select_wanted(RowsId in, RowsId out) override {
    rows(out).count = static_cast<int>(step_->wanted.size());
    encode(*queue_, {"copy_rows"}, {values(in), upload_.at(wanted_rows_), values(out)},
           CopyParameters{.columns = rows(out).columns}, each_column(out));
  }
  void log_probabilities(RowsId wanted, LinearId head, float cap, StepResult& result) override {
    head_.run(*queue_, upload_, *rows(wanted).values, matrix(head), cap, result);
  }

 private:
  // Of all rows at once: no command is under way.
  void make_room(int count) {
    for (Rows& one : rows_) {
      require_bytes(*queue_, one.values,
                    static_cast<size_t>(count) * static_cast<size_t>(one.columns) * sizeof(float));
    }
    mixtures_.make_room(*queue_, count);
    const auto gated = static_cast<size_t>(count) * static_cast<size_t>(gated_columns_);
    require_bytes(*queue_, gated_, std::max<size_t>(gated, 1) * sizeof(float));
  }

  Rows& rows(RowsId id) { return rows_[static_cast<size_t>(id)]; }
  Binding values(RowsId id) { return {rows(id).values.get()}; }
  int elements(RowsId id) { return rows(id).count * rows(id).columns; }
  Launch each_element(RowsId id) { return {{groups_for(elements(id), kElementThreads)}, kElementThreads}; }
  // A thread for each column, (column, row) in the grid.
  Launch each_column(RowsId id) {
    return {{groups_for(rows(id).columns, kElementThreads), rows(id).count}, kElementThreads};
  }
  const Matrix& matrix(LinearId id) const { return matrices_[static_cast<size_t>(id)]; }

  // A row of `out` has `parts` rows of the table side by side.
  void read_table(LinearId id, float scale, Binding numbers, RowsId out, int parts, bool add) {
    const Matrix& table = matrix(id);
    const MatrixPart& part = table.parts.front();
    constexpr int kColumns = 8 * kSimdThreads;  // of a group
    encode(*queue_, {"embed", {{"weight_format", static_cast<int>(part.type)}, {"embed_adds", add ? 1 : 0}}},
           {{table.weights.get()}, numbers, values(out)},
           EmbedParameters{.scale = scale,
                           .columns = table.inputs,
                           .table_rows = table.outputs,
                           .row_bytes = part.row_bytes},
           {{groups_for(table.inputs, kColumns), rows(out).count * parts}, kSimdThreads});
  }

  void apply_norm(NormId id, RowsId in, RowsId out, int first_column, int parts, bool add) {
    const DeviceNorm& norm = norms_[static_cast<size_t>(id)];
    encode(*queue_,
           {"norm",
            {{"norm_formula", static_cast<int>(norm.kind)},
             {"norm_has_bias", norm.bias != nullptr ? 1 : 0},
             {"norm_adds", add ? 1 : 0}}},
           {values(in),
            {norm.weight.get()},
            {norm.bias != nullptr ? norm.bias.get() : norm.weight.get()},
            values(out)},
           NormParameters{.epsilon = norm.epsilon,
                          .columns = norm.columns,
                          .in_stride = rows(in).columns,
                          .out_stride = rows(out).columns,
                          .first_column = first_column},
           {{parts, rows(in).count}, kRowThreads});
  }

  void multiply_rows(RowsId in, LinearId weight, Binding out, int stride, bool add) {
    multiply(*queue_, matrix(weight),
             {.in = values(in), .rows = rows(in).count, .out = out, .out_stride = stride, .add = add});
  }

  void encode_gate(Binding in, int in_stride, Activation activation, Binding factors, int factor_stride,
                   int factor_column, RowsId out) {
    encode(*queue_, {"gate", {{"activation_kind", static_cast<int>(activation)}}}, {in, factors, values(out)},
           ColumnParameters{.columns = rows(out).columns,
                            .in_stride = in_stride,
                            .factor_stride = factor_stride,
                            .factor_column = factor_column},
           each_column(out));
  }

  // Of rows of so many columns, in parts like the rows of `part`.
  PartParameters parts_of(RowsId part, int columns) {
    return {
        .factor = 0.0F, .least = 0.0F, .columns = rows(part).columns, .parts = columns / rows(part).columns};
  }

  AttentionLayers::Rows attention_rows(RowsId id) {
    return {.values = values(id), .stride = rows(id).columns, .count = rows(id).count};
  }

  DecoderSpec spec_;
  std::unique_ptr<Queue> queue_;
  AttentionLayers attention_;
  RecurrentLayers recurrent_;
  ThreadPool pool_;
  int64_t weight_need_;
  int64_t page_memory_;
  std::vector<Matrix> matrices_;
  Mixtures mixtures_;
  std::vector<Mixture> loaded_mixtures_;
  std::vector<DeviceNorm> norms_;
  std::vector<std::unique_ptr<Buffer>> vectors_;
  std::vector<Rows> rows_;
  std::unique_ptr<Buffer> gated_;  // what gated products give before their gates
  int gated_columns_ = 0;          // of the widest
  Head head_;
  StepUpload upload_;
  StepUpload::Place tokens_, token_positions_, wanted_rows_;
  std::vector<std::unique_ptr<Buffer>> numbers_;  // of tables' rows, one for each time in a step
  size_t numbers_used_ = 0;
  const Step* step_ = nullptr;
};

// Pages double when they run out, and the old ones are there until they are copied: two thirds of the memory
// hold the new ones.
int64_t page_memory(int64_t left) {
  return left / 3 * 2;
}

// What a row of the longest context is told of the blocks that it may choose.
int64_t blocks_of(const LayerSpec& layer, int context_length) {
  const auto& index = layer.attention.index;
  return index ? 2 * int64_t{context_length} / index->block : 0;
}

// Of the widest rows that a step has.
int64_t activation_bytes(const DecoderModel& model) {
  const DecoderSpec& spec = model.spec;
  int64_t inner = 0;
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec& attention = layer.attention;
    inner = std::max(inner, 4 * int64_t{attention.query_width()} + 2 * int64_t{attention.kv_width()} +
                                4 * int64_t{layer.ffn_width} + blocks_of(layer, spec.context_length));
  }
  const ExpertSpec& experts = spec.experts;
  if (experts.any()) {
    inner += int64_t{experts.used} * (2 * int64_t{experts.width} + spec.width) +
             2 * int64_t{experts.shared_width} + spec.width;
  }
  if (model.tensors.extension) inner += model.tensors.extension->weights().row_columns;
  return (7 * int64_t{spec.width} + inner) * kPreferredRows * static_cast<int64_t>(sizeof(float));
}

double gigabytes(int64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

}  // namespace

Result<std::unique_ptr<Device>> make_device(const DecoderModel& model, const DeviceOptions& options,
                                            std::unique_ptr<Queue> queue) {
  if (options.precision && *options.precision != Precision::float32) {
    return usage_error(fmt::format("the Metal device has no dtype {}", precision_name(*options.precision)),
                       "known: float32");
  }
  if (!options.tier.empty())
    return usage_error("the Metal device has no tiers", "cpu_tier goes with device=cpu");
  const int64_t memory = options.memory_bytes > 0 ? std::min(options.memory_bytes, queue->memory_bytes())
                                                  : queue->memory_bytes();
  const int64_t weights = weight_bytes(model);
  const int64_t left = memory - weights - activation_bytes(model);
  if (left <= 0) {
    return unavailable("metal",
                       fmt::format("the model needs {:.1f} GB of weights and {:.1f} GB of activations, and "
                                   "the GPU may use {:.1f} GB: no context would fit",
                                   gigabytes(weights), gigabytes(activation_bytes(model)), gigabytes(memory)),
                       "a smaller model, or one of fewer bits");
  }
  const int64_t pages = std::min(page_memory(left), queue->greatest_buffer());
  return std::make_unique<MetalDevice>(model.spec, options, std::move(queue), weights, pages);
}

}  // namespace sizeup::metal
