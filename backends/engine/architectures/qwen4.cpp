#include "backends/engine/architectures/qwen4.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/decoder_tensors.h"
#include "backends/engine/architectures/qwen_experts.h"
#include "backends/engine/architectures/qwen_layers.h"
#include "backends/engine/architectures/tensor_finder.h"
#include "backends/engine/extensions/qwen4.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

// More streams would be damage: published models have four.
constexpr int kMostStreams = 64;

// What the configuration says of the extension.
struct ExtensionKeys {
  int streams = 0;
  int rank = 0;
  std::vector<int> ngram_layers = {};  // from 0, in order
  NgramSpec ngrams = {};
  int ngram_columns = 0;  // of all heads together
  int ngram_taps = 0;
  int table_multiple = 0;  // of rows
};

std::vector<bool> read_attending(ConfigReader& config, int layers) {
  const int interval = config.count("full_attention_interval", kAttentionInterval);
  const Json* types = config.find("layer_types");
  std::vector<bool> attending = every(interval, layers);
  if (types == nullptr) return attending;
  const auto attends = [](const Json& type) {
    return type == "indexed_attention" || type == "full_attention" || type == "qwen_sparse_attention";
  };
  const bool known = types->is_array() && static_cast<int>(types->size()) == layers &&
                     std::ranges::all_of(*types, [&](const Json& type) {
                       return type == "linear_attention" || attends(type);
                     });
  if (!known) {
    config.fail(fmt::format("'layer_types' is {}", to_line(*types).substr(0, 80)),
                fmt::format("\"linear_attention\" or \"indexed_attention\" for each of {} layers", layers));
    return attending;
  }
  std::transform(types->begin(), types->end(), attending.begin(), attends);
  return attending;
}

void read_index(ConfigReader& config, DecoderSpec& spec) {
  const IndexSpec index{.heads = config.count("indexer_n_heads"),
                        .head_size = config.count("indexer_head_dim"),
                        .block = config.count("indexer_compress_ratio")};
  const int budget = config.count("indexer_budget");
  if (config.count("indexer_kv_heads") != 1) config.fail("'indexer_kv_heads' is not 1", "1");
  if (budget % index.block != 0)
    config.fail(fmt::format("'indexer_budget' {} is not a number of blocks of {}", budget, index.block));
  if (int64_t{index.heads} * index.head_size > ConfigReader::kLargest / 8)
    config.fail("the heads of the index are too large");
  for (LayerSpec& layer : spec.layers) {
    if (layer.delta) continue;
    layer.attention.index = index;
    layer.attention.index->chosen = budget / index.block;
    if (layer.attention.rotary->dimensions > index.head_size) {
      config.fail(
          fmt::format("rotary positions turn {} elements of a head", layer.attention.rotary->dimensions),
          fmt::format("at most those of the index's heads, {}", index.head_size));
    }
  }
}

// Of hashes: where a text ends, the first of several.
Token read_separator(ConfigReader& config) {
  const Json* value = config.find("eos_token_id");
  if (value != nullptr && value->is_array() && !value->empty()) value = &value->front();
  const bool token = value != nullptr && value->is_number_integer() && *value >= 0 &&
                     *value <= std::numeric_limits<Token>::max();
  if (token) return value->get<Token>();
  config.fail("'eos_token_id' is missing, which separates n-grams", "a token");
  return 0;
}

std::vector<int> read_ngram_layers(ConfigReader& config, const DecoderSpec& spec) {
  const Json* list = config.find("ple_layer_ids");
  std::set<int> layers;
  for (size_t i = 0; list != nullptr && list->is_array() && i < list->size(); ++i) {
    const Json& id = (*list)[i];
    const bool recurrent = id.is_number_integer() && id >= 1 && id <= spec.layer_count() &&
                           spec.layer(id.get<int>() - 1).delta.has_value();
    if (!recurrent) break;
    layers.insert(id.get<int>() - 1);
    if (i + 1 == list->size()) return {layers.begin(), layers.end()};
  }
  if (list != nullptr && !(list->is_array() && list->empty())) {
    config.fail(fmt::format("'ple_layer_ids' is {}", to_line(*list).substr(0, 80)),
                "a list of layers with linear attention, counted from 1");
  }
  return {};
}

void read_ngrams(ConfigReader& config, DecoderSpec& spec, ExtensionKeys& keys) {
  keys.ngram_layers = read_ngram_layers(config, spec);
  NgramSpec& ngrams = keys.ngrams;
  ngrams = {.vocabulary = spec.vocabulary,
            .length = config.count("ngram_size", 3),
            .heads = config.count("heads_per_ngram", 8),
            .least_size = config.count("ngram_vocab_size_base", 20'000'000)};
  if (const Json* seed = config.find("seed"); seed == nullptr) {
    ngrams.seed = 1234;
  } else if (seed->is_number_integer()) {
    ngrams.seed = seed->get<int64_t>();
  } else {
    config.fail("'seed' is no integer", "an integer");
  }
  keys.ngram_columns = config.count("ple_embed_dim", spec.width);
  keys.ngram_taps = config.count("ple_conv_kernel_size", 4);
  keys.table_multiple = config.count("make_ngram_vocab_size_divisible_by", 128);
  for (const std::string_view key : {"split_ngram_parts", "number_of_conv_states"}) config.find(key);
  if (keys.ngram_layers.empty() || config.error()) return;
  ngrams.separator = read_separator(config);
  const int64_t heads = (int64_t{ngrams.length} - 1) * ngrams.heads;
  const auto layers = static_cast<int64_t>(keys.ngram_layers.size());
  if (ngrams.length < 2 || ngrams.length > kMostNgram || heads > kMostNgramHeads / layers) {
    config.fail(
        fmt::format("n-grams of up to {} tokens have {} heads each", ngrams.length, ngrams.heads),
        fmt::format("2 to {} tokens, and at most {} heads in all layers", kMostNgram, kMostNgramHeads));
  } else if (keys.ngram_columns % heads != 0) {
    config.fail(fmt::format("'ple_embed_dim' {} is not divided by {} heads", keys.ngram_columns, heads));
  }
  const ConvolutionSpec convolution{
      .channels = keys.streams * spec.width, .taps = keys.ngram_taps, .dilation = ngrams.length};
  if (int64_t{convolution.taps - 1} * convolution.dilation > kMostReach) {
    config.fail(fmt::format("a convolution of {} taps looks at every {}th position", convolution.taps,
                            convolution.dilation),
                fmt::format("at most {} positions back", kMostReach));
  }
  if (config.error()) return;
  for (const int layer : keys.ngram_layers) spec.layers[static_cast<size_t>(layer)].convolution = convolution;
  spec.earlier_tokens = ngrams.length - 1;
}

DecoderSpec read_spec(ConfigReader& config, ExtensionKeys& keys) {
  DecoderSpec spec = read_hugging_face_spec(
      config,
      {.rotary = RotaryRule{.partial = true}, .context_length = 32768, .ffn_width = 1, .head_size = 256});
  if (config.error()) return spec;
  DeltaSpec delta = read_delta(config, spec.norm.epsilon);
  const std::string gate = config.text("output_gate_type", "silu");
  delta.sigmoid_gate = gate == "sigmoid";
  if (gate != "silu" && gate != "sigmoid")
    config.fail(fmt::format("'output_gate_type' is '{}'", gate), "silu or sigmoid");
  if (spec.activation != Activation::silu) config.fail("'hidden_act' is another one than silu", "silu");
  mix_layers(config, read_attending(config, spec.layer_count()), delta, spec);
  spec.norm.added = 1.0F;
  spec.residual_streams = true;
  spec.query_key_value_bias = config.flag("attention_bias", false);
  spec.experts = read_qwen_experts(config, spec.layer_count());
  keys.streams = config.count("hc_count", 4);
  keys.rank = config.count("hc_lowrank", 320);
  if (keys.streams < 2 || keys.streams > kMostStreams ||
      int64_t{keys.streams} * spec.width > ConfigReader::kLargest) {
    config.fail(fmt::format("'hc_count' is {}", keys.streams), fmt::format("2 to {}", kMostStreams));
  }
  if (config.error()) return spec;
  read_index(config, spec);
  read_ngrams(config, spec, keys);
  // What only other kinds of mixtures read, and the precision in which Python keeps states.
  for (const std::string_view key : {"mlp_only_layers", "mamba_ssm_dtype", "mtp_num_hidden_layers"})
    config.find(key);
  return spec;
}

class ExtensionFinder {
 public:
  ExtensionFinder(const Checkpoint& checkpoint, std::string_view root, const ExtensionKeys& keys,
                  TensorFinder& tensors, DecoderModel& model)
      : checkpoint_(checkpoint),
        tensors_(tensors),
        root_(root),
        keys_(keys),
        model_(model),
        hashes_(make_ngram_hashes(keys.ngrams, static_cast<int>(keys.ngram_layers.size()))) {}

  Qwen4Tensors find() {
    Qwen4Tensors found{.streams = keys_.streams, .rank = keys_.rank};
    const int layers = model_.spec.layer_count();
    for (int i = 0; i < layers && !tensors_.hopeless(); ++i) {
      const std::string prefix = fmt::format("{}layers.{}.", root_, i);
      Qwen4Tensors::Layer& layer = found.layers.emplace_back();
      layer.attention = mixer(prefix + "attn_hyper_connection.", true);
      layer.feed_forward = mixer(prefix + "mlp_hyper_connection.", true);
      if (const auto& spec = model_.spec.attention(i).index)
        layer.index = index(prefix + "self_attn.indexer.", *spec);
      const auto ngrams = std::ranges::find(keys_.ngram_layers, i);
      if (ngrams == keys_.ngram_layers.end()) continue;
      const auto number = static_cast<size_t>(ngrams - keys_.ngram_layers.begin());
      layer.ngrams = ngram_embeddings(prefix + "ple.", i, hashes_[number]);
    }
    found.last = mixer(fmt::format("{}hyper_connection_mixer.", root_), false);
    return found;
  }

 private:
  int64_t side_by_side() const { return int64_t{keys_.streams} * model_.spec.width; }

  const Tensor* matrix(const std::string& name, int64_t rows, int64_t columns) {
    return tensors_.required(name + ".weight", {rows, columns});
  }

  // Of each stream its part of a vector.
  std::vector<NormTensors> norms(const std::string& name) {
    const Tensor* all = tensors_.required(name + ".weight", {side_by_side()});
    std::vector<NormTensors> found;
    for (int i = 0; all != nullptr && i < keys_.streams; ++i) {
      Tensor streams = *all;
      streams.shape = {keys_.streams, model_.spec.width};
      Tensor part = rows_of(streams, i, 1);
      part.shape = {model_.spec.width};
      found.push_back({.weight = keep(std::move(part)), .bias = nullptr});
    }
    return found;
  }

  Qwen4Tensors::Mixer mixer(const std::string& prefix, bool injects) {
    Qwen4Tensors::Mixer found;
    found.norms = norms(prefix + "hc_norm");
    found.down = matrix(prefix + "input_mix_weight_down", keys_.rank, side_by_side());
    found.up = matrix(prefix + "input_mix_weight_up", side_by_side(), keys_.rank);
    if (injects) found.injection = matrix(prefix + "block_inject_weight", keys_.streams, side_by_side());
    return found;
  }

  Qwen4Tensors::Index index(const std::string& prefix, const IndexSpec& spec) {
    const auto norm = [&](std::string_view name) {
      return NormTensors{
          .weight = tensors_.required(fmt::format("{}{}.weight", prefix, name), {spec.head_size}),
          .bias = nullptr};
    };
    return {.projection = matrix(prefix + "index_qk_proj", spec.columns(), model_.spec.width),
            .query_norm = norm("q_layernorm"),
            .key_norm = norm("k_layernorm")};
  }

  NgramEmbeddingTensors ngram_embeddings(const std::string& prefix, int layer, const NgramHash& hash) {
    NgramEmbeddingTensors found;
    found.hash = hash;
    found.convolution_spec = *model_.spec.layer(layer).convolution;
    found.key = matrix(prefix + "key_proj", side_by_side(), keys_.ngram_columns);
    found.value = matrix(prefix + "value_proj", model_.spec.width, keys_.ngram_columns);
    found.key_norms = norms(prefix + "norm_key");
    found.query_norms = norms(prefix + "norm_query");
    found.convolution_norms = norms(prefix + "norm_conv");
    found.convolution = tensors_.required(prefix + "conv1d.weight", {side_by_side(), 1, keys_.ngram_taps});
    find_table(prefix + "ple_embedding.", found);
    return found;
  }

  // In one tensor, or in several, one above another.
  void find_table(const std::string& prefix, NgramEmbeddingTensors& found) {
    check_hash(prefix, found.hash);
    const int64_t columns = keys_.ngram_columns / found.hash.columns();
    const int64_t rows =
        (found.hash.rows() + keys_.table_multiple - 1) / keys_.table_multiple * keys_.table_multiple;
    const std::string whole = prefix + "ngram_embedding.weight";
    const std::string first = prefix + "ngram_embedding.shard_0.weight";
    if (rows > std::numeric_limits<int32_t>::max()) {
      tensors_.refuse(whole, fmt::format("{} rows", rows), "a number of rows that fits 32 bits");
      return;
    }
    if (checkpoint_.find(first) == nullptr) {
      found.table = {tensors_.required(whole, {rows, columns})};
      return;
    }
    int64_t left = rows;
    for (int i = 0; left > 0; ++i) {
      const std::string name = fmt::format("{}ngram_embedding.shard_{}.weight", prefix, i);
      const Tensor* part = checkpoint_.find(name);
      const int64_t part_rows = part == nullptr || part->rows() == 0 ? left : std::min(left, part->rows());
      found.table.push_back(tensors_.required(name, {part_rows, columns}));
      left -= part_rows;
    }
  }

  // Files may hold what the configuration determines.
  void check_hash(const std::string& prefix, const NgramHash& hash) {
    std::vector<uint64_t> offsets;
    uint64_t offset = 0;
    for (const uint64_t size : hash.sizes) {
      offsets.push_back(offset);
      offset += size;
    }
    const auto check = [&](std::string_view name, const std::vector<uint64_t>& expected) {
      const std::vector<int64_t> found = checkpoint_.integers(prefix + std::string(name));
      if (found.empty() ||
          std::ranges::equal(found, expected, {}, [](int64_t x) { return static_cast<uint64_t>(x); }))
        return;
      tensors_.refuse(prefix + std::string(name), "other numbers", "those that 'seed' and the sizes give");
    };
    check("layer_multipliers", hash.multipliers);
    check("ngram_heads_vocab_sizes", hash.sizes);
    check("ngram_heads_offsets", offsets);
  }

  const Tensor* keep(Tensor part) {
    return model_.tensors.parts.emplace_back(std::make_unique<const Tensor>(std::move(part))).get();
  }

  const Checkpoint& checkpoint_;
  TensorFinder& tensors_;
  std::string_view root_;
  const ExtensionKeys& keys_;
  DecoderModel& model_;
  std::vector<NgramHash> hashes_;
};

DecoderNames names_at(std::string_view root) {
  DecoderNames names = kHuggingFaceNames;
  names.root = root;
  names.attention_norm = names.ffn_norm = names.final_norm = {};  // mixers norm what they mix
  names.delta = kQwenDelta;
  return names;
}

}  // namespace

Result<DecoderModel> describe_qwen4(const Checkpoint& checkpoint) {
  auto text = find_qwen_text(checkpoint);
  if (!text) return forward_error(text);
  ConfigReader config(*text->config, checkpoint.path().string());
  ExtensionKeys keys;
  DecoderSpec spec = read_spec(config, keys);
  spec.tied_head = text->tied;
  if (config.error()) return tl::unexpected<Error>(*config.error());
  const FindMore find_extension = [&](TensorFinder& tensors, DecoderModel& model) {
    Qwen4Tensors found = ExtensionFinder(checkpoint, text->root, keys, tensors, model).find();
    if (!tensors.error()) count_weights(found, model.spec);
    model.tensors.extension = std::make_unique<Qwen4Extension>(std::move(found));
  };
  return find_decoder("qwen4_exp", checkpoint, config, std::move(spec), names_at(text->root), kQwenExperts,
                      find_extension);
}

}  // namespace sizeup
