// How far each layer of a model looks back.
#pragma once

#include "backends/engine/architectures/config_reader.h"
#include "backends/engine/decoder_spec.h"

namespace sizeup {

// Which layers have the window of a config.json that does not list them ("layer_types").
enum class WindowedLayers {
  all,
  later,  // from "max_window_layers" on
};

// The window that most of transformers' classes take where config.json has no "sliding_window", not even
// null.
inline constexpr int kUnsaidWindow = 4096;

// DecoderSpec::windows from config.json: "sliding_window" (`unsaid` if it has no such key; 0: none), unless
// "use_sliding_window" is false.
void read_windows(ConfigReader& config, WindowedLayers layers, int unsaid, DecoderSpec& spec);
// The same from GGUF metadata, where every layer has the window: "`prefix`.attention.sliding_window".
void read_gguf_windows(ConfigReader& config, std::string_view prefix, DecoderSpec& spec);

}  // namespace sizeup
