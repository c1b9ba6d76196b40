#include "backends/cpu/cpu_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "backends/cpu/activations.h"
#include "backends/cpu/head.h"
#include "backends/cpu/mixture.h"
#include "backends/cpu/pack.h"
#include "backends/cpu/pages.h"
#include "backends/cpu/storage.h"
#include "backends/cpu/workers.h"
#include "backends/engine/rotary_angles.h"
#include "core/memory/available_memory.h"

namespace sizeup {
namespace cpu {
namespace {

// Rows of a step: weights are read and widened once for all of them. More rows gain little and need more
// memory for activations (docs/performance.md).
constexpr int kPreferredRows = 2048;

AttentionShape attention_shape(const DecoderSpec& spec) {
  return {.heads = spec.heads,
          .kv_heads = spec.kv_heads,
          .head_size = spec.head_size,
          .scale = 1.0F / std::sqrt(static_cast<float>(spec.head_size))};
}

// Outputs side by side, in parts of the same storage.
using Linear = std::vector<PackedLinear>;

// A step's angles in lanes: [group][pair][kLanes].
struct LaneAngles {
  std::vector<float> cosines;
  std::vector<float> sines;
};

// A step's attention in the layers of one window.
struct WindowPlan {
  AttentionShape shape;
  AttentionPlan plan;
};

class CpuDevice final : public Device {
 public:
  CpuDevice(const DecoderSpec& spec, const Kernels& kernels, const ProductFamily& product,
            const AttentionFamily& attention, Precision precision, const DeviceOptions& options,
            int64_t weight_need, int64_t page_memory)
      : spec_(spec),
        kernels_(kernels),
        product_(product),
        router_product_(kernels.product(Precision::float32, false)),
        attention_(attention),
        precision_(precision),
        shape_(attention_shape(spec)),
        workers_(options.threads > 0 ? options.threads : ThreadPool::available_processors()),
        angles_(spec.rotary),
        pages_(spec.layers, attention.page_bytes(shape_)),
        weight_need_(weight_need),
        page_memory_(page_memory),
        mixtures_(kernels.rows, product, router_product_, operand_format(), workers_) {
    for (int layer = 0; layer < spec.layers; ++layer) {
      const int window = spec.window(layer);
      if (std::ranges::any_of(plans_, [&](const auto& plan) { return plan.shape.window == window; }))
        continue;
      plans_.push_back({.shape = shape_, .plan = {}});
      plans_.back().shape.window = window;
    }
  }

  DeviceTraits traits() const override {
    DeviceTraits traits;
    traits.name = "cpu";
    traits.tier = kernels_.tier;
    traits.precision = precision_;
    traits.preferred_rows = kPreferredRows;
    traits.weight_rows = kernels_.weight_rows;
    for (const Linear& linear : linears_) {
      for (const PackedLinear& part : linear)
        traits.weight_bytes += static_cast<int64_t>(part.weights.size());
    }
    for (const PackedMixture& mixture : packed_mixtures_)
      traits.weight_bytes += static_cast<int64_t>(mixture.bytes());
    traits.weight_need = weight_need_;
    traits.page_bytes = static_cast<int64_t>(pages_.page_bytes());
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

  VectorId add_vector(const Tensor& weight) override {
    std::vector<float>& values = vectors_.emplace_back(static_cast<size_t>(weight.columns()));
    dequantise_row(weight, 0, values);
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
    for (WindowPlan& windowed : plans_) {
      windowed.plan = plan_attention(
          step, windowed.shape,
          {.placement = TilePlacement::cheapest, .lone_rows = attention_.lone_rows(windowed.shape)});
    }
    spread_angles();
  }

  void embed(LinearId table, RowsId out) override {
    rows(out).resize(step_->rows());
    const LaneRows to = rows(out).values();
    const PackedLinear& linear = linears_[static_cast<size_t>(table)].front();
    workers_.pool().parallel_for(static_cast<size_t>(to.groups()), [&](size_t index) {
      const int group = static_cast<int>(index);
      std::vector<float> row(static_cast<size_t>(to.columns));
      for (int lane = 0; lane < kLanes && group * kLanes + lane < to.rows; ++lane) {
        read_output(linear, step_->tokens[static_cast<size_t>(group * kLanes + lane)], row.data());
        float* place = to.at(group, 0) + lane;
        for (const float value : row) {
          *place = value;
          place += kLanes;
        }
      }
    });
  }

  void norm(RowsId in, VectorId weight, float epsilon, RowsId out) override {
    const LaneRows from = rows(in).values();
    rows(out).resize(from.rows);
    const Operand to = rows(out).operand();
    workers_.each_groups(from.groups(), from.columns, [&](int first, int end) {
      kernels_.rows.norm(from, vectors_[static_cast<size_t>(weight)].data(), epsilon, to, first, end);
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

  void gated_linear(RowsId in, LinearId gate_up, Activation activation, RowsId out) override {
    const Operand from = rows(in).operand();
    rows(out).resize(from.rows);
    ProductResult result;
    result.kind = ProductResult::Kind::gate;
    result.activation = activation;
    result.operand = rows(out).operand();
    result.outputs = rows(out).columns();
    multiply(gate_up, from, result);
  }

  void mixture_add(RowsId in, MixtureId mixture, Activation activation, RowsId to) override {
    mixtures_.add(packed_mixtures_[static_cast<size_t>(mixture)], rows(in).operand(), activation,
                  rows(to).values());
  }

  void norm_heads(RowsId query_key_value, VectorId query_weight, VectorId key_weight,
                  float epsilon) override {
    const LaneRows all = rows(query_key_value).values();
    const float* query = vectors_[static_cast<size_t>(query_weight)].data();
    const float* key = vectors_[static_cast<size_t>(key_weight)].data();
    workers_.each_groups(all.groups(), all.columns, [&](int first, int end) {
      kernels_.rows.norm_heads(all, 0, spec_.heads, spec_.head_size, query, epsilon, first, end);
      kernels_.rows.norm_heads(all, spec_.query_width(), spec_.kv_heads, spec_.head_size, key, epsilon, first,
                               end);
    });
  }

  void rotate_and_write(int layer, RowsId query_key_value) override {
    const LaneRows all = rows(query_key_value).values();
    const RotaryLanes angles{lane_angles_.cosines.data(), lane_angles_.sines.data(), angles_.pairs()};
    workers_.each_groups(spec_.rotates(layer) ? all.groups() : 0, all.columns, [&](int first, int end) {
      // Queries and keys lie side by side.
      kernels_.rows.rotate(all, 0, spec_.heads + spec_.kv_heads, spec_.head_size, spec_.rotary.layout, angles,
                           first, end);
    });
    const int key = spec_.query_width();
    const std::span<const KeyValueWrite> writes = step_->writes;
    const std::span<std::byte* const> pages = pages_.layer(layer);
    workers_.split(writes.size(), writes.size() * static_cast<size_t>(2 * spec_.kv_width()),
                   [&](size_t first, size_t end) {
                     attention_.write(shape_, all, key, key + spec_.kv_width(),
                                      writes.subspan(first, end - first), pages);
                   });
  }

  void attention(int layer, RowsId query_key_value, RowsId out) override {
    const WindowPlan& windowed = plan_of(layer);
    AttentionWork work;
    work.plan = &windowed.plan;
    work.shape = windowed.shape;
    work.query = rows(query_key_value).values();
    rows(out).resize(work.query.rows);
    work.out = rows(out).operand();
    work.pages = pages_.layer(layer);
    const size_t tasks = windowed.plan.blocks.size() * static_cast<size_t>(spec_.kv_heads);
    workers_.each_task(tasks, [&](size_t task, int thread) {
      const auto heads = static_cast<size_t>(spec_.kv_heads);
      attention_.attend(work, static_cast<int>(task / heads), static_cast<int>(task % heads),
                        workers_.scratch(thread));
    });
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

  void log_probabilities(RowsId wanted, LinearId weight, StepResult& result) override {
    const PackedLinear& linear = linears_[static_cast<size_t>(weight)].front();
    const Operand from = rows(wanted).operand();
    Head head(*step_, linear.outputs, result);
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
  const WindowPlan& plan_of(int layer) const {
    const int window = spec_.window(layer);
    return *std::ranges::find_if(plans_, [&](const auto& plan) { return plan.shape.window == window; });
  }

  Activations& rows(RowsId id) { return activations_[static_cast<size_t>(id)]; }

  OperandFormat operand_format() const {
    const bool rounds = precision_ == Precision::bfloat16 && product_.operand == OperandFormat::floats;
    return rounds ? OperandFormat::rounded_floats : product_.operand;
  }

  void add_part(std::span<const LinearTensors> stacked, bool gated, const Storage& storage) {
    const PackedLinear& part =
        linears_.back().emplace_back(pack_linear(stacked, gated, storage, product_, workers_.pool()));
    workers_.reserve_scratch(std::max(product_.scratch_bytes(part), attention_.scratch_bytes(shape_)));
  }

  void multiply(LinearId weight, const Operand& in, const ProductResult& result) {
    workers_.multiply(product_, linears_[static_cast<size_t>(weight)], in, result);
  }

  void copy_pages() {
    const size_t layers = static_cast<size_t>(spec_.layers);
    workers_.pool().parallel_for(step_->copies.empty() ? 0 : layers, [&](size_t layer) {
      const std::span<std::byte* const> pages = pages_.layer(static_cast<int>(layer));
      for (const PageCopy& copy : step_->copies) {
        attention_.copy(shape_, pages[static_cast<size_t>(copy.from)], copy.positions,
                        pages[static_cast<size_t>(copy.to)]);
      }
    });
  }

  void spread_angles() {
    angles_.prepare(*std::max_element(step_->positions.begin(), step_->positions.end()));
    const auto pairs = static_cast<size_t>(angles_.pairs());
    const auto count = static_cast<size_t>(groups_of(step_->rows())) * pairs * kLanes;
    lane_angles_.cosines.resize(count);
    lane_angles_.sines.resize(count);
    for (size_t row = 0; row < step_->positions.size(); ++row) {
      const auto cosines = angles_.cosines(step_->positions[row]);
      const auto sines = angles_.sines(step_->positions[row]);
      const size_t begin = row / kLanes * pairs * kLanes + row % kLanes;
      for (size_t pair = 0; pair < pairs; ++pair) {
        lane_angles_.cosines[begin + pair * kLanes] = cosines[pair];
        lane_angles_.sines[begin + pair * kLanes] = sines[pair];
      }
    }
  }

  DecoderSpec spec_;
  const Kernels& kernels_;
  const ProductFamily& product_;
  const ProductFamily& router_product_;
  const AttentionFamily& attention_;
  Precision precision_;
  AttentionShape shape_;
  Workers workers_;
  std::vector<Linear> linears_;
  std::vector<std::vector<float>> vectors_;
  std::vector<Activations> activations_;
  RotaryAngles angles_;
  LaneAngles lane_angles_;
  Pages pages_;
  int64_t weight_need_;
  int64_t page_memory_;
  std::vector<PackedMixture> packed_mixtures_;
  Mixtures mixtures_;
  std::vector<std::string> notes_;
  std::vector<WindowPlan> plans_;
  const Step* step_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<Device>> make_device(const DecoderModel& model, const DeviceOptions& options,
                                            const Kernels& kernels, std::vector<std::string> notes) {
  const Precision precision = options.precision.value_or(kernels.fast_precision);
  const ProductFamily& product = kernels.product(precision, bfloat_weights(precision, model.tensors));
  const AttentionShape shape = attention_shape(model.spec);
  const auto families = kernels.attention(precision);
  const auto attention = std::find_if(families.begin(), families.end(),
                                      [&](const auto* family) { return family->supports(shape); });
  require(attention != families.end(), "the last family attends in every shape");

  const auto page_bytes = static_cast<int64_t>((*attention)->page_bytes(shape)) * model.spec.layers;
  const std::optional<int64_t> free =
      options.memory_bytes > 0 ? std::optional(options.memory_bytes) : available_memory();
  const MemoryNeed need = memory_need(precision, model, kPreferredRows);
  int64_t page_memory = 0;
  if (free) {
    auto left = memory_for_pages(need, *free, page_bytes);
    if (!left) return forward_error(left);
    page_memory = *left;
  }
  auto device = std::make_unique<CpuDevice>(model.spec, kernels, product, **attention, precision, options,
                                            need.weights, page_memory);
  for (std::string& note : describe_storage(precision, model.tensors)) notes.push_back(std::move(note));
  if (*attention != families.front()) {
    notes.push_back(fmt::format("attention by '{}': '{}' does not take heads of {}", (*attention)->name,
                                families.front()->name, shape.head_size));
  }
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
