#include "backends/engine/adapter_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "backends/engine/formats/safetensors.h"
#include "core/io/file.h"
#include "core/io/mapped_file.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxConfigBytes = 1u << 20;
constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kDown = ".lora_A.weight";
constexpr std::string_view kUp = ".lora_B.weight";

// Settings that are read, and those that change nothing once the adapter is trained. Of any other one only an
// empty value is known to be harmless.
constexpr std::array<std::string_view, 26> kKnownKeys = {"alpha_pattern",
                                                         "auto_mapping",
                                                         "base_model_name_or_path",
                                                         "bias",
                                                         "ensure_weight_tying",
                                                         "eva_config",
                                                         "exclude_modules",
                                                         "inference_mode",
                                                         "init_lora_weights",
                                                         "layers_pattern",
                                                         "layers_to_transform",
                                                         "lora_alpha",
                                                         "lora_dropout",
                                                         "megatron_core",
                                                         "modules_to_save",
                                                         "peft_type",
                                                         "peft_version",
                                                         "qalora_group_size",
                                                         "r",
                                                         "rank_pattern",
                                                         "revision",
                                                         "runtime_config",
                                                         "target_modules",
                                                         "task_type",
                                                         "use_rslora",
                                                         "megatron_config"};

// Initialisations that leave the base model's weights as they are.
constexpr std::array<std::string_view, 3> kHarmlessStarts = {"gaussian", "eva", "orthogonal"};

bool is_empty(const Json& value) {
  if (value.is_null() || value == false) return true;
  return (value.is_array() || value.is_object()) && value.empty();
}

// Whether `module` is `pattern` or ends with "." and it: what PEFT's patterns mean when they are plain names.
bool matches(std::string_view module, std::string_view pattern) {
  if (!module.ends_with(pattern)) return false;
  return module.size() == pattern.size() || module[module.size() - pattern.size() - 1] == '.';
}

bool is_plain_name(std::string_view pattern) {
  return !pattern.empty() && pattern.find_first_of("^$*+?()[]{}|\\") == std::string_view::npos;
}

class AdapterConfig {
 public:
  AdapterConfig(const Json& config, std::string place) : config_(config), place_(std::move(place)) {}

  Result<void> check() const {
    if (const Json kind = value("peft_type"); kind != "LORA") return refuse("peft_type", kind, "\"LORA\"");
    if (const Json bias = value("bias"); !bias.is_null() && bias != "none")
      return refuse("bias", bias, "\"none\"");
    if (const Json saved = value("modules_to_save"); !is_empty(saved))
      return refuse("modules_to_save", saved, "no modules beside the adapter");
    const Json start = value("init_lora_weights");
    const bool harmless = start.is_null() || start.is_boolean() ||
                          std::any_of(kHarmlessStarts.begin(), kHarmlessStarts.end(),
                                      [&](auto known) { return start == known; });
    if (!harmless)
      return refuse("init_lora_weights", start, "a start that leaves the base's weights as they are");
    for (const auto& [key, setting] : config_.items()) {
      const bool known = std::find(kKnownKeys.begin(), kKnownKeys.end(), key) != kKnownKeys.end();
      if (!known && !is_empty(setting)) return refuse(shown_name(key), setting, "no such setting");
    }
    for (const char* key : {"rank_pattern", "alpha_pattern"}) {
      const Json patterns = value(key);
      if (is_empty(patterns)) continue;
      if (!patterns.is_object()) return refuse(key, patterns, "numbers by module");
      for (const auto& [pattern, number] : patterns.items()) {
        if (!is_plain_name(pattern) || !number.is_number() || !(number > 0.0))
          return refuse(key, patterns, "positive numbers by the plain names of modules");
      }
    }
    return {};
  }

  Result<double> positive(const char* key, const char* pattern_key, std::string_view module) const {
    Json number = value(key);
    if (const Json patterns = value(pattern_key); patterns.is_object()) {
      for (const auto& [pattern, own] : patterns.items()) {
        if (!matches(module, pattern)) continue;
        number = own;
        break;  // the first is PEFT's choice, too
      }
    }
    if (!number.is_number() || !(number > 0.0)) return refuse(key, number, "a positive number");
    return number.get<double>();
  }

  bool rank_stabilised() const { return value("use_rslora") == true; }

  // Names in target_modules; nothing if it is a pattern or absent.
  std::optional<std::vector<std::string>> targets() const {
    const Json targets = value("target_modules");
    if (!targets.is_array()) return std::nullopt;
    std::vector<std::string> names;
    for (const Json& name : targets) {
      if (name.is_string()) names.push_back(name.get<std::string>());
    }
    return names;
  }

  const std::string& place() const { return place_; }

 private:
  Json value(const char* key) const { return config_.value(key, Json()); }

  tl::unexpected<Error> refuse(std::string_view key, const Json& setting, std::string expected) const {
    return bad_input(place_,
                     fmt::format("'{}' is {}, which is not supported yet", key, shown_name(to_line(setting))),
                     std::move(expected));
  }

  const Json& config_;
  std::string place_;
};

struct Pair {
  const StoredTensor* down = nullptr;
  const StoredTensor* up = nullptr;
};

std::string list_names(const std::vector<std::string>& names) {
  constexpr size_t kShown = 8;
  std::vector<std::string> shown;
  for (const std::string& name : names) {
    if (shown.size() < kShown) shown.push_back(shown_name(name));
  }
  const std::string more = names.size() > kShown ? fmt::format(" and {} more", names.size() - kShown) : "";
  return fmt::format("{}{}", fmt::join(shown, ", "), more);
}

// The halves of each module's change; a tensor that is none, or has none beside it, is listed.
Result<std::map<std::string, Pair>> pairs_of(const std::vector<StoredTensor>& tensors,
                                             const std::string& place) {
  std::map<std::string, Pair> pairs;
  std::vector<std::string> strange;
  for (const StoredTensor& tensor : tensors) {
    std::string_view name = tensor.name;
    if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
    if (name.ends_with(kDown)) {
      pairs[std::string(name.substr(0, name.size() - kDown.size()))].down = &tensor;
    } else if (name.ends_with(kUp)) {
      pairs[std::string(name.substr(0, name.size() - kUp.size()))].up = &tensor;
    } else {
      strange.push_back(tensor.name);
    }
  }
  for (const auto& [module, pair] : pairs) {
    if (pair.down == nullptr) strange.push_back(pair.up->name);
    if (pair.up == nullptr) strange.push_back(pair.down->name);
  }
  if (!strange.empty()) {
    return bad_input(place, fmt::format("tensors that are no part of a LoRA matrix: {}", list_names(strange)),
                     "for each module lora_A.weight and lora_B.weight");
  }
  if (pairs.empty())
    return bad_input(place, "has no tensors", "lora_A.weight and lora_B.weight of each module");
  return pairs;
}

Result<LowRankDelta> delta_of(const std::string& module, const Pair& pair, const AdapterConfig& config,
                              const std::string& place) {
  const auto rank = config.positive("r", "rank_pattern", module);
  if (!rank) return tl::unexpected<Error>(rank.error());
  const auto alpha = config.positive("lora_alpha", "alpha_pattern", module);
  if (!alpha) return tl::unexpected<Error>(alpha.error());
  LowRankDelta delta;
  delta.module = module;
  delta.down = floats_of(*pair.down);
  delta.up = floats_of(*pair.up);
  const std::vector<int64_t>& down = pair.down->shape;
  const std::vector<int64_t>& up = pair.up->shape;
  const bool fits = down.size() == 2 && up.size() == 2 && static_cast<double>(down[0]) == *rank &&
                    up[1] == down[0] && !delta.down.empty() && !delta.up.empty();
  if (!fits) {
    return bad_input(
        place,
        fmt::format("module '{}' has lora_A of {} {{{}}} and lora_B of {} {{{}}}", shown_name(module),
                    pair.down->dtype, fmt::join(down, ", "), pair.up->dtype, fmt::join(up, ", ")),
        fmt::format("floats of {{{0}, inputs}} and {{outputs, {0}}}", *rank));
  }
  delta.rank = static_cast<int>(down[0]);
  delta.inputs = down[1];
  delta.outputs = up[0];
  delta.scale = static_cast<float>(*alpha / (config.rank_stabilised() ? std::sqrt(*rank) : *rank));
  return delta;
}

// Every module is a target, and every target has a module.
Result<void> check_targets(const AdapterConfig& config, const std::vector<LowRankDelta>& deltas) {
  const auto targets = config.targets();
  if (!targets) return {};
  std::vector<std::string> unasked, missing;
  for (const LowRankDelta& delta : deltas) {
    const bool asked = std::any_of(targets->begin(), targets->end(),
                                   [&](const std::string& target) { return matches(delta.module, target); });
    if (!asked) unasked.push_back(delta.module);
  }
  for (const std::string& target : *targets) {
    const bool found = std::any_of(deltas.begin(), deltas.end(),
                                   [&](const LowRankDelta& delta) { return matches(delta.module, target); });
    if (!found) missing.push_back(target);
  }
  if (!unasked.empty()) {
    return bad_input(config.place(), fmt::format("'target_modules' lacks {}", list_names(unasked)),
                     "the modules that have tensors");
  }
  if (!missing.empty()) {
    return bad_input(config.place(), fmt::format("no tensors for the target modules {}", list_names(missing)),
                     "tensors for each of 'target_modules'");
  }
  return {};
}

}  // namespace

Result<Adapter> read_adapter(const fs::path& folder) {
  const fs::path config_path = folder / "adapter_config.json";
  const fs::path weights_path = folder / "adapter_model.safetensors";
  const auto text = read_file(config_path, kMaxConfigBytes);
  if (!text) return tl::unexpected<Error>(text.error());
  const auto json = parse_json(*text, config_path.string());
  if (!json) return tl::unexpected<Error>(json.error());
  if (!json->is_object()) return bad_input(config_path.string(), "is not a JSON object", "an object");
  const AdapterConfig config(*json, config_path.string());
  if (auto checked = config.check(); !checked) return forward_error(checked);

  const auto file = MappedFile::open(weights_path);
  if (!file) return tl::unexpected<Error>(file.error());
  const std::string place = weights_path.string();
  const auto tensors = parse_safetensors(file->bytes(), place);
  if (!tensors) return tl::unexpected<Error>(tensors.error());
  const auto pairs = pairs_of(*tensors, place);
  if (!pairs) return tl::unexpected<Error>(pairs.error());
  Adapter adapter{.folder = folder, .deltas = {}, .files = {config_path, weights_path}};
  for (const auto& [module, pair] : *pairs) {
    auto delta = delta_of(module, pair, config, place);
    if (!delta) return forward_error(delta);
    adapter.deltas.push_back(std::move(*delta));
  }
  if (auto checked = check_targets(config, adapter.deltas); !checked) return forward_error(checked);
  return adapter;
}

}  // namespace sizeup
