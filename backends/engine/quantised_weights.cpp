#include "backends/engine/quantised_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <limits>
#include <map>
#include <span>
#include <unordered_set>
#include <utility>

#include "backends/engine/decoder_extension.h"
#include "backends/engine/formats/quantise.h"
#include "backends/engine/formats/tensor_index.h"
#include "core/io/sha256.h"
#include "core/threads/thread_pool.h"

namespace sizeup {
namespace {

// The rounded matrices' bytes and a checkpoint whose tensors point at them.
class QuantisedCheckpoint : public Checkpoint {
 public:
  QuantisedCheckpoint(std::unique_ptr<Checkpoint> source, std::vector<Tensor> tensors,
                      std::vector<std::unique_ptr<std::byte[]>> owned)
      : source_(std::move(source)), owned_(std::move(owned)), tensors_(std::move(tensors)) {}

  CheckpointFormat format() const override { return source_->format(); }
  const std::filesystem::path& path() const override { return source_->path(); }
  const Json& config() const override { return source_->config(); }
  const std::vector<Tensor>& tensors() const override { return tensors_.all(); }
  const Tensor* find(std::string_view name) const override { return tensors_.find(name); }
  std::vector<int64_t> integers(std::string_view name) const override { return source_->integers(name); }
  std::vector<std::filesystem::path> files() const override { return source_->files(); }

 private:
  std::unique_ptr<Checkpoint> source_;
  std::vector<std::unique_ptr<std::byte[]>> owned_;
  TensorIndex tensors_;
};

// The names of the tensors that hold matrices of products; without routers, which choose experts in float32,
// and without the gates of a delta rule, few rows that say how fast everything is forgotten.
std::unordered_set<std::string> matrices_of(const DecoderTensors& tensors) {
  std::unordered_set<std::string> matrices = {tensors.embedding->name};
  const auto add = [&](const Tensor* weight) {
    if (weight != nullptr) matrices.insert(weight->name);
  };
  const auto add_expert = [&](const ExpertTensors& expert) {
    for (const Tensor* weight : {&expert.gate, &expert.up, &expert.down}) add(weight);
  };
  add(tensors.positions);
  add(tensors.head.weight);
  const auto add_mixture = [&](const MixtureTensors& mixture) {
    for (const ExpertTensors& expert : mixture.experts) add_expert(expert);
    if (mixture.shared) add_expert(*mixture.shared);
  };
  for (const LayerTensors& layer : tensors.layers) {
    for (const LinearTensors& linear : layer.query_key_value) add(linear.weight);
    if (layer.delta) {
      for (const LinearTensors& linear : layer.delta->input) add(linear.weight);
    }
    for (const LinearTensors* linear : {&layer.output, &layer.gate, &layer.up, &layer.down})
      add(linear->weight);
    if (layer.mixture) add_mixture(*layer.mixture);
  }
  if (tensors.extension == nullptr) return matrices;
  const ExtensionWeights extension = tensors.extension->weights();
  for (const Tensor* matrix : extension.matrices) add(matrix);
  for (const MixtureTensors* mixture : extension.mixtures) add_mixture(*mixture);
  return matrices;
}

// `type`, or the next wider format whose blocks divide the rows.
TensorType type_for(TensorType type, int64_t columns) {
  for (const TensorType candidate : {type, TensorType::q8_0}) {
    if (columns % block_format(candidate).block_elements == 0) return candidate;
  }
  return TensorType::bf16;
}

// Its first names; a model has many matrices of one shape.
std::string shown_names(const std::vector<std::string>& names) {
  constexpr size_t kShown = 3;
  const auto shown = std::span(names).first(std::min(names.size(), kShown));
  const std::string more = names.size() > kShown ? fmt::format(" and {} more", names.size() - kShown) : "";
  return fmt::format("{}{}", fmt::join(shown, ", "), more);
}

class Quantiser {
 public:
  Quantiser(TensorType type, const std::string& place, int threads, Rounding rounding)
      : type_(type),
        place_(place),
        rounding_(rounding),
        pool_(threads > 0 ? threads : ThreadPool::available_processors()) {}

  // The tensor in its new type; its bytes are kept in owned().
  Result<Tensor> quantise(const Tensor& source) {
    const int64_t columns = source.columns();
    Tensor tensor = source;
    tensor.type = type_for(type_, columns);
    if (tensor.type != type_) exceptions_[{columns, tensor.type}].push_back(source.name);
    if (tensor.type == source.type) return tensor;
    const auto bytes = static_cast<size_t>(row_bytes(tensor.type, columns));
    const size_t size = bytes * static_cast<size_t>(source.rows());
    std::byte* to = owned_.emplace_back(std::make_unique_for_overwrite<std::byte[]>(size)).get();
    tensor.data = std::span(to, size);
    tensor.computed = nullptr;
    tensor.first_row = 0;
    if (rounding_ == Rounding::planned) return tensor;
    if (const int64_t row = quantise_rows(source, tensor.type, to); row < source.rows()) {
      return bad_input(
          place_,
          fmt::format("tensor '{}' has a weight in row {} that is not finite or too large for {}",
                      source.name, row, block_format(tensor.type).name),
          "finite weights", "leave out quant=, or take bf16");
    }
    return tensor;
  }

  std::vector<std::unique_ptr<std::byte[]>> take_owned() { return std::move(owned_); }

  std::vector<std::string> notes() const {
    std::vector<std::string> notes;
    for (const auto& [kind, names] : exceptions_) {
      const auto& [columns, type] = kind;
      const bool one = names.size() == 1;
      notes.push_back(fmt::format("quant={}: {} {} with rows of {}, no multiple of {}, {} {} instead ({})",
                                  quant_name(type_), names.size(), one ? "matrix" : "matrices", columns,
                                  block_format(type_).block_elements, one ? "is" : "are",
                                  block_format(type).name, shown_names(names)));
    }
    return notes;
  }

 private:
  // The first row that cannot be rounded, or the number of rows.
  int64_t quantise_rows(const Tensor& source, TensorType type, std::byte* to) {
    const auto columns = static_cast<size_t>(source.columns());
    const auto bytes = static_cast<size_t>(row_bytes(type, source.columns()));
    std::vector<std::vector<float>> scratch(static_cast<size_t>(pool_.size()), std::vector<float>(columns));
    std::atomic<int64_t> next = 0;
    std::atomic<int64_t> first_bad = source.rows();
    pool_.run([&](int thread) {
      std::vector<float>& row = scratch[static_cast<size_t>(thread)];
      // Rows are taken in order: no row before the first bad one is left out.
      for (int64_t r = next++; r < first_bad; r = next++) {
        dequantise_row(source, r, row);
        if (quantise_row(type, row, std::span(to + static_cast<size_t>(r) * bytes, bytes))) continue;
        int64_t least = first_bad;
        while (r < least && !first_bad.compare_exchange_weak(least, r)) {
        }
      }
    });
    return first_bad;
  }

  TensorType type_;
  const std::string& place_;
  Rounding rounding_;
  ThreadPool pool_;
  std::vector<std::unique_ptr<std::byte[]>> owned_;
  std::map<std::pair<int64_t, TensorType>, std::vector<std::string>> exceptions_;  // by columns and type
};

}  // namespace

std::string quant_name(TensorType type) {
  std::string name(block_format(type).name);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return name;
}

Result<TensorType> parse_quant(std::string_view name, std::string_view model) {
  std::vector<std::string> known;
  for (const TensorType type : quantised_types()) {
    known.push_back(quant_name(type));
    if (known.back() == name) return type;
  }
  return usage_error(fmt::format("model '{}': unknown quant '{}'", model, name),
                     fmt::format("known: {}", fmt::join(known, ", ")));
}

std::string quantised_fingerprint(std::string_view fingerprint, TensorType type) {
  return sha256_hex(fmt::format("{} quant={} version={}", fingerprint, quant_name(type), kQuantiserVersion));
}

Result<QuantisedWeights> quantise_weights(std::unique_ptr<Checkpoint> source, const DecoderModel& model,
                                          TensorType type, int threads, Rounding rounding) {
  const std::unordered_set<std::string> matrices = matrices_of(model.tensors);
  std::unordered_set<const Tensor*> unused;
  for (const UnusedTensor& left_out : model.unused) unused.insert(left_out.tensor);
  const std::string place = source->path().string();
  Quantiser quantiser(type, place, threads, rounding);
  std::vector<Tensor> rounded;
  for (const Tensor& tensor : source->tensors()) {
    if (unused.contains(&tensor)) continue;
    if (!matrices.contains(tensor.name)) {
      rounded.push_back(tensor);
      continue;
    }
    auto matrix = quantiser.quantise(tensor);
    if (!matrix) return forward_error(matrix);
    if (matrix->type != tensor.type) source->release(tensor);
    rounded.push_back(std::move(*matrix));
  }
  std::vector<std::string> notes = quantiser.notes();
  return QuantisedWeights{
      std::make_unique<QuantisedCheckpoint>(std::move(source), std::move(rounded), quantiser.take_owned()),
      std::move(notes)};
}

}  // namespace sizeup
