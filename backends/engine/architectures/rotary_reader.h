// Rotary positions and their scalings, from either kind of file.
#pragma once

#include <array>
#include <string_view>

#include "backends/engine/architectures/config_reader.h"
#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"

namespace sizeup {

// What an architecture makes of the positions of a config.json.
struct RotaryRule {
  bool partial = false;  // a part of each head may be rotated alone
  float part = 1.0F;     // of a head that is rotated, where nothing says it
  float base = 10000.0F;
  // Beside "rope_parameters", in which all architectures have the same names.
  std::string_view part_key = "partial_rotary_factor";
  std::string_view base_key = "rope_theta";
};

// Of heads of this size, from config.json: "rope_parameters", or a base beside "rope_scaling". Where
// the frequencies of a text depend on its length (dynamic, longrope) the context becomes that in which they
// do not: a token's numbers must not depend on what comes after it.
RotarySpec read_rotary(ConfigReader& config, const RotaryRule& rule, int head_size, int& context_length);

// Of layers that see all positions and of those that have a window: "rope_parameters" has an object for each,
// or a scaling is of the first alone.
struct LayerRotaries {
  RotarySpec full, sliding;
};
LayerRotaries read_layer_rotaries(ConfigReader& config, const RotaryRule& full, const RotaryRule& sliding,
                                  int head_size, int& context_length);

// Tensors of GGUF files that hold divisors of frequencies. Those of longer texts are not used: see above.
inline constexpr std::array<std::string_view, 3> kGgufRotaryTensors = {
    "rope_freqs.weight", "rope_factors_short.weight", "rope_factors_long.weight"};

// The same from GGUF metadata and these tensors.
RotarySpec read_gguf_rotary(ConfigReader& config, const Checkpoint& checkpoint, std::string_view prefix,
                            RotaryLayout layout, int head_size, int& context_length);

}  // namespace sizeup
