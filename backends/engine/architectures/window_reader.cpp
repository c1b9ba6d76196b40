#include "backends/engine/architectures/window_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/json/json.h"

namespace sizeup {
namespace {

// Whether "layer_types" gives each layer the window; empty: there is no such list.
std::vector<bool> listed_layers(ConfigReader& config, int layers) {
  const Json* types = config.find("layer_types");
  if (types == nullptr) return {};
  std::vector<bool> windowed;
  if (types->is_array()) {
    for (const Json& type : *types) {
      if (type != "full_attention" && type != "sliding_attention") break;
      windowed.push_back(type == "sliding_attention");
    }
  }
  if (static_cast<int>(windowed.size()) != layers) {
    config.fail(fmt::format("'layer_types' is {}", to_line(*types).substr(0, 80)),
                fmt::format("\"full_attention\" or \"sliding_attention\" for each of {} layers", layers));
    windowed.assign(static_cast<size_t>(layers), false);
  }
  return windowed;
}

std::vector<bool> all_but_every(int full_every, int layers) {
  std::vector<bool> windowed;
  for (int i = 0; i < layers; ++i) windowed.push_back(full_every == 0 || (i + 1) % full_every != 0);
  return windowed;
}

// Whether the pattern of a GGUF file gives each layer the window: a list, or which layers it does not.
std::vector<bool> gguf_pattern(ConfigReader& config, const std::string& key, int full_every, int layers) {
  const Json* pattern = config.find(key);
  if (pattern == nullptr || !pattern->is_array()) return all_but_every(config.count(key, full_every), layers);
  std::vector<bool> windowed;
  for (const Json& layer : *pattern) windowed.push_back(layer == true || layer == 1);
  if (static_cast<int>(windowed.size()) == layers) return windowed;
  config.fail(fmt::format("'{}' is of {} layers", key, windowed.size()), fmt::format("of {} layers", layers));
  return all_but_every(full_every, layers);
}

void set_windows(const std::vector<bool>& windowed, int window, DecoderSpec& spec) {
  if (window >= spec.context_length) return;  // no position of the context reaches it
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    if (windowed[i]) spec.layers[i].attention.window = window;
  }
}

}  // namespace

std::vector<bool> read_windows(ConfigReader& config, const WindowRule& rule, DecoderSpec& spec) {
  const int layers = spec.layer_count();
  if (config.error()) return all_but_every(1, layers);
  const bool said = config.has("sliding_window");
  const int window = said ? config.count_or_zero("sliding_window", 0) : rule.unsaid;
  const bool used = config.flag("use_sliding_window", rule.used);
  std::vector<bool> windowed = listed_layers(config, layers);
  // Some files name more layers than they have.
  const int first = rule.later_layers ? config.count_or_zero("max_window_layers", 28) : 0;
  if (windowed.empty()) {
    windowed = all_but_every(rule.full_every, layers);
    std::fill_n(windowed.begin(), std::min(first, layers), false);
  }
  if (used) set_windows(windowed, window, spec);
  return windowed;
}

std::vector<bool> read_gguf_windows(ConfigReader& config, std::string_view prefix, DecoderSpec& spec,
                                    const WindowRule& rule) {
  const int layers = spec.layer_count();
  if (config.error()) return all_but_every(1, layers);
  const std::string key = fmt::format("{}.attention.sliding_window", prefix);
  const int window = config.count_or_zero(key, rule.unsaid);
  if (window == 0) return all_but_every(1, layers);
  std::vector<bool> windowed = all_but_every(0, layers);
  if (rule.full_every > 0) windowed = gguf_pattern(config, key + "_pattern", rule.full_every, layers);
  set_windows(windowed, window, spec);
  return windowed;
}

}  // namespace sizeup
