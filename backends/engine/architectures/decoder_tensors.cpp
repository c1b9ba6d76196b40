#include "backends/engine/architectures/decoder_tensors.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "backends/engine/architectures/harmless_keys.h"
#include "backends/engine/architectures/rotary_reader.h"
#include "backends/engine/architectures/tensor_finder.h"
#include "backends/engine/formats/tensor_views.h"
#include "backends/engine/routing.h"

namespace sizeup {
namespace {

void check_attention(ConfigReader& config, const AttentionSpec& spec) {
  if (spec.heads % spec.kv_heads != 0) {
    config.fail(fmt::format("{} heads share {} key/value heads", spec.heads, spec.kv_heads),
                "a number of heads that the key/value heads divide");
  }
  if (spec.rotary && (spec.rotary->dimensions % 2 != 0 || spec.rotary->dimensions > spec.head_size)) {
    config.fail(fmt::format("rotary positions turn {} elements of a head", spec.rotary->dimensions),
                fmt::format("an even number up to {}", spec.head_size));
  }
  if (int64_t{spec.heads} * spec.head_size > ConfigReader::kLargest) {
    config.fail(fmt::format("{} heads of size {} are too large", spec.heads, spec.head_size),
                fmt::format("a product up to {}", ConfigReader::kLargest));
  }
}

void check_experts(ConfigReader& config, const DecoderSpec& spec) {
  const ExpertSpec& experts = spec.experts;
  if (experts.count > kMostExperts) {
    config.fail(fmt::format("the model has {} experts", experts.count),
                fmt::format("at most {}", kMostExperts));
  }
  const bool grouped = experts.groups >= 1 && experts.groups_used >= 1 &&
                       experts.groups_used <= experts.groups && experts.count % experts.groups == 0;
  if (!grouped) {
    config.fail(fmt::format("{} of {} groups of {} experts are open", experts.groups_used, experts.groups,
                            experts.count),
                "groups that divide the experts");
  } else if (experts.used > experts.count / experts.groups * experts.groups_used) {
    config.fail(fmt::format("each token uses {} experts", experts.used),
                fmt::format("at most {}", experts.count));
  }
}

bool same_weights(const Tensor& a, const Tensor& b) {
  if (a.type != b.type || a.shape != b.shape || a.computed != nullptr || b.computed != nullptr) return false;
  const bool same_size = a.data.size() == b.data.size() && !a.data.empty();
  return same_size && std::memcmp(a.data.data(), b.data.data(), a.data.size()) == 0;
}

// `count` values of a vector, which are of a plain format.
Tensor part_of_vector(const Tensor& vector, int64_t first, int64_t count) {
  Tensor column = vector;
  column.shape = {vector.columns(), 1};
  Tensor part = rows_of(column, first, count);
  part.shape = {count};
  return part;
}

// Finds tensor after tensor; after a problem they are nullptr.
class DecoderFinder {
 public:
  DecoderFinder(const Checkpoint& checkpoint, const DecoderNames& names, const ExpertNames& experts,
                const FindMore& find_more, DecoderModel& model)
      : checkpoint_(checkpoint),
        tensors_(checkpoint),
        spec_(model.spec),
        names_(names),
        experts_(experts),
        find_more_(find_more),
        model_(model),
        all_(model.tensors),
        unused_(model.unused) {}

  std::optional<Error> find() {
    prefix_ = names_.root;
    find_ends();
    if (spec_.learned_positions) {
      all_.positions =
          tensors_.required(name(names_.positions) + ".weight", {spec_.context_length, spec_.width});
    }
    all_.final_norm = norm(names_.final_norm, spec_.width);
    for (int i = 0; i < spec_.layer_count() && !tensors_.hopeless(); ++i) find_layer(i);
    if (checkpoint_.format() == CheckpointFormat::gguf) {
      for (const std::string_view name : kGgufRotaryTensors) tensors_.ask(name);
    }
    if (find_more_) find_more_(tensors_, model_);
    for (const UnusedTensor& unused : tensors_.refuse_unasked(spec_.layer_count())) unused_.push_back(unused);
    return tensors_.error();
  }

 private:
  std::string name(std::string_view part) const { return fmt::format("{}{}", prefix_, part); }

  // Embedding and head. Files whose configuration ties the head to the embedding may have both all the same:
  // as in transformers the tie holds if they are equal, and if one is missing the other is meant.
  void find_ends() {
    const std::vector<int64_t> shape = {spec_.vocabulary, spec_.width};
    const std::string table_name = name(names_.embedding) + ".weight";
    const std::string head_name = std::string(names_.head) + ".weight";
    const Tensor* own =
        spec_.tied_head ? tensors_.optional(head_name, shape) : tensors_.required(head_name, shape);
    const bool may_replace = spec_.tied_head && own != nullptr;
    const Tensor* table =
        may_replace ? tensors_.optional(table_name, shape) : tensors_.required(table_name, shape);
    all_.embedding = table == nullptr ? own : table;
    if (may_replace && table != nullptr) {
      spec_.tied_head = same_weights(*table, *own);
      if (spec_.tied_head) unused_.push_back({.tensor = own, .why = "the embedding once more"});
    }
    if (spec_.tied_head) return;
    const std::string bias = std::string(names_.head) + ".bias";
    all_.head.weight = own;
    if (names_.head_bias) all_.head.bias = tensors_.required(bias, {spec_.vocabulary});
  }

  void find_layer(int index) {
    prefix_ = fmt::format("{}{}{}.", names_.root, names_.layer, index);
    const LayerSpec& layer = spec_.layer(index);
    LayerTensors found;
    found.attention_norm = norm(names_.attention_norm, spec_.width);
    found.attention_post_norm = norm(names_.attention_post_norm, spec_.width);
    if (layer.delta) {
      find_delta(tensors_, spec_, *layer.delta, names_.delta, prefix_, all_, found);
    } else {
      find_attention(index, found);
    }
    found.ffn_norm = norm(names_.ffn_norm, spec_.width);
    found.ffn_post_norm = norm(names_.ffn_post_norm, spec_.width);
    if (spec_.experts.in_layer(index) && !spec_.experts.beside_dense) {
      found.mixture = find_mixture(tensors_, spec_, experts_, prefix_);
    } else {
      find_dense(layer.ffn_width, found);
    }
    all_.layers.push_back(std::move(found));
  }

  // Some files have them in layers that attend to the keys of others.
  void leave_out_keys() {
    for (const std::string_view part : {names_.key, names_.value, names_.key_norm}) {
      for (const std::string_view suffix : {".weight", ".bias"}) {
        const std::string full = fmt::format("{}{}", name(part), suffix);
        tensors_.ask(full);
        if (const Tensor* tensor = checkpoint_.find(full); tensor != nullptr)
          unused_.push_back({.tensor = tensor, .why = "of a layer that attends to the keys of another"});
      }
    }
  }

  void find_attention(int index, LayerTensors& found) {
    const LayerSpec& layer = spec_.layer(index);
    const AttentionSpec& attention = layer.attention;
    const bool owns_keys = spec_.owns_keys(index);
    if (owns_keys) {
      find_query_key_value(layer, found);
    } else {
      found.query_key_value = {
          linear(names_.query, attention.query_width(), spec_.width, spec_.query_key_value_bias)};
      leave_out_keys();
    }
    if (spec_.query_key_norm != QueryKeyNorm::none) {
      const bool whole = spec_.query_key_norm == QueryKeyNorm::whole;
      found.query_norm = norm(names_.query_norm, whole ? attention.query_width() : attention.head_size);
      if (owns_keys)
        found.key_norm = norm(names_.key_norm, whole ? attention.kv_width() : attention.head_size);
    }
    if (!names_.sinks.empty()) found.sinks = tensors_.required(name(names_.sinks), {attention.heads});
    found.output = linear(names_.output, spec_.width, attention.query_width());
  }

  // A layer norm has biases.
  std::optional<NormTensors> norm(std::string_view part, int64_t columns) {
    if (part.empty()) return std::nullopt;
    const bool biased = spec_.norm.kind == NormKind::layer;
    return NormTensors{.weight = tensors_.required(name(part) + ".weight", {columns}),
                       .bias = biased ? tensors_.required(name(part) + ".bias", {columns}) : nullptr};
  }

  LinearTensors linear(std::string_view part, int64_t outputs, int64_t inputs, bool biased = false) {
    const std::string full = name(part);
    const auto find_one = [&](int64_t rows, int64_t columns) {
      return biased || names_.biases ? tensors_.biased_linear(full, rows, columns)
                                     : tensors_.linear(full, rows, columns);
    };
    if (!names_.transposed) return find_one(outputs, inputs);
    return {.weight = transposed(full + ".weight", outputs, inputs),
            .bias = names_.biases ? tensors_.required(full + ".bias", {outputs})
                                  : tensors_.optional(full + ".bias", {outputs})};
  }

  const Tensor* transposed(const std::string& full, int64_t outputs, int64_t inputs) {
    const Tensor* matrix = tensors_.required(full, {inputs, outputs});
    if (matrix == nullptr) return nullptr;
    if (matrix->computed != nullptr || block_format(matrix->type).block_elements != 1) {
      tensors_.refuse(full, fmt::format("{} with outputs side by side", stored_format(*matrix)),
                      "F32, F16 or BF16");
      return nullptr;
    }
    return keep(sizeup::transposed(*matrix, all_.row_sources));
  }

  void find_query_key_value(const LayerSpec& layer, LayerTensors& found) {
    const AttentionSpec& attention = layer.attention;
    const int64_t rows = attention.query_width() + 2 * attention.kv_width();
    const bool one =
        !names_.query_key_value.empty() &&
        (names_.query.empty() || tensors_.has_dimensions(name(names_.query_key_value) + ".weight", 2));
    if (one) {
      const LinearTensors all = linear(names_.query_key_value, rows, spec_.width, spec_.query_key_value_bias);
      if (names_.fused == FusedRows::by_part) {
        found.query_key_value = {all};
      } else {
        split_heads(attention, all, found);
      }
      return;
    }
    if (attention.gated) {
      find_gated(attention, found);
      return;
    }
    for (const auto& [part, width] :
         {std::pair(names_.query, attention.query_width()), std::pair(names_.key, attention.kv_width()),
          std::pair(layer.values_are_keys ? names_.key : names_.value, attention.kv_width())})
      found.query_key_value.push_back(linear(part, width, spec_.width, spec_.query_key_value_bias));
  }

  // The tensor of queries has for each head its rows, then those of its gate.
  void find_gated(const AttentionSpec& attention, LayerTensors& found) {
    const bool biased = spec_.query_key_value_bias;
    const int64_t size = attention.head_size;
    const LinearTensors both =
        linear(names_.query, int64_t{2} * attention.query_width(), spec_.width, biased);
    for (int64_t head = 0; head < attention.heads; ++head)
      found.query_key_value.push_back(part_of(both, 2 * head * size, size));
    for (const std::string_view part : {names_.key, names_.value})
      found.query_key_value.push_back(linear(part, attention.kv_width(), spec_.width, biased));
    for (int64_t head = 0; head < attention.heads; ++head)
      found.query_key_value.push_back(part_of(both, (2 * head + 1) * size, size));
  }

  // From the rows of each head to those of all queries, all keys, all values.
  void split_heads(const AttentionSpec& attention, const LinearTensors& all, LayerTensors& found) {
    const int64_t size = attention.head_size;
    for (int64_t part = 0; part < 3; ++part) {
      for (int64_t head = 0; head < attention.heads; ++head)
        found.query_key_value.push_back(part_of(all, (3 * head + part) * size, size));
    }
  }

  // A feed-forward without experts.
  void find_dense(int64_t width, LayerTensors& found) {
    if (!names_.gate_up.empty()) {
      const LinearTensors both = linear(names_.gate_up, 2 * width, spec_.width);
      found.gate = part_of(both, 0, width);
      found.up = part_of(both, width, width);
    } else {
      if (spec_.gated) found.gate = linear(names_.gate, width, spec_.width);
      found.up = linear(names_.up, width, spec_.width);
    }
    found.down = linear(names_.down, spec_.width, width);
  }

  // The linear layer of some of its outputs.
  LinearTensors part_of(const LinearTensors& all, int64_t first, int64_t count) {
    if (all.weight == nullptr) return {};
    LinearTensors part{.weight = keep(rows_of(*all.weight, first, count))};
    if (all.bias == nullptr) return part;
    if (block_format(all.bias->type).block_elements != 1) {
      tensors_.refuse(all.bias->name, std::string(stored_format(*all.bias)), "F32, F16 or BF16");
      return {};
    }
    part.bias = keep(part_of_vector(*all.bias, first, count));
    return part;
  }

  const Tensor* keep(Tensor part) {
    return all_.parts.emplace_back(std::make_unique<const Tensor>(std::move(part))).get();
  }

  const Checkpoint& checkpoint_;
  TensorFinder tensors_;
  DecoderSpec& spec_;
  const DecoderNames& names_;
  const ExpertNames& experts_;
  const FindMore& find_more_;
  DecoderModel& model_;
  DecoderTensors& all_;
  std::vector<UnusedTensor>& unused_;
  std::string prefix_;  // of the names of the layer being found
};

}  // namespace

Result<DecoderModel> find_decoder(std::string_view architecture, const Checkpoint& checkpoint,
                                  ConfigReader& config, DecoderSpec spec, const DecoderNames& names,
                                  const ExpertNames& experts, const FindMore& find_more) {
  for (const LayerSpec& layer : spec.layers) {
    if (!layer.delta) check_attention(config, layer.attention);
  }
  if (spec.experts.any()) check_experts(config, spec);
  refuse_unknown_keys(config, checkpoint);
  if (config.error()) return tl::unexpected<Error>(*config.error());
  DecoderModel model{.architecture = architecture, .spec = std::move(spec), .tensors = {}, .unused = {}};
  if (auto error = DecoderFinder(checkpoint, names, experts, find_more, model).find())
    return tl::unexpected<Error>(std::move(*error));
  return model;
}

Result<DecoderModel> find_decoder(std::string_view architecture, const Checkpoint& checkpoint,
                                  ConfigReader& config, DecoderSpec spec, const ExpertNames& experts) {
  return find_decoder(architecture, checkpoint, config, std::move(spec), usual_names(checkpoint), experts);
}

}  // namespace sizeup
