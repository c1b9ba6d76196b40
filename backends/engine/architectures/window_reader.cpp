#include "backends/engine/architectures/window_reader.h"

#include <fmt/format.h>

#include "core/json/json.h"

namespace sizeup {
namespace {

// 0: no window, or one that no position of the context reaches.
int effective(int window, const DecoderSpec& spec) {
  return window >= spec.context_length ? 0 : window;
}

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

}  // namespace

void read_windows(ConfigReader& config, const WindowRule& rule, DecoderSpec& spec) {
  if (config.error()) return;
  const bool said = config.has("sliding_window");
  const int window = effective(said ? config.count_or_zero("sliding_window", 0) : rule.unsaid, spec);
  const bool used = config.flag("use_sliding_window", rule.used);
  std::vector<bool> windowed = listed_layers(config, spec.layer_count());
  // Some files name more layers than they have.
  const int first = rule.later_layers ? config.count_or_zero("max_window_layers", 28) : 0;
  if (window == 0 || !used) return;
  for (int i = 0; i < spec.layer_count(); ++i) {
    const auto index = static_cast<size_t>(i);
    if (windowed.empty() ? i >= first : windowed[index]) spec.layers[index].attention.window = window;
  }
}

void read_gguf_windows(ConfigReader& config, std::string_view prefix, DecoderSpec& spec) {
  if (config.error()) return;
  const std::string key = fmt::format("{}.attention.sliding_window", prefix);
  const int window = effective(config.count_or_zero(key, 0), spec);
  for (LayerSpec& layer : spec.layers) layer.attention.window = window;
}

}  // namespace sizeup
