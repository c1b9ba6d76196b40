// Rotary positions and their scalings, from either kind of file.
#pragma once

#include <string_view>

#include "backends/engine/architectures/config_reader.h"
#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "backends/engine/rotary_scaling.h"

namespace sizeup {

// Whether an architecture may rotate only a part of each head.
enum class RotaryPart { whole, partial };

// Of heads of this size, from config.json: "rope_parameters", or "rope_theta" beside "rope_scaling". Where
// the frequencies of a text depend on its length (dynamic, longrope) the context becomes that in which they
// do not: a token's numbers must not depend on what comes after it.
RotarySpec read_rotary(ConfigReader& config, RotaryPart part, int head_size, int& context_length);

// The same from GGUF metadata and the tensors that hold divisors of frequencies.
RotarySpec read_gguf_rotary(ConfigReader& config, const Checkpoint& checkpoint, std::string_view prefix,
                            RotaryLayout layout, int head_size, int& context_length);

// "`prefix`.rope.scaling" of type yarn. Files do not say whether its ramp has whole ends.
YarnScaling read_gguf_yarn(ConfigReader& config, std::string_view prefix, int context_length);

}  // namespace sizeup
