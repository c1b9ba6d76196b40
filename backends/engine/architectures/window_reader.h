// How far each layer of a model looks back.
#pragma once

#include "backends/engine/architectures/config_reader.h"
#include "backends/engine/decoder_spec.h"

namespace sizeup {

// What an architecture makes of the window of a config.json.
struct WindowRule {
  // Without a list ("layer_types") the layers from "max_window_layers" on have it; else all.
  bool later_layers = false;
  bool used = true;  // where "use_sliding_window" does not say
  int unsaid = 0;    // the window where "sliding_window" is absent, not even null; 0: none
};

inline constexpr WindowRule kQwenWindows{.later_layers = true, .used = false, .unsaid = 4096};

// The windows of the spec's layers from config.json.
void read_windows(ConfigReader& config, const WindowRule& rule, DecoderSpec& spec);
// The same from GGUF metadata, where every layer has the window: "`prefix`.attention.sliding_window".
void read_gguf_windows(ConfigReader& config, std::string_view prefix, DecoderSpec& spec);

}  // namespace sizeup
