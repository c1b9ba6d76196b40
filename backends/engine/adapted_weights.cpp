#include "backends/engine/adapted_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "backends/engine/adapter_reader.h"
#include "backends/engine/architectures/module_places.h"
#include "backends/engine/architectures/table.h"
#include "backends/engine/formats/tensor_index.h"
#include "core/io/sha256.h"
#include "core/text/from_chars.h"

namespace sizeup {
namespace {

class AdaptedRows : public RowSource {
 public:
  explicit AdaptedRows(const Tensor& base)
      : base_(base), format_(fmt::format("{}+LoRA", sizeup::stored_format(base))) {}

  // `delta` changes as many rows as it has outputs, from `first_row` on.
  void add(LowRankDelta delta, float weight, int64_t first_row) {
    delta.scale *= weight;
    deltas_.push_back({std::move(delta), first_row});
  }

  std::string_view format() const override { return format_; }
  int64_t stored_bytes() const override {
    int64_t bytes = sizeup::stored_bytes(base_);
    for (const auto& [delta, first_row] : deltas_)
      bytes += static_cast<int64_t>((delta.up.size() + delta.down.size()) * sizeof(float));
    return bytes;
  }
  void compute_row(int64_t row, std::span<float> out) const override {
    dequantise_row(base_, row, out);
    std::vector<float> sum(out.size());
    for (const auto& [delta, first_row] : deltas_) {
      if (row < first_row || row >= first_row + delta.outputs) continue;
      std::fill(sum.begin(), sum.end(), 0.0F);
      const float* up = delta.up.data() + (row - first_row) * delta.rank;
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
  std::vector<std::pair<LowRankDelta, int64_t>> deltas_;  // with the first row that each changes
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
  std::vector<int64_t> integers(std::string_view name) const override { return source_->integers(name); }
  std::vector<std::filesystem::path> files() const override { return source_->files(); }

 private:
  std::unique_ptr<Checkpoint> source_;
  std::vector<std::unique_ptr<RowSource>> sources_;
  TensorIndex tensors_;
};

// Changed matrices by name.
using Changes = std::map<std::string, std::unique_ptr<AdaptedRows>>;

// What keeps the change from its matrix; empty if it fits.
std::string misfit(const LowRankDelta& delta, const Checkpoint& source,
                   const std::optional<ModulePlace>& place) {
  if (!place) return delta.module;
  const int64_t columns = source.find(place->tensor)->columns();
  if (delta.outputs == place->rows && delta.inputs == columns) return {};
  return fmt::format("{} ({{{}, {}}} for a matrix of {{{}, {}}})", delta.module, delta.outputs, delta.inputs,
                     place->rows, columns);
}

// The change's rows in the order that the file has those of its matrix in.
void permute_rows(LowRankDelta& delta, int heads) {
  std::vector<float> up(delta.up.size());
  const auto rank = static_cast<size_t>(delta.rank);
  for (int64_t row = 0; row < delta.outputs; ++row) {
    const auto from = static_cast<size_t>(unpermuted_row(row, delta.outputs, heads)) * rank;
    std::copy_n(delta.up.begin() + static_cast<std::ptrdiff_t>(from), rank,
                up.begin() + static_cast<std::ptrdiff_t>(row) * delta.rank);
  }
  delta.up = std::move(up);
}

Result<void> add_adapter(Adapter adapter, float weight, const Checkpoint& source, const DecoderSpec& spec,
                         Changes& changes) {
  std::vector<std::string> misfits;
  for (LowRankDelta& delta : adapter.deltas) {
    const auto place = find_module(source, spec, delta.module);
    if (std::string problem = misfit(delta, source, place); !problem.empty()) {
      misfits.push_back(std::move(problem));
      continue;
    }
    if (place->permuted_heads > 0) permute_rows(delta, place->permuted_heads);
    auto& change = changes[place->tensor];
    if (change == nullptr) change = std::make_unique<AdaptedRows>(*source.find(place->tensor));
    change->add(std::move(delta), weight, place->first_row);
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
    const auto [end, failure] = from_chars(number.data(), number.data() + number.size(), choice.weight);
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
  const auto model = describe_decoder(*source);
  if (!model) return tl::unexpected<Error>(model.error());
  AdaptedWeights adapted;
  Changes changes;
  for (const AdapterChoice& choice : choices) {
    auto adapter = read_adapter(choice.folder);
    if (!adapter) return forward_error(adapter);
    const auto hash = fingerprint(adapter->files);
    if (!hash) return tl::unexpected<Error>(hash.error());
    adapted.identity += fmt::format(" adapter={}*{}", *hash, choice.weight);
    adapted.notes.push_back(describe_adapter(*adapter, choice.weight));
    if (auto added = add_adapter(std::move(*adapter), choice.weight, *source, model->spec, changes); !added)
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
