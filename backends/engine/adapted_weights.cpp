#include "backends/engine/adapted_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "backends/engine/adapter_reader.h"
#include "backends/engine/formats/tensor_index.h"
#include "core/io/sha256.h"

namespace sizeup {
namespace {

class AdaptedRows : public RowSource {
 public:
  explicit AdaptedRows(const Tensor& base)
      : base_(base), format_(fmt::format("{}+LoRA", sizeup::stored_format(base))) {}

  void add(LowRankDelta delta, float weight) {
    delta.scale *= weight;
    deltas_.push_back(std::move(delta));
  }

  std::string_view format() const override { return format_; }
  int64_t stored_bytes() const override {
    int64_t bytes = sizeup::stored_bytes(base_);
    for (const LowRankDelta& delta : deltas_)
      bytes += static_cast<int64_t>((delta.up.size() + delta.down.size()) * sizeof(float));
    return bytes;
  }
  void compute_row(int64_t row, std::span<float> out) const override {
    dequantise_row(base_, row, out);
    std::vector<float> sum(out.size());
    for (const LowRankDelta& delta : deltas_) {
      std::fill(sum.begin(), sum.end(), 0.0F);
      const float* up = delta.up.data() + row * delta.rank;
      const float* down = delta.down.data();
      for (int r = 0; r < delta.rank; ++r, down += delta.inputs) {
        for (size_t k = 0; k < sum.size(); ++k) sum[k] += up[r] * down[k];
      }
      for (size_t k = 0; k < sum.size(); ++k) out[k] += delta.scale * sum[k];
    }
  }

 private:
  Tensor base_;
  std::string format_;
  std::vector<LowRankDelta> deltas_;
};

class AdaptedCheckpoint : public Checkpoint {
 public:
  AdaptedCheckpoint(std::unique_ptr<Checkpoint> source, std::vector<Tensor> tensors,
                    std::vector<std::unique_ptr<RowSource>> sources)
      : source_(std::move(source)), sources_(std::move(sources)), tensors_(std::move(tensors)) {}

  CheckpointFormat format() const override { return source_->format(); }
  const std::filesystem::path& path() const override { return source_->path(); }
  const Json& config() const override { return source_->config(); }
  const std::vector<Tensor>& tensors() const override { return tensors_.all(); }
  const Tensor* find(std::string_view name) const override { return tensors_.find(name); }
  void release(const Tensor& tensor) const override { source_->release(tensor); }
  std::vector<std::filesystem::path> files() const override { return source_->files(); }

 private:
  std::unique_ptr<Checkpoint> source_;
  std::vector<std::unique_ptr<RowSource>> sources_;
  TensorIndex tensors_;
};

// Changed matrices by name.
using Changes = std::map<std::string, std::unique_ptr<AdaptedRows>>;

// What keeps the change from its matrix; empty if it fits.
std::string misfit(const LowRankDelta& delta, const Tensor* base) {
  if (base == nullptr) return delta.module;
  const bool fits = base->shape == std::vector<int64_t>{delta.outputs, delta.inputs};
  if (fits) return {};
  return fmt::format("{} ({{{}, {}}} for a matrix of {{{}}})", delta.module, delta.outputs, delta.inputs,
                     fmt::join(base->shape, ", "));
}

Result<void> add_adapter(Adapter adapter, float weight, const Checkpoint& source, Changes& changes) {
  std::vector<std::string> misfits;
  for (LowRankDelta& delta : adapter.deltas) {
    const std::string name = delta.module + ".weight";
    const Tensor* base = source.find(name);
    if (std::string problem = misfit(delta, base); !problem.empty()) {
      misfits.push_back(std::move(problem));
      continue;
    }
    auto& change = changes[name];
    if (change == nullptr) change = std::make_unique<AdaptedRows>(*base);
    change->add(std::move(delta), weight);
  }
  if (misfits.empty()) return {};
  return bad_input(adapter.folder.string(),
                   fmt::format("does not fit {}: {}", source.path().string(), fmt::join(misfits, ", ")),
                   "an adapter of matrices that the model has");
}

std::string describe_adapter(const Adapter& adapter, float weight) {
  int least = adapter.deltas.front().rank, most = least;
  for (const LowRankDelta& delta : adapter.deltas) {
    least = std::min(least, delta.rank);
    most = std::max(most, delta.rank);
  }
  const std::string rank = least == most ? fmt::format("{}", most) : fmt::format("{} to {}", least, most);
  return fmt::format("adapter {}: rank {}, {} matrices{}", adapter.folder.string(), rank,
                     adapter.deltas.size(), weight == 1.0F ? "" : fmt::format(", times {}", weight));
}

Result<AdapterChoice> parse_adapter(std::string_view part, std::string_view model) {
  AdapterChoice choice;
  const size_t star = part.rfind('*');
  choice.folder = part.substr(0, star);
  bool good = !choice.folder.empty();
  if (star != std::string_view::npos) {
    const std::string_view number = part.substr(star + 1);
    const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), choice.weight);
    good = good && failure == std::errc() && end == number.data() + number.size() &&
           std::isfinite(choice.weight);
  }
  if (!good) {
    return usage_error(
        fmt::format("model '{}': adapter '{}' is not a folder or a folder times a number", model, part),
        "adapter=./lora or adapter=./one*0.5,./two*0.5");
  }
  return choice;
}

}  // namespace

Result<std::vector<AdapterChoice>> parse_adapters(std::string_view text, std::string_view model) {
  std::vector<AdapterChoice> choices;
  while (true) {
    const size_t end = text.find(',');
    auto choice = parse_adapter(text.substr(0, end), model);
    if (!choice) return forward_error(choice);
    choices.push_back(std::move(*choice));
    if (end == std::string_view::npos) return choices;
    text.remove_prefix(end + 1);
  }
}

Result<AdaptedWeights> adapt_weights(std::unique_ptr<Checkpoint> source,
                                     const std::vector<AdapterChoice>& choices) {
  if (choices.empty()) return AdaptedWeights{std::move(source), {}, {}};
  if (source->format() != CheckpointFormat::safetensors) {
    return bad_input(source->path().string(), "adapters are not applied to GGUF files yet",
                     "the Hugging Face folder that the adapter was trained on");
  }
  AdaptedWeights adapted;
  Changes changes;
  for (const AdapterChoice& choice : choices) {
    auto adapter = read_adapter(choice.folder);
    if (!adapter) return forward_error(adapter);
    const auto hash = fingerprint(adapter->files);
    if (!hash) return tl::unexpected<Error>(hash.error());
    adapted.identity += fmt::format(" adapter={}*{}", *hash, choice.weight);
    adapted.notes.push_back(describe_adapter(*adapter, choice.weight));
    if (auto added = add_adapter(std::move(*adapter), choice.weight, *source, changes); !added)
      return forward_error(added);
  }
  std::vector<Tensor> tensors = source->tensors();
  std::vector<std::unique_ptr<RowSource>> sources;
  for (Tensor& tensor : tensors) {
    const auto change = changes.find(tensor.name);
    if (change == changes.end()) continue;
    tensor.type = TensorType::f32;
    tensor.computed = change->second.get();
    tensor.first_row = 0;
    sources.push_back(std::move(change->second));
  }
  adapted.checkpoint =
      std::make_unique<AdaptedCheckpoint>(std::move(source), std::move(tensors), std::move(sources));
  return adapted;
}

std::string adapted_fingerprint(std::string_view fingerprint, std::string_view identity) {
  return sha256_hex(fmt::format("{}{}", fingerprint, identity));
}

}  // namespace sizeup
