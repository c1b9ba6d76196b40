// make_shape NAME FOLDER: a model of a published shape with random weights, as a Hugging Face folder without
// a tokenizer, to measure speed with (sizeup bench). The same bytes every time.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/shapes/shapes.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr double kDeviation = 0.02;  // of weights: what Llama models are initialised with

struct NamedTensor {
  std::string name;
  std::vector<int64_t> shape;
  bool ones;  // norms

  int64_t elements() const {
    int64_t product = 1;
    for (const int64_t size : shape) product *= size;
    return product;
  }
};

struct ElementType {
  std::string_view option;
  std::string_view safetensors_name;
  std::string_view torch_name;
  size_t bytes;
  uint32_t (*bits)(float value);
};

uint32_t float32_bits(float value) {
  return std::bit_cast<uint32_t>(value);
}

// Rounded to the nearest, ties to even.
uint32_t bfloat16_bits(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
}

// The same; for values of ordinary weights, far from overflow.
uint32_t float16_bits(float value) {
  constexpr int kLeastExponent = -14;
  constexpr int kMantissaBits = 10;
  const float magnitude = std::fabs(value);
  const int exponent = magnitude > 0.0F ? std::max(std::ilogb(magnitude), kLeastExponent) : kLeastExponent;
  // A normal number's leading bit adds one to the exponent; a subnormal one has none.
  const auto mantissa =
      static_cast<uint32_t>(std::nearbyint(std::ldexp(magnitude, kMantissaBits - exponent)));
  const uint32_t sign = std::signbit(value) ? 0x8000U : 0U;
  return sign | ((static_cast<uint32_t>(exponent - kLeastExponent) << kMantissaBits) + mantissa);
}

constexpr std::array kTypes{ElementType{"bf16", "BF16", "bfloat16", 2, bfloat16_bits},
                            ElementType{"f16", "F16", "float16", 2, float16_bits},
                            ElementType{"f32", "F32", "float32", 4, float32_bits}};

constexpr std::array<std::string_view, 3> kProjections = {"gate_proj", "up_proj", "down_proj"};
constexpr std::array<std::string_view, 3> kMixtralProjections = {"w1", "w3", "w2"};

// Experts, none of them shared.
bool is_mixtral(const Shape& shape) {
  return shape.experts > 0 && shape.shared_width == 0;
}

std::vector<NamedTensor> tensors_of(const Shape& shape) {
  const int64_t width = shape.width;
  const int64_t query = int64_t{shape.heads} * shape.head_size;
  const int64_t key = int64_t{shape.kv_heads} * shape.head_size;
  std::vector<NamedTensor> tensors{{"model.embed_tokens.weight", {shape.vocabulary, width}, false}};
  for (int layer = 0; layer < shape.layers; ++layer) {
    const auto name = [layer](std::string_view part) {
      return fmt::format("model.layers.{}.{}", layer, part);
    };
    const auto linear = [&](std::string_view part, int64_t outputs, int64_t inputs, bool bias) {
      tensors.push_back({name(fmt::format("{}.weight", part)), {outputs, inputs}, false});
      if (bias) tensors.push_back({name(fmt::format("{}.bias", part)), {outputs}, false});
    };
    tensors.push_back({name("input_layernorm.weight"), {width}, true});
    linear("self_attn.q_proj", query, width, shape.biases);
    linear("self_attn.k_proj", key, width, shape.biases);
    linear("self_attn.v_proj", key, width, shape.biases);
    linear("self_attn.o_proj", width, query, shape.biases && shape.experts == 0);
    tensors.push_back({name("post_attention_layernorm.weight"), {width}, true});
    const auto feed_forward = [&](std::string_view part, const std::array<std::string_view, 3>& names,
                                  int64_t ffn) {
      linear(fmt::format("{}{}", part, names[0]), ffn, width, false);
      linear(fmt::format("{}{}", part, names[1]), ffn, width, false);
      linear(fmt::format("{}{}", part, names[2]), width, ffn, false);
    };
    if (shape.experts == 0) {
      feed_forward("mlp.", kProjections, shape.ffn_width);
      continue;
    }
    const bool mixtral = is_mixtral(shape);
    const std::string_view block = mixtral ? "block_sparse_moe." : "mlp.";
    linear(fmt::format("{}gate", block), shape.experts, width, false);
    for (int e = 0; e < shape.experts; ++e) {
      feed_forward(fmt::format("{}experts.{}.", block, e), mixtral ? kMixtralProjections : kProjections,
                   shape.expert_width);
    }
    if (mixtral) continue;
    feed_forward("mlp.shared_expert.", kProjections, shape.shared_width);
    linear("mlp.shared_expert_gate", 1, width, false);
  }
  tensors.push_back({"model.norm.weight", {width}, true});
  if (!shape.tied_head) tensors.push_back({"lm_head.weight", {shape.vocabulary, width}, false});
  return tensors;
}

// What makes the configuration that of a mixture.
void add_experts(const Shape& shape, Json& config) {
  if (is_mixtral(shape)) {
    config["architectures"] = {"MixtralForCausalLM"};
    config["model_type"] = "mixtral";
    config["intermediate_size"] = shape.expert_width;
    config["num_local_experts"] = shape.experts;
  } else {
    config["architectures"] = {"Qwen2MoeForCausalLM"};
    config["model_type"] = "qwen2_moe";
    config["num_experts"] = shape.experts;
    config["moe_intermediate_size"] = shape.expert_width;
    config["shared_expert_intermediate_size"] = shape.shared_width;
  }
  config["num_experts_per_tok"] = shape.experts_used;
}

Json config_of(const Shape& shape, const ElementType& type) {
  Json config = {{"architectures", Json::array({"LlamaForCausalLM"})},
                 {"model_type", "llama"},
                 {"hidden_size", shape.width},
                 {"intermediate_size", shape.ffn_width},
                 {"num_hidden_layers", shape.layers},
                 {"num_attention_heads", shape.heads},
                 {"num_key_value_heads", shape.kv_heads},
                 {"head_dim", shape.head_size},
                 {"vocab_size", shape.vocabulary},
                 {"max_position_embeddings", shape.context_length},
                 {"rope_theta", shape.rotary_base},
                 {"rms_norm_eps", shape.norm_epsilon},
                 {"hidden_act", "silu"},
                 {"attention_bias", shape.biases},
                 {"mlp_bias", false},
                 {"tie_word_embeddings", shape.tied_head},
                 {"bos_token_id", 1},
                 {"eos_token_id", 2},
                 {"torch_dtype", type.torch_name}};
  if (shape.experts > 0) add_experts(shape, config);
  return config;
}

// Length, JSON header, and no data yet.
std::string safetensors_header(const std::vector<NamedTensor>& tensors, const ElementType& type) {
  Json header;
  header["__metadata__"] = {{"format", "pt"}};
  int64_t offset = 0;
  for (const NamedTensor& tensor : tensors) {
    const int64_t end = offset + tensor.elements() * static_cast<int64_t>(type.bytes);
    header[tensor.name] = {{"dtype", type.safetensors_name},
                           {"shape", tensor.shape},
                           {"data_offsets", Json::array({offset, end})}};
    offset = end;
  }
  std::string text = to_line(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // data begin at a multiple of eight
  const auto length = static_cast<uint64_t>(text.size());
  std::string bytes(sizeof length, '\0');
  for (size_t i = 0; i < sizeof length; ++i) bytes[i] = static_cast<char>((length >> (8 * i)) & 0xFF);
  return bytes + text;
}

// Normal values by drawing from a table of 65,536 of them: a billion take a second or two, and speed does not
// depend on how many different values there are.
template <class Element>
class Weights {
 public:
  explicit Weights(const ElementType& type) : one_(static_cast<Element>(type.bits(1.0F))) {
    std::mt19937 random(20261125);
    std::normal_distribution<float> normal(0.0F, static_cast<float>(kDeviation));
    for (Element& value : table_) value = static_cast<Element>(type.bits(normal(random)));
  }

  void write(const NamedTensor& tensor, std::ofstream& file) {
    constexpr int64_t kChunk = 1 << 20;  // elements
    chunk_.resize(static_cast<size_t>(kChunk));
    for (int64_t left = tensor.elements(); left > 0; left -= kChunk) {
      const auto count = static_cast<size_t>(std::min(left, kChunk));
      for (size_t i = 0; i < count; i += 4) {
        const uint64_t word = next();
        for (size_t j = 0; j < 4; ++j)
          chunk_[i + j] = tensor.ones ? one_ : table_[(word >> (16 * j)) & 0xFFFF];
      }
      file.write(reinterpret_cast<const char*>(chunk_.data()),
                 static_cast<std::streamsize>(count * sizeof(Element)));
    }
  }

 private:
  // SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  std::array<Element, 1 << 16> table_;
  Element one_;
  std::vector<Element> chunk_;
  uint64_t state_ = 0;
};

Result<void> make_shape(const Shape& shape, const ElementType& type, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "config.json") << config_of(shape, type).dump(2) << '\n';
  const std::vector<NamedTensor> tensors = tensors_of(shape);
  std::ofstream file(folder / "model.safetensors", std::ios::binary);
  file << safetensors_header(tensors, type);
  const auto write_all = [&]<class Element>(Element) {
    const auto weights = std::make_unique<Weights<Element>>(type);
    for (const NamedTensor& tensor : tensors) weights->write(tensor, file);
  };
  if (type.bytes == sizeof(uint16_t)) {
    write_all(uint16_t{});
  } else {
    write_all(uint32_t{});
  }
  if (!file.flush())
    return unavailable(folder.string(), "the weights cannot be written", "is the disk full?");
  return {};
}

int main(int argc, char** argv) {
  CLI::App app{"A model of a published shape with random weights, to measure speed with", "make_shape"};
  std::vector<std::string> names;
  for (const Shape& shape : kShapes) names.emplace_back(shape.name);
  std::vector<std::string> types;
  for (const ElementType& type : kTypes) types.emplace_back(type.option);
  std::string name;
  std::string folder;
  std::string dtype = "bf16";
  int vocabulary = 0;
  int layers = 0;
  app.add_option("name", name, "The shape")->required()->check(CLI::IsMember(names));
  app.add_option("folder", folder, "Where config.json and model.safetensors go")->required();
  app.add_option("--dtype", dtype, "Of the weights")->check(CLI::IsMember(types))->capture_default_str();
  app.add_option("--vocabulary", vocabulary, "Another number of tokens")->check(CLI::Range(1, 1 << 24));
  app.add_option("--layers", layers, "Another number of layers")->check(CLI::Range(1, 4096));
  CLI11_PARSE(app, argc, argv);

  Shape shape = *std::find_if(kShapes.begin(), kShapes.end(), [&](const Shape& s) { return s.name == name; });
  if (vocabulary > 0) shape.vocabulary = vocabulary;
  if (layers > 0) shape.layers = layers;
  const ElementType& type =
      *std::find_if(kTypes.begin(), kTypes.end(), [&](const ElementType& t) { return t.option == dtype; });
  const Result<void> made = make_shape(shape, type, folder);
  if (made) return 0;
  fmt::print(stderr, "make_shape: {}\n", describe(made.error()));
  return exit_code(made.error().kind);
}

}  // namespace
}  // namespace sizeup

int main(int argc, char** argv) {
  return sizeup::main(argc, argv);
}
