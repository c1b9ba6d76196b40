#include "backends/engine/architectures/rotary_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "backends/engine/architectures/tensor_finder.h"
#include "backends/engine/rotary_scaling.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

// What is read, and what that depends on.
struct RotaryReading {
  RotarySpec rotary;
  int head_size = 0;
  int& context_length;
};

// Beside what is read: the names of the kind, and whether a model was trained further with it.
// Where images have positions of three kinds, "mrope" says which pair turns by which; a text's are equal.
constexpr std::array<std::string_view, 5> kHarmless = {"rope_type", "type", "finetuned", "mrope_section",
                                                       "mrope_interleaved"};

// A positive number for each pair.
std::vector<float> read_divisors(ConfigReader& parameters, std::string_view key, int pairs) {
  const Json* list = parameters.find(key);
  std::vector<float> divisors;
  if (list != nullptr && list->is_array()) {
    for (const Json& value : *list) {
      if (value.is_number() && value.get<float>() > 0.0F) divisors.push_back(value.get<float>());
    }
  }
  if (static_cast<int>(divisors.size()) != pairs || list->size() != divisors.size()) {
    parameters.fail(fmt::format("'{}' is not a list of {} positive numbers", key, pairs));
    divisors.assign(static_cast<size_t>(pairs), 1.0F);
  }
  return divisors;
}

void read_yarn(ConfigReader& parameters, int original_length, RotaryReading& reading) {
  YarnScaling scaling{.original_length = original_length};
  scaling.factor = parameters.positive(
      "factor", static_cast<float>(reading.context_length) / static_cast<float>(original_length));
  scaling.beta_fast = parameters.positive("beta_fast", 32.0F);
  scaling.beta_slow = parameters.positive("beta_slow", 1.0F);
  scaling.whole_pairs = parameters.flag("truncate", true);
  float scale = yarn_scale(scaling.factor);
  if (parameters.find("mscale") != nullptr && parameters.find("mscale_all_dim") != nullptr) {
    scale = yarn_scale(scaling.factor, parameters.positive("mscale")) /
            yarn_scale(scaling.factor, parameters.positive("mscale_all_dim"));
  }
  reading.rotary.scale = parameters.positive("attention_factor", scale);
  reading.rotary.frequencies = yarn_frequencies(reading.rotary, scaling);
}

void read_llama3(ConfigReader& parameters, int original_length, RotaryReading& reading) {
  const Llama3Scaling scaling{.factor = parameters.positive("factor"),
                              .low_factor = parameters.positive("low_freq_factor"),
                              .high_factor = parameters.positive("high_freq_factor"),
                              .original_length = original_length};
  reading.rotary.frequencies = llama3_frequencies(reading.rotary, scaling);
}

void read_longrope(ConfigReader& parameters, int original_length, RotaryReading& reading) {
  const float extended = static_cast<float>(reading.context_length) / static_cast<float>(original_length);
  const float factor = parameters.positive("factor", extended);
  const int pairs = reading.rotary.dimensions / 2;
  reading.rotary.scale = parameters.positive("attention_factor", longrope_scale(factor, original_length));
  reading.rotary.frequencies =
      rotary_frequencies(reading.rotary, read_divisors(parameters, "short_factor", pairs));
  read_divisors(parameters, "long_factor", pairs);  // of texts longer than the original length
  reading.context_length = std::min(reading.context_length, original_length);
}

void read_scaling(ConfigReader& parameters, std::string_view type, int original_length,
                  RotaryReading& reading) {
  if (type == "default") return;
  if (type == "linear") {
    reading.rotary.frequencies = linear_frequencies(reading.rotary, parameters.positive("factor"));
  } else if (type == "dynamic") {
    parameters.positive("factor");  // of texts longer than max_position_embeddings
  } else if (type == "yarn") {
    read_yarn(parameters, original_length, reading);
  } else if (type == "llama3") {
    read_llama3(parameters, original_length, reading);
  } else if (type == "longrope" || type == "su") {
    read_longrope(parameters, original_length, reading);
  } else {
    parameters.fail(fmt::format("rotary scaling '{}' is not supported yet", type),
                    "default, linear, dynamic, yarn, llama3 or longrope");
  }
}

void turn(ConfigReader& config, const RotaryRule& rule, float part, RotaryReading& reading) {
  if (part != 1.0F && !rule.partial) config.fail("'partial_rotary_factor' is not supported yet", "1");
  reading.rotary.dimensions = static_cast<int>(static_cast<float>(reading.head_size) * std::min(part, 1.0F));
}

// What is read holds what the object does not say. `type`: where the object names no kind.
void read_parameters(ConfigReader& config, const Json& object, const RotaryRule& rule, float part,
                     int original_length, std::string_view type, RotaryReading& reading) {
  ConfigReader parameters(object, config.place());
  reading.rotary.base = parameters.positive("rope_theta", reading.rotary.base);
  turn(parameters, rule, parameters.positive("partial_rotary_factor", part), reading);
  original_length = parameters.count("original_max_position_embeddings", original_length);
  const std::string named = parameters.text("rope_type", parameters.text("type", type));
  if (!parameters.error()) read_scaling(parameters, named, original_length, reading);
  parameters.refuse_unread("", kHarmless);
  if (parameters.error()) config.fail(*parameters.error());
}

const Json* find_object(ConfigReader& config, std::string_view key) {
  const Json* value = config.find(key);
  if (value == nullptr || value->is_object()) return value;
  config.fail(fmt::format("'{}' is {}", key, to_line(*value).substr(0, 40)), "an object");
  return nullptr;
}

// The divisors of a GGUF file's tensor; empty: it has none.
std::vector<float> tensor_divisors(ConfigReader& config, const Checkpoint& checkpoint,
                                   const std::string& name, int pairs) {
  TensorFinder tensors(checkpoint);
  const Tensor* tensor = tensors.optional(name, {pairs});
  if (tensors.error()) config.fail(*tensors.error());
  if (tensor == nullptr) return {};
  std::vector<float> divisors(static_cast<size_t>(pairs));
  dequantise_row(*tensor, 0, divisors);
  const bool positive = std::ranges::all_of(divisors, [](float divisor) { return divisor > 0.0F; });
  if (!positive) config.fail(fmt::format("tensor '{}' divides by numbers that are not positive", name));
  return divisors;
}

}  // namespace

RotarySpec read_rotary(ConfigReader& config, const RotaryRule& rule, int head_size, int& context_length) {
  RotaryReading reading{
      .rotary = {.dimensions = head_size}, .head_size = head_size, .context_length = context_length};
  if (config.error()) return reading.rotary;
  reading.rotary.base = config.positive(rule.base_key, rule.base);
  const float part = config.positive(rule.part_key, rule.part);
  const int original = config.count("original_max_position_embeddings", context_length);
  const Json* parameters = find_object(config, "rope_parameters");
  const Json* scaling = find_object(config, "rope_scaling");
  if (parameters != nullptr) {
    read_parameters(config, *parameters, rule, part, original, "default", reading);
  } else if (scaling != nullptr) {
    read_parameters(config, *scaling, rule, part, original, "", reading);
  } else {
    turn(config, rule, part, reading);
  }
  return reading.rotary;
}

LayerRotaries read_layer_rotaries(ConfigReader& config, const RotaryRule& full, const RotaryRule& sliding,
                                  int head_size, int& context_length) {
  const Json* kinds = find_object(config, "rope_parameters");
  if (kinds == nullptr || config.error()) {
    LayerRotaries rotaries{.full = read_rotary(config, full, head_size, context_length), .sliding = {}};
    rotaries.sliding = {.dimensions = head_size, .base = config.positive(sliding.base_key, sliding.base)};
    return rotaries;
  }
  ConfigReader nested(*kinds, config.place());
  const auto read = [&](std::string_view kind, const RotaryRule& rule) {
    RotaryReading reading{
        .rotary = {.dimensions = head_size, .base = config.positive(rule.base_key, rule.base)},
        .head_size = head_size,
        .context_length = context_length};
    const Json* parameters = find_object(nested, kind);
    if (parameters != nullptr)
      read_parameters(nested, *parameters, rule, rule.part, context_length, "default", reading);
    return reading.rotary;
  };
  LayerRotaries rotaries{.full = read("full_attention", full), .sliding = read("sliding_attention", sliding)};
  nested.refuse_unread("", {});
  if (nested.error()) config.fail(*nested.error());
  return rotaries;
}

RotarySpec read_gguf_rotary(ConfigReader& config, const Checkpoint& checkpoint, std::string_view prefix,
                            RotaryLayout layout, int head_size, int& context_length) {
  const auto key = [prefix](std::string_view name) { return fmt::format("{}.rope.{}", prefix, name); };
  RotarySpec rotary{.layout = layout};
  rotary.dimensions = config.count(key("dimension_count"), head_size);
  rotary.base = config.positive(key("freq_base"), 10000.0F);
  const std::string type = config.text(key("scaling.type"), "none");
  const int original = config.count(key("scaling.original_context_length"), context_length);
  const float attention = config.positive(key("scaling.attn_factor"), 1.0F);
  const int pairs = rotary.dimensions / 2;
  const std::vector<float> divisors = tensor_divisors(config, checkpoint, "rope_freqs.weight", pairs);
  const std::vector<float> shorter = tensor_divisors(config, checkpoint, "rope_factors_short.weight", pairs);
  if (config.error()) return rotary;
  if (!divisors.empty()) {
    rotary.frequencies = rotary_frequencies(rotary, divisors);
  } else if (!shorter.empty()) {
    rotary.frequencies = rotary_frequencies(rotary, shorter);
    rotary.scale = attention;
    context_length = std::min(context_length, original);
  } else if (type == "linear") {
    rotary.frequencies = linear_frequencies(rotary, config.positive(key("scaling.factor")));
  } else if (type == "yarn") {
    const YarnScaling scaling = read_gguf_yarn(config, prefix, context_length);
    rotary.scale = attention * yarn_scale(scaling.factor);
    rotary.frequencies = yarn_frequencies(rotary, scaling);
  } else if (type != "none") {
    config.fail(fmt::format("rotary scaling '{}' is not supported yet", type), "none, linear or yarn");
  }
  return rotary;
}

YarnScaling read_gguf_yarn(ConfigReader& config, std::string_view prefix, int context_length) {
  const auto key = [prefix](std::string_view name) {
    return fmt::format("{}.rope.scaling.{}", prefix, name);
  };
  return {.factor = config.positive(key("factor")),
          .original_length = config.count(key("original_context_length"), context_length),
          .beta_fast = config.positive(key("yarn_beta_fast"), 32.0F),
          .beta_slow = config.positive(key("yarn_beta_slow"), 1.0F)};
}

}  // namespace sizeup
