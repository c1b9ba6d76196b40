#include "backends/cpu/cpu_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "backends/cpu/activations.h"
#include "backends/cpu/attention_kinds.h"
#include "backends/cpu/delta_layers.h"
#include "backends/cpu/head.h"
#include "backends/cpu/key_selection.h"
#include "backends/cpu/mixture.h"
#include "backends/cpu/pack.h"
#include "backends/cpu/pages.h"
#include "backends/cpu/storage.h"
#include "backends/cpu/workers.h"
#include "backends/engine/norm.h"
#include "core/memory/available_memory.h"

namespace sizeup {
namespace cpu {
namespace {

// Rows of a step: weights are read and widened once for all of them. More rows gain little and need more
// memory for activations (docs/performance.md).
constexpr int kPreferredRows = 2048;

// Outputs side by side, in parts of the same storage.
using Linear = std::vector<PackedLinear>;

class CpuDevice final : public Device {
 public:
  CpuDevice(const DecoderSpec& spec, const Kernels& kernels, const ProductFamily& product,
            Precision precision, const DeviceOptions& options, int64_t weight_need, int64_t page_memory)
      : spec_(spec),
        kernels_(kernels),
        product_(product),
        router_product_(kernels.product(Precision::float32, false)),
        precision_(precision),
        workers_(options.threads > 0 ? options.threads : ThreadPool::available_processors()),
        pages_(layer_page_bytes(spec, kernels, precision)),
        weight_need_(weight_need),
        page_memory_(page_memory),
        attention_(spec, kernels, precision),
        mixtures_(kernels.rows, product, router_product_, operand_format(), workers_),
        deltas_(spec, kernels.delta, workers_),
        selection_(workers_) {}

  DeviceTraits traits() const override {
    DeviceTraits traits;
    traits.name = "cpu";
    traits.tier = kernels_.tier;
    traits.precision = precision_;
    traits.preferred_rows = kPreferredRows;
    traits.weight_rows = spec_.has_states() ? 0 : kernels_.weight_rows;
    for (const Linear& linear : linears_) {
      for (const PackedLinear& part : linear)
        traits.weight_bytes += static_cast<int64_t>(part.weights.size());
    }
    for (const PackedMixture& mixture : packed_mixtures_)
      traits.weight_bytes += static_cast<int64_t>(mixture.bytes());
    traits.weight_need = weight_need_;
    traits.page_bytes = static_cast<int64_t>(pages_.page_bytes());
    traits.state_bytes = static_cast<int64_t>(deltas_.state_bytes());
    traits.page_memory = page_memory_;
    traits.notes = notes_;
    return traits;
  }

  void set_notes(std::vector<std::string> notes) { notes_ = std::move(notes); }

  void set_threads(int threads) override { workers_.set_threads(threads); }

  LinearId add_linear(std::span<const LinearTensors> stacked) override {
    linears_.emplace_back();
    while (!stacked.empty()) {
      const Storage storage = storage_of(precision_, *stacked.front().weight);
      size_t count = 1;
      while (count < stacked.size() && storage_of(precision_, *stacked[count].weight) == storage) ++count;
      add_part(stacked.first(count), false, storage);
      stacked = stacked.subspan(count);
    }
    return static_cast<LinearId>(linears_.size() - 1);
  }
  LinearId add_gated_linear(const LinearTensors& gate, const LinearTensors& up) override {
    linears_.emplace_back();
    add_part(std::array{gate, up}, true, storage_of(precision_, std::array{gate, up}));
    return static_cast<LinearId>(linears_.size() - 1);
  }

  MixtureId add_mixture(const ExpertSpec& spec, const MixtureTensors& tensors) override {
    packed_mixtures_.push_back(
        pack_mixture(spec, tensors, precision_, product_, router_product_, workers_.pool()));
    workers_.reserve_scratch(mixtures_.scratch_bytes(packed_mixtures_.back()));
    return static_cast<MixtureId>(packed_mixtures_.size() - 1);
  }

  DeltaId add_delta(const DeltaSpec& spec, const DeltaTensors& tensors) override {
    return deltas_.add(spec, tensors);
  }

  ConvolutionId add_convolution(const ConvolutionSpec& spec, const Tensor& taps) override {
    return deltas_.add_convolution(spec, taps);
  }

  NormId add_norm(const NormSpec& spec, const NormTensors& tensors, int columns) override {
    norms_.push_back(read_norm(spec, tensors, columns));
    return static_cast<NormId>(norms_.size() - 1);
  }

  VectorId add_vector(const Tensor& values) override {
    vectors_.push_back(values_of(&values));
    return static_cast<VectorId>(vectors_.size() - 1);
  }

  RowsId add_rows(int columns, RowsUse use) override {
    activations_.emplace_back(columns, use,
                              use == RowsUse::routed ? OperandFormat::floats : operand_format());
    return static_cast<RowsId>(activations_.size() - 1);
  }

  void begin(const Step& step) override {
    step_ = &step;
    pages_.reserve(step.page_count);
    copy_pages();
    deltas_.begin(step);
    attention_.begin(step);
  }

  void embed(LinearId table, float scale, RowsId out) override {
    rows(out).resize(step_->rows());
    each_table_row(table, step_->tokens, rows(out).values(),
                   [scale](float& place, float value) { place = value * scale; });
  }

  void add_embedded(LinearId table, float scale, RowsId out) override {
    each_table_row(table, step_->tokens, rows(out).values(),
                   [scale](float& place, float value) { place += value * scale; });
  }

  void embed_numbers(LinearId table, std::span<const int32_t> numbers, RowsId out) override {
    const Linear& parts = linears_[static_cast<size_t>(table)];
    rows(out).resize(step_->rows());
    const LaneRows to = rows(out).values();
    const auto size = static_cast<size_t>(parts.front().inputs);
    const size_t count = static_cast<size_t>(to.columns) / size;
    workers_.pool().parallel_for(static_cast<size_t>(to.rows), [&](size_t row) {
      std::vector<float> values(size);
      for (size_t i = 0; i < count; ++i) {
        read_stacked(parts, numbers[row * count + i], values.data());
        float* place = to.at(static_cast<int>(row) / kLanes, static_cast<int>(i * size)) + row % kLanes;
        for (size_t c = 0; c < size; ++c) place[c * kLanes] = values[c];
      }
    });
  }

  void add_positions(LinearId table, RowsId out) override {
    each_table_row(table, step_->positions, rows(out).values(),
                   [](float& place, float value) { place += value; });
  }

  void norm(RowsId in, NormId norm, RowsId out) override {
    const LaneRows from = rows(in).values();
    rows(out).resize(from.rows);
    const Operand to = rows(out).operand();
    workers_.each_groups(from.groups(), from.columns, [&](int first, int end) {
      kernels_.rows.norm(from, lane_norm(norm), to, first, end);
    });
  }

  void norm_add(RowsId in, NormId norm, RowsId to) override {
    const LaneRows from = rows(in).values();
    const LaneRows sums = rows(to).values();
    workers_.each_groups(from.groups(), from.columns, [&](int first, int end) {
      kernels_.rows.norm_add(from, lane_norm(norm), sums, first, end);
    });
  }

  void norm_parts(RowsId in, int first_column, int parts, NormId norm) override {
    const LaneRows all = rows(in).values();
    const LaneNorm part = lane_norm(norm);
    workers_.each_groups(all.groups(), parts * part.columns, [&](int first, int end) {
      kernels_.rows.norm_parts(all, part, first_column, parts, first, end);
    });
  }

  void linear(RowsId in, LinearId weight, RowsId out) override {
    const Operand from = rows(in).operand();
    rows(out).resize(from.rows);
    ProductResult result;
    result.kind = ProductResult::Kind::store;
    result.rows = rows(out).values();
    result.outputs = result.rows.columns;
    multiply(weight, from, result);
  }

  void linear_add(RowsId in, LinearId weight, RowsId to) override {
    ProductResult result;
    result.kind = ProductResult::Kind::add;
    result.rows = rows(to).values();
    result.outputs = result.rows.columns;
    multiply(weight, rows(in).operand(), result);
  }

  void activated_linear(RowsId in, LinearId weight, Activation activation, RowsId out) override {
    multiply_activated(in, weight, ProductResult::Kind::activate, activation, out);
  }

  void gated_linear(RowsId in, LinearId gate_up, Activation activation, RowsId out) override {
    multiply_activated(in, gate_up, ProductResult::Kind::gate, activation, out);
  }

  void mixture_add(RowsId router_in, RowsId in, MixtureId mixture, Activation activation,
                   RowsId to) override {
    mixtures_.add(packed_mixtures_[static_cast<size_t>(mixture)], rows(router_in).operand(),
                  rows(in).operand(), activation, rows(to).values());
  }

  void clear(RowsId out) override {
    rows(out).resize(step_->rows());
    const LaneRows all = rows(out).values();
    const size_t group = static_cast<size_t>(all.columns) * kLanes;
    workers_.each_groups(all.groups(), all.columns, [&](int first, int end) {
      std::fill_n(all.at(first, 0), static_cast<size_t>(end - first) * group, 0.0F);
    });
  }

  void scale(RowsId values, float factor) override {
    each_group(values, [&](const LaneRows& all, int first, int end) {
      kernels_.rows.scale(all, factor, first, end);
    });
  }

  void add(RowsId in, float factor, RowsId to) override {
    each_group(to, [&, from = rows(in).values()](const LaneRows& all, int first, int end) {
      kernels_.rows.add(from, factor, all, first, end);
    });
  }

  void combine(RowsId base, std::span<const RowsId> in, RowsId weights, int first_column,
               RowsId out) override {
    const LaneRows from = rows(base).values();
    if (out != base) rows(out).resize(from.rows);
    std::vector<LaneRows> terms;
    for (const RowsId term : in) terms.push_back(rows(term).values());
    const WeightedRows weighted{.rows = terms.data(),
                                .count = static_cast<int>(terms.size()),
                                .weights = rows(weights).values(),
                                .first_column = first_column};
    each_group(out, [&](const LaneRows& all, int first, int end) {
      kernels_.rows.combine(from, weighted, all, first, end);
    });
  }

  void match_magnitude(RowsId values, RowsId like) override {
    each_group(values, [&, target = rows(like).values()](const LaneRows& all, int first, int end) {
      kernels_.rows.match_magnitude(all, target, first, end);
    });
  }

  void keep_above(RowsId values, int columns, float deviations) override {
    each_group(values, [&](const LaneRows& all, int first, int end) {
      kernels_.rows.keep_above(all, columns, deviations, first, end);
    });
  }

  void gate(RowsId in, Activation activation, RowsId factors, int first_column, RowsId out) override {
    const LaneRows by = rows(factors).values();
    rows(out).resize(by.rows);
    const Operand to = rows(out).operand();
    each_group(in, [&](const LaneRows& from, int first, int end) {
      kernels_.rows.gate(from, activation, by, first_column, rows(out).columns(), to, first, end);
    });
  }

  void mix_parts(RowsId in, RowsId gates, RowsId out) override {
    rows(out).resize(rows(in).rows());
    each_group(out, [&, from = rows(in).values(), by = rows(gates).values()](const LaneRows& to, int first,
                                                                             int end) {
      kernels_.rows.mix_parts(from, by, to, first, end);
    });
  }

  void add_to_parts(RowsId in, RowsId gates, float factor, RowsId to) override {
    each_group(to, [&, from = rows(in).values(), by = rows(gates).values()](const LaneRows& all, int first,
                                                                            int end) {
      kernels_.rows.add_to_parts(from, by, factor, all, first, end);
    });
  }

  void score_parts(RowsId a, RowsId b, RowsId out) override {
    rows(out).resize(rows(a).rows());
    each_group(a,
               [&, by = rows(b).values(), to = rows(out).values()](const LaneRows& from, int first, int end) {
                 kernels_.rows.score_parts(from, by, to, first, end);
               });
  }

  void convolve_add(int layer, RowsId in, ConvolutionId convolution, RowsId to) override {
    deltas_.convolve_add(layer, convolution, rows(in).values(), rows(to).values());
  }

  void rotate_and_write(int layer, RowsId query_key_value) override {
    const LaneRows all = rows(query_key_value).values();
    const AttentionKind& kind = attention_.of(layer);
    const AttentionSpec& spec = kind.spec;
    const bool keys = spec_.owns_keys(layer);
    if (kind.spec.rotary) {
      const RotaryLanes angles = attention_.angles(*kind.spec.rotary);
      const int heads = spec.heads + (keys ? spec.kv_heads : 0);  // queries and keys lie side by side
      workers_.each_groups(all.groups(), all.columns, [&](int first, int end) {
        kernels_.rows.rotate(all, 0, heads, spec.head_size, kind.spec.rotary->layout, angles, first, end);
      });
    }
    if (!keys) return;
    const int key = spec.query_width();
    const std::span<const KeyValueWrite> writes = step_->writes;
    const std::span<std::byte* const> pages = pages_.layer(layer);
    workers_.split(writes.size(), writes.size() * static_cast<size_t>(2 * spec.kv_width()),
                   [&](size_t first, size_t end) {
                     kind.family->write(kind.shape, all, key, key + spec.kv_width(),
                                        writes.subspan(first, end - first), pages);
                   });
  }

  void select_keys(int layer, RowsId queries_key, NormId query_norm, NormId key_norm) override {
    const AttentionKind& kind = attention_.of(layer);
    selection_.select(*step_, kind, attention_.positions(*kind.spec.rotary), rows(queries_key).values(),
                      pages_.layer(layer),
                      {norms_[static_cast<size_t>(query_norm)], norms_[static_cast<size_t>(key_norm)]});
  }

  void attention(int layer, RowsId query_key_value, std::optional<VectorId> sinks, RowsId out) override {
    const AttentionKind& kind = attention_.of(layer);
    AttentionWork work;
    work.plan = kind.spec.index ? &selection_.plan(*step_, kind) : &kind.plan;
    work.shape = kind.shape;
    work.query = rows(query_key_value).values();
    rows(out).resize(work.query.rows);
    work.out = rows(out).operand();
    work.pages = pages_.layer(spec_.layer(layer).kv_layer);
    if (sinks) work.sinks = vectors_[static_cast<size_t>(*sinks)].data();
    const auto heads = static_cast<size_t>(kind.shape.kv_heads);
    workers_.each_task(work.plan->blocks.size() * heads, [&](size_t task, int thread) {
      kind.family->attend(work, static_cast<int>(task / heads), static_cast<int>(task % heads),
                          workers_.scratch(thread));
    });
  }

  void apply_gate(RowsId in, RowsId gates, int first_column, RowsId out) override {
    const Operand from = rows(in).operand();
    const LaneRows by = rows(gates).values();
    rows(out).resize(from.rows);
    const Operand to = rows(out).operand();
    const int columns = rows(out).columns();
    workers_.each_groups(by.groups(), columns, [&](int first, int end) {
      kernels_.rows.apply_gate(from, by, first_column, to, columns, first, end);
    });
  }

  void delta_rule(int layer, RowsId in, DeltaId delta, RowsId out) override {
    const LaneRows from = rows(in).values();
    rows(out).resize(from.rows);
    deltas_.run(layer, delta, from, rows(out).operand());
  }

  void select_wanted(RowsId in, RowsId out) override {
    const LaneRows from = rows(in).values();
    rows(out).resize(static_cast<int>(step_->wanted.size()));
    const LaneRows to = rows(out).values();
    workers_.pool().parallel_for(static_cast<size_t>(to.groups()), [&](size_t index) {
      const int group = static_cast<int>(index);
      for (int lane = 0; lane < kLanes && group * kLanes + lane < to.rows; ++lane) {
        const int row = step_->wanted[static_cast<size_t>(group * kLanes + lane)].row;
        const float* value = from.at(row / kLanes, 0) + row % kLanes;
        float* place = to.at(group, 0) + lane;
        for (int c = 0; c < to.columns; ++c) place[c * kLanes] = value[c * kLanes];
      }
    });
  }

  void log_probabilities(RowsId wanted, LinearId weight, float cap, StepResult& result) override {
    const PackedLinear& linear = linears_[static_cast<size_t>(weight)].front();
    const Operand from = rows(wanted).operand();
    Head head(*step_, linear.outputs, cap, result);
    if (from.rows == 0) return;
    const int chunk_panels = kChunkOutputs / linear.panel_outputs;
    workers_.each_task(static_cast<size_t>(head.chunks()), [&](size_t chunk, int thread) {
      ProductResult folded;
      folded.kind = ProductResult::Kind::head;
      folded.head = head.chunk(static_cast<int>(chunk));
      folded.outputs = linear.outputs;
      const int first = static_cast<int>(chunk) * chunk_panels;
      product_.multiply(linear, from, folded, first, std::min(first + chunk_panels, linear.panels()),
                        workers_.scratch(thread));
    });
    head.finish(result);
  }

 private:
  LaneNorm lane_norm(NormId id) const {
    const Norm& norm = norms_[static_cast<size_t>(id)];
    return {.kind = norm.kind,
            .epsilon = norm.epsilon,
            .columns = static_cast<int>(norm.weight.size()),
            .weight = norm.weight.data(),
            .bias = norm.bias.empty() ? nullptr : norm.bias.data()};
  }

  // body(all rows, first, end) over their groups.
  template <class Body>
  void each_group(RowsId values, const Body& body) {
    const LaneRows all = rows(values).values();
    workers_.each_groups(all.groups(), all.columns, [&](int first, int end) { body(all, first, end); });
  }

  // A row of a table that may lie in several parts.
  static void read_stacked(const Linear& parts, int32_t number, float* out) {
    auto part = parts.begin();
    for (; number >= part->outputs; ++part) number -= part->outputs;
    read_output(*part, number, out);
  }

  // put(place, value) for each value of the table's row numbers[r] and its place in row r.
  template <class Put>
  void each_table_row(LinearId table, std::span<const int32_t> numbers, const LaneRows& to, const Put& put) {
    const PackedLinear& linear = linears_[static_cast<size_t>(table)].front();
    workers_.pool().parallel_for(static_cast<size_t>(to.groups()), [&](size_t index) {
      const int group = static_cast<int>(index);
      std::vector<float> row(static_cast<size_t>(to.columns));
      for (int lane = 0; lane < kLanes && group * kLanes + lane < to.rows; ++lane) {
        const int32_t number = numbers[static_cast<size_t>(group * kLanes + lane)];
        read_output(linear, number < linear.outputs ? number : 0, row.data());
        float* place = to.at(group, 0) + lane;
        for (const float value : row) {
          put(*place, value);
          place += kLanes;
        }
      }
    });
  }

  void multiply_activated(RowsId in, LinearId weight, ProductResult::Kind kind, Activation activation,
                          RowsId out) {
    const Operand from = rows(in).operand();
    rows(out).resize(from.rows);
    ProductResult result;
    result.kind = kind;
    result.activation = activation;
    result.operand = rows(out).operand();
    result.outputs = rows(out).columns();
    multiply(weight, from, result);
  }

  Activations& rows(RowsId id) { return activations_[static_cast<size_t>(id)]; }

  OperandFormat operand_format() const {
    const bool rounds = precision_ == Precision::bfloat16 && product_.operand == OperandFormat::floats;
    return rounds ? OperandFormat::rounded_floats : product_.operand;
  }

  void add_part(std::span<const LinearTensors> stacked, bool gated, const Storage& storage) {
    const PackedLinear& part =
        linears_.back().emplace_back(pack_linear(stacked, gated, storage, product_, workers_.pool()));
    workers_.reserve_scratch(std::max(product_.scratch_bytes(part), attention_.scratch_bytes()));
  }

  void multiply(LinearId weight, const Operand& in, const ProductResult& result) {
    workers_.multiply(product_, linears_[static_cast<size_t>(weight)], in, result);
  }

  void copy_pages() {
    workers_.pool().parallel_for(step_->copies.empty() ? 0 : spec_.layers.size(), [&](size_t index) {
      const int layer = static_cast<int>(index);
      if (!spec_.owns_keys(layer)) return;
      const AttentionKind& kind = attention_.of(layer);
      const std::span<std::byte* const> pages = pages_.layer(layer);
      for (const PageCopy& copy : step_->copies) {
        const std::byte* from = pages[static_cast<size_t>(copy.from)];
        std::byte* to = pages[static_cast<size_t>(copy.to)];
        kind.family->copy(kind.shape, from, copy.positions, to);
        if (!kind.spec.index) continue;
        // Keys of later positions and blocks come along; whoever continues the copy writes its own first.
        const size_t first = index_offset(*kind.family, kind.shape);
        std::copy_n(from + first, index_bytes(*kind.spec.index), to + first);
      }
    });
  }

  DecoderSpec spec_;
  const Kernels& kernels_;
  const ProductFamily& product_;
  const ProductFamily& router_product_;
  Precision precision_;
  Workers workers_;
  std::vector<Linear> linears_;
  std::vector<Norm> norms_;
  std::vector<std::vector<float>> vectors_;
  std::vector<Activations> activations_;
  Pages pages_;
  int64_t weight_need_;
  int64_t page_memory_;
  AttentionKinds attention_;
  std::vector<PackedMixture> packed_mixtures_;
  Mixtures mixtures_;
  DeltaLayers deltas_;
  KeySelection selection_;
  std::vector<std::string> notes_;
  const Step* step_ = nullptr;
};

// For these weights: to round is no gain where products are of floats all the same.
Precision faster_precision(const Kernels& kernels, const DecoderTensors& tensors) {
  const Precision fast = kernels.fast_precision;
  const ProductFamily& product = kernels.product(fast, bfloat_weights(fast, tensors));
  return product.operand == OperandFormat::floats ? Precision::float32 : fast;
}

}  // namespace

Result<std::unique_ptr<Device>> make_device(const DecoderModel& model, const DeviceOptions& options,
                                            const Kernels& kernels, std::vector<std::string> notes) {
  const Precision precision = options.precision.value_or(faster_precision(kernels, model.tensors));
  const ProductFamily& product = kernels.product(precision, bfloat_weights(precision, model.tensors));
  const std::vector<size_t> layer_bytes = layer_page_bytes(model.spec, kernels, precision);
  const std::vector<size_t> states = state_bytes(model.spec);
  int64_t bytes = std::accumulate(layer_bytes.begin(), layer_bytes.end(), int64_t{0});
  bytes = std::accumulate(states.begin(), states.end(), bytes);
  const std::optional<int64_t> free =
      options.memory_bytes > 0 ? std::optional(options.memory_bytes) : available_memory();
  const MemoryNeed need = memory_need(precision, model, kPreferredRows);
  int64_t page_memory = 0;
  if (free) {
    auto left = memory_for_pages(need, *free, bytes);
    if (!left) return forward_error(left);
    page_memory = *left;
  }
  auto device = std::make_unique<CpuDevice>(model.spec, kernels, product, precision, options, need.weights,
                                            page_memory);
  if (model.spec.has_states()) notes.emplace_back(kNoDrafts);
  for (std::string& note : describe_storage(precision, model.tensors)) notes.push_back(std::move(note));
  for (std::string& note : describe_attention(model.spec, kernels, precision))
    notes.push_back(std::move(note));
  device->set_notes(std::move(notes));
  return device;
}

}  // namespace cpu

Result<std::unique_ptr<Device>> make_cpu_device(const DecoderModel& model, const DeviceOptions& options) {
  std::optional<CpuTier> tier = best_cpu_tier();
  std::vector<std::string> notes;
  if (options.tier.empty()) {
    for (const CpuTierEntry& entry : cpu_tiers()) {
      if (const auto reason = why_refused(entry.tier))
        notes.push_back(fmt::format("not tier {}: {}", entry.name, *reason));
    }
  } else {
    auto asked = parse_cpu_tier(options.tier);
    if (!asked) return forward_error(asked);
    if (const auto reason = why_unsupported(*asked)) {
      return unavailable("cpu", fmt::format("tier {}: {}", options.tier, *reason),
                         "`sizeup doctor` lists the tiers");
    }
    tier = *asked;
  }
  if (!tier) {
    return unavailable("cpu", "this processor has no tier of the CPU device",
                       "device=reference computes anywhere");
  }
  if (const HugePages pages = huge_pages(); !pages.available) notes.push_back(pages.note);
  return cpu::make_device(model, options, cpu::kernels_of(*tier), std::move(notes));
}

}  // namespace sizeup
