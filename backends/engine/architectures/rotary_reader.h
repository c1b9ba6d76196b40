// Rotary positions and their scalings, from either kind of file.
#pragma once

#include <array>
#include <string_view>

#include "backends/engine/architectures/config_reader.h"
#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"

namespace sizeup {

// Whether an architecture may rotate only a part of each head.
enum class RotaryPart { whole, partial };

// Of heads of this size, from config.json: "rope_parameters", or "rope_theta" beside "rope_scaling". Where
// the frequencies of a text depend on its length (dynamic, longrope) the context becomes that in which they
// do not: a token's numbers must not depend on what comes after it.
RotarySpec read_rotary(ConfigReader& config, RotaryPart part, int head_size, int& context_length);

// Tensors of GGUF files that hold divisors of frequencies. Those of longer texts are not used: see above.
inline constexpr std::array<std::string_view, 3> kGgufRotaryTensors = {
    "rope_freqs.weight", "rope_factors_short.weight", "rope_factors_long.weight"};

// The same from GGUF metadata and these tensors.
RotarySpec read_gguf_rotary(ConfigReader& config, const Checkpoint& checkpoint, std::string_view prefix,
                            RotaryLayout layout, int head_size, int& context_length);

}  // namespace sizeup
