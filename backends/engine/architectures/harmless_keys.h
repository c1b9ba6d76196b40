// Configuration keys that a reader may leave unread.
#pragma once

#include "backends/engine/architectures/config_reader.h"
#include "backends/engine/formats/checkpoint.h"

namespace sizeup {

// A problem if the configuration has a key that nobody asked for and that is not known to change no result.
void refuse_unknown_keys(ConfigReader& config, const Checkpoint& checkpoint);

}  // namespace sizeup
