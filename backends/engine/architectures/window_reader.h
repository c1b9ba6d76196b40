// How far each layer of a model looks back.
#pragma once

#include <string_view>
#include <vector>

#include "backends/engine/architectures/config_reader.h"
#include "backends/engine/decoder_spec.h"

namespace sizeup {

// What an architecture makes of the window of a configuration.
struct WindowRule {
  // Which layers have it where no list ("layer_types") says it: all from "max_window_layers" on, or all but
  // every so-manieth, or all.
  bool later_layers = false;
  int full_every = 0;
  bool used = true;  // where "use_sliding_window" does not say
  int unsaid = 0;    // the window where "sliding_window" is absent, not even null; 0: none
};

inline constexpr WindowRule kQwenWindows{.later_layers = true, .used = false, .unsaid = 4096};

// Both give the windows to the spec's layers, and return which layers are of the kind that has them, be they
// longer than the context.

// From config.json.
std::vector<bool> read_windows(ConfigReader& config, const WindowRule& rule, DecoderSpec& spec);
// From GGUF metadata: "`prefix`.attention.sliding_window", and "...sliding_window_pattern", a number or a
// list, where the rule has a pattern.
std::vector<bool> read_gguf_windows(ConfigReader& config, std::string_view prefix, DecoderSpec& spec,
                                    const WindowRule& rule = {});

}  // namespace sizeup
