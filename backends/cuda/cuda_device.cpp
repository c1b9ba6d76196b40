#include "backends/cuda/cuda_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "backends/cuda/activations.h"
#include "backends/cuda/attention_layers.h"
#include "backends/cuda/check.h"
#include "backends/cuda/elements.h"
#include "backends/cuda/head.h"
#include "backends/cuda/memory_need.h"
#include "backends/cuda/mixture_pack.h"
#include "backends/cuda/norms.h"
#include "backends/cuda/products.h"
#include "backends/cuda/recurrent_layers.h"
#include "backends/cuda/step_upload.h"
#include "backends/cuda/weights.h"
#include "backends/cuda/weights_store.h"
#include "backends/engine/norm.h"
#include "core/threads/thread_pool.h"

namespace sizeup::cuda {
namespace {

constexpr size_t kBusIdBytes = 16;  // "0000:3B:00.0" and its end, of which CUDA asks for 13

// So many rows cost a small step little more than reading the weights (docs/performance-cuda.md).
constexpr int kWeightRows = 32;

// What a gated product gives before its gate: rows are taken in parts, so that it stays below this.
constexpr size_t kGateBytes = size_t{512} << 20;

struct DeviceNorm {
  NormKind kind = NormKind::none;
  float epsilon = 0.0F;
  int columns = 0;
  DeviceMemory weight;
  DeviceMemory bias;  // empty: none
};

struct DeviceMixture {
  MixtureView view;
  DeviceMemory memory;
};

class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
  ~Stream() {
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(stream_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  operator cudaStream_t() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

class CudaDevice final : public Device {
 public:
  CudaDevice(const DecoderSpec& spec, const DeviceOptions& options, Precision precision,
             const MemoryNeed& need, int multiprocessors)
      : spec_(spec),
        precision_(precision),
        need_(need),
        upload_weights_(precision,
                        options.threads > 0 ? options.threads : ThreadPool::available_processors()),
        products_(multiprocessors),
        attention_(spec, precision, need.pages, multiprocessors),
        recurrent_(spec, need.pages) {}
  ~CudaDevice() override { cudaStreamSynchronize(stream_); }  // before what it uses is freed

  DeviceTraits traits() const override {
    DeviceTraits traits;
    traits.name = "cuda";
    traits.pci_bus_id = pci_bus_id_;
    traits.precision = precision_;
    traits.preferred_rows = kPreferredRows;
    traits.weight_rows = spec_.has_states() ? 0 : kWeightRows;
    for (const Matrix& matrix : matrices_)
      traits.weight_bytes += static_cast<int64_t>(matrix.weights.bytes() + matrix.bias.bytes());
    for (const DeviceMixture& mixture : mixtures_)
      traits.weight_bytes += static_cast<int64_t>(mixture.memory.bytes());
    traits.weight_bytes += static_cast<int64_t>(recurrent_.weight_bytes());
    traits.weight_need = need_.weights;
    traits.page_bytes = static_cast<int64_t>(attention_.page_bytes());
    traits.state_bytes = static_cast<int64_t>(recurrent_.state_bytes());
    traits.page_memory = need_.pages;
    traits.notes = notes_;
    traits.notes.insert(traits.notes.end(), products_.notes().begin(), products_.notes().end());
    return traits;
  }
  void set_notes(std::vector<std::string> notes) { notes_ = std::move(notes); }
  void set_pci_bus_id(std::string pci_bus_id) { pci_bus_id_ = std::move(pci_bus_id); }

  void set_threads(int threads) override { upload_weights_.set_threads(std::max(1, threads)); }

  LinearId add_linear(std::span<const LinearTensors> stacked) override {
    matrices_.push_back(upload_weights_.upload(stacked));
    return static_cast<LinearId>(matrices_.size() - 1);
  }
  LinearId add_gated_linear(const LinearTensors& gate, const LinearTensors& up) override {
    return add_linear(std::array{gate, up});
  }
  MixtureId add_mixture(const ExpertSpec& spec, const MixtureTensors& tensors) override {
    const MixturePack pack(spec, tensors, precision_);
    std::vector<std::byte> bytes(pack.bytes());
    pack.write(bytes.data());
    DeviceMemory memory = DeviceMemory::of<std::byte>(bytes);
    const MixtureView view = pack.view(memory.as());
    mixtures_.push_back({.view = view, .memory = std::move(memory)});
    return static_cast<MixtureId>(mixtures_.size() - 1);
  }
  DeltaId add_delta(const DeltaSpec& spec, const DeltaTensors& tensors) override {
    return recurrent_.add(spec, tensors);
  }
  NormId add_norm(const NormSpec& spec, const NormTensors& tensors, int columns) override {
    const Norm norm = read_norm(spec, tensors, columns);
    norms_.push_back({.kind = norm.kind,
                      .epsilon = norm.epsilon,
                      .columns = static_cast<int>(norm.weight.size()),
                      .weight = DeviceMemory::of<float>(norm.weight),
                      .bias = DeviceMemory::of<float>(norm.bias)});
    return static_cast<NormId>(norms_.size() - 1);
  }
  VectorId add_vector(const Tensor& values) override {
    vectors_.push_back(DeviceMemory::of<float>(values_of(&values)));
    return static_cast<VectorId>(vectors_.size() - 1);
  }
  RowsId add_rows(int columns, RowsUse use) override {
    activations_.emplace_back(columns, use, precision_);
    return static_cast<RowsId>(activations_.size() - 1);
  }

  void begin(const Step& step) override {
    step_ = &step;
    check(cudaStreamSynchronize(stream_));  // what the last step brought is no longer read
    upload_.clear();
    const Uploaded<int32_t> tokens = upload_.add(step.tokens);
    const Uploaded<int32_t> positions = upload_.add(step.positions);
    const Uploaded<int32_t> pages = upload_.add(step.pages);
    const Uploaded<KeyValueWrite> writes = upload_.add(step.writes);
    const Uploaded<WantedRow> wanted = upload_.add(step.wanted);
    const Uploaded<int32_t> targets = upload_.add(step.targets);
    std::vector<int32_t> rows;
    for (const WantedRow& one : step.wanted) rows.push_back(one.row);
    const Uploaded<int32_t> wanted_rows = upload_.add(rows);
    attention_.plan(step, upload_);
    recurrent_.plan(step, upload_);
    upload_.send(stream_);
    tokens_ = upload_.at(tokens);
    positions_ = upload_.at(positions);
    wanted_rows_ = upload_.at(wanted_rows);
    head_step_ = {.step = &step, .wanted = upload_.at(wanted), .targets = upload_.at(targets)};
    attention_.begin(step, upload_,
                     {.positions = positions_, .pages = upload_.at(pages), .writes = upload_.at(writes)},
                     stream_);
    recurrent_.begin(step, upload_, stream_);
  }

  void embed(LinearId table, float scale, RowsId out) override {
    rows(out).resize(step_->rows());
    cuda::embed(table_of(table), scale, tokens_, rows(out).values(), stream_);
  }
  void add_embedded(LinearId table, float scale, RowsId to) override {
    cuda::add_embedded(table_of(table), scale, tokens_, rows(to).values(), stream_);
  }
  void add_positions(LinearId table, RowsId to) override {
    cuda::add_embedded(table_of(table), 1.0F, positions_, rows(to).values(), stream_);
  }

  void norm(RowsId in, NormId norm, RowsId out) override {
    rows(out).resize(rows(in).rows());
    cuda::norm(rows(in).values(), view(norm), rows(out).operand(), stream_);
  }
  void norm_add(RowsId in, NormId norm, RowsId to) override {
    cuda::norm_add(rows(in).values(), view(norm), rows(to).values(), stream_);
  }
  void norm_parts(RowsId values, int first_column, int parts, NormId norm) override {
    cuda::norm_parts(rows(values).values(), first_column, parts, view(norm), stream_);
  }

  void linear(RowsId in, LinearId weight, RowsId out) override {
    rows(out).resize(rows(in).rows());
    multiply(rows(in), 0, rows(in).rows(), matrix(weight), rows(out).values(), false);
  }
  void linear_add(RowsId in, LinearId weight, RowsId to) override {
    multiply(rows(in), 0, rows(in).rows(), matrix(weight), rows(to).values(), true);
  }
  void activated_linear(RowsId in, LinearId weight, Activation activation, RowsId out) override {
    multiply_then(in, weight, out, [&](const ValueRows& result, const OperandRows& to) {
      activate(result, activation, to, stream_);
    });
  }
  void gated_linear(RowsId in, LinearId gate_up, Activation activation, RowsId out) override {
    multiply_then(in, gate_up, out, [&](const ValueRows& result, const OperandRows& to) {
      cuda::gate(result, activation, result, to.columns, to, stream_);
    });
  }
  void mixture_add(RowsId router_in, RowsId in, MixtureId mixture, Activation activation,
                   RowsId to) override {
    const MixtureView& view = mixtures_[static_cast<size_t>(mixture)].view;
    const ValueRows from = rows(in).values();
    mixture_scratch_.require_bytes(mixture_scratch_bytes(view, from.rows));
    cuda::mixture_add(view, rows(router_in).values(), from, activation, rows(to).values(),
                      mixture_scratch_.as(), stream_);
  }

  void clear(RowsId out) override {
    rows(out).resize(step_->rows());
    cuda::clear(rows(out).values(), stream_);
  }
  void scale(RowsId values, float factor) override { cuda::scale(rows(values).values(), factor, stream_); }
  void add(RowsId in, float factor, RowsId to) override {
    cuda::add(rows(in).values(), factor, rows(to).values(), stream_);
  }
  void combine(RowsId base, std::span<const RowsId> in, RowsId weights, int first_column,
               RowsId out) override {
    rows(out).resize(rows(base).rows());
    std::vector<ConstValueRows> terms;
    for (const RowsId term : in) terms.push_back(rows(term).values());
    cuda::combine(rows(base).values(), terms, rows(weights).values(), first_column, rows(out).values(),
                  stream_);
  }
  void match_magnitude(RowsId values, RowsId like) override {
    cuda::match_magnitude(rows(values).values(), rows(like).values(), stream_);
  }
  void keep_above(RowsId values, int columns, float deviations) override {
    cuda::keep_above(rows(values).values(), columns, deviations, stream_);
  }
  void gate(RowsId in, Activation activation, RowsId factors, int first_column, RowsId out) override {
    rows(out).resize(rows(in).rows());
    cuda::gate(rows(in).values(), activation, rows(factors).values(), first_column, rows(out).operand(),
               stream_);
  }

  void rotate_and_write(int layer, RowsId query_key_value) override {
    attention_.rotate_and_write(layer, rows(query_key_value).values(), stream_);
  }
  void attention(int layer, RowsId query_key_value, std::optional<VectorId> sinks, RowsId out) override {
    const ValueRows queries = rows(query_key_value).values();
    rows(out).resize(queries.rows);
    const float* values = sinks ? vectors_[static_cast<size_t>(*sinks)].as<float>() : nullptr;
    attention_.attend(layer, queries, values, rows(out), stream_);
  }
  void apply_gate(RowsId in, RowsId gates, int first_column, RowsId out) override {
    rows(out).resize(rows(in).rows());
    cuda::apply_gate(rows(in).values(), rows(gates).values(), first_column, rows(out).operand(), stream_);
  }
  void delta_rule(int layer, RowsId in, DeltaId delta, RowsId out) override {
    const ValueRows from = rows(in).values();
    rows(out).resize(from.rows);
    recurrent_.run(layer, delta, from, rows(out).operand(), stream_);
  }

  // What why_refused keeps out.
  ConvolutionId add_convolution(const ConvolutionSpec&, const Tensor&) override { refused(); }
  void embed_numbers(LinearId, std::span<const int32_t>, RowsId) override { refused(); }
  void select_keys(int, RowsId, NormId, NormId) override { refused(); }
  void mix_parts(RowsId, RowsId, RowsId) override { refused(); }
  void add_to_parts(RowsId, RowsId, float, RowsId) override { refused(); }
  void score_parts(RowsId, RowsId, RowsId) override { refused(); }
  void convolve_add(int, RowsId, ConvolutionId, RowsId) override { refused(); }

  void select_wanted(RowsId in, RowsId out) override {
    rows(out).resize(static_cast<int>(step_->wanted.size()));
    select_rows(rows(in).values(), wanted_rows_, rows(out).values(), stream_);
  }
  void log_probabilities(RowsId wanted, LinearId head, float cap, StepResult& result) override {
    head_.run(head_step_, rows(wanted), matrix(head), cap, products_, result, stream_);
  }

 private:
  [[noreturn]] static void refused() {
    throw InternalError("an operation that CUDA lacks was asked for", __FILE__, __LINE__);
  }

  Activations& rows(RowsId id) { return activations_[static_cast<size_t>(id)]; }
  const Matrix& matrix(LinearId id) const { return matrices_[static_cast<size_t>(id)]; }
  NormView view(NormId id) const {
    const DeviceNorm& norm = norms_[static_cast<size_t>(id)];
    return {.kind = norm.kind,
            .epsilon = norm.epsilon,
            .weight = norm.weight.as<float>(),
            .bias = norm.bias.as<float>(),
            .columns = norm.columns};
  }
  WeightRows table_of(LinearId id) const {
    const Matrix& table = matrix(id);
    return {.data = table.weights.as(),
            .type = table.precision == Precision::bfloat16 ? TensorType::bf16 : TensorType::f32,
            .stride = static_cast<int64_t>(table.row_bytes()),
            .rows = table.outputs,
            .columns = table.inputs};
  }

  // Rows [first, first + count) of `in`.
  void multiply(const Activations& in, int first, int count, const Matrix& matrix, const ValueRows& out,
                bool add) {
    const size_t element = in.is_rounded() ? sizeof(uint16_t) : sizeof(float);
    const size_t skipped = static_cast<size_t>(first) * static_cast<size_t>(in.stride()) * element;
    products_.multiply(matrix, 0, matrix.outputs,
                       {.in = static_cast<const std::byte*>(in.data()) + skipped,
                        .in_stride = in.stride(),
                        .rows = count,
                        .out = out.data,
                        .out_stride = out.stride,
                        .add = add},
                       stream_);
  }

  // finish(the product of some rows, their rows of out), until all rows are done.
  template <class Finish>
  void multiply_then(RowsId in, LinearId weight, RowsId out, const Finish& finish) {
    const Matrix& by = matrix(weight);
    const Activations& from = rows(in);
    rows(out).resize(from.rows());
    const int64_t stride = padded_inputs(by.outputs);
    const auto row_bytes = static_cast<size_t>(stride) * sizeof(float);
    const int part = std::min(from.rows(), static_cast<int>(std::max<size_t>(1, kGateBytes / row_bytes)));
    product_.require_bytes(static_cast<size_t>(part) * row_bytes);
    for (int first = 0; first < from.rows(); first += part) {
      const int count = std::min(part, from.rows() - first);
      const ValueRows result{product_.as<float>(), stride, count, by.outputs};
      multiply(from, first, count, by, result, false);
      finish(result, rows(out).part(first, count));
    }
  }

  DecoderSpec spec_;
  Precision precision_;
  MemoryNeed need_;
  Stream stream_;
  WeightsUpload upload_weights_;
  std::vector<Matrix> matrices_;
  std::vector<DeviceNorm> norms_;
  std::vector<DeviceMemory> vectors_;
  std::vector<Activations> activations_;
  DeviceMemory product_;  // of multiply_then
  Products products_;
  AttentionLayers attention_;
  RecurrentLayers recurrent_;
  std::vector<DeviceMixture> mixtures_;
  DeviceMemory mixture_scratch_;
  Head head_;
  StepUpload upload_;
  std::string pci_bus_id_;
  std::vector<std::string> notes_;
  const Step* step_ = nullptr;
  const int32_t* tokens_ = nullptr;
  const int32_t* positions_ = nullptr;
  const int32_t* wanted_rows_ = nullptr;
  HeadStep head_step_;
};

// What the device cannot compute yet.
std::optional<std::string> why_refused(const DecoderSpec& spec) {
  if (spec.residual_streams) return "models with several residual streams (qwen4_exp) do not run on CUDA";
  for (const LayerSpec& layer : spec.layers) {
    if (layer.attention.index) return "attention to chosen blocks of keys does not run on CUDA";
    if (layer.delta && layer.delta->sigmoid_gate)
      return "recurrent layers with sigmoid gates do not run on CUDA";
    if (layer.convolution) return "convolutions of an extension do not run on CUDA";
    if (layer.attention.head_size > kGreatestHead)
      return fmt::format("heads of more than {} values do not run on CUDA", kGreatestHead);
    if (layer.delta && layer.delta->key_size > kMostDeltaKeys)
      return fmt::format("recurrent layers with keys of more than {} values do not run on CUDA",
                         kMostDeltaKeys);
  }
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<Device>> make_device(const DecoderModel& model, const DeviceOptions& options) {
  if (const auto reason = why_unavailable()) return unavailable("cuda", *reason);
  if (!options.tier.empty())
    return usage_error("the CUDA device has no tiers", "cpu_tier goes with device=cpu");
  if (const auto reason = why_refused(model.spec))
    return unavailable("cuda", *reason, "device=cpu computes them");
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 0));
  size_t free = 0;
  size_t total = 0;
  check(cudaMemGetInfo(&free, &total));
  if (options.memory_bytes > 0) free = std::min(free, static_cast<size_t>(options.memory_bytes));
  const Precision precision = options.precision.value_or(Precision::bfloat16);
  auto need = memory_need(model.spec, precision, static_cast<int64_t>(free));
  if (!need) return forward_error(need);
  auto device =
      std::make_unique<CudaDevice>(model.spec, options, precision, *need, properties.multiProcessorCount);
  std::vector<std::string> notes = {fmt::format("on {}", properties.name)};
  if (model.spec.has_states()) notes.emplace_back(kNoDrafts);
  device->set_notes(std::move(notes));
  std::array<char, kBusIdBytes> bus_id = {};
  check(cudaDeviceGetPCIBusId(bus_id.data(), static_cast<int>(bus_id.size()), 0));
  device->set_pci_bus_id(bus_id.data());
  return device;
}

}  // namespace sizeup::cuda
