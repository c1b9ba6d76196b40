// What sizeup inspect shows of a model, from its JSON.
#pragma once

#include <string>

#include "core/json/json_fwd.h"

namespace sizeup::cli {

// Tables for the terminal: facts, decoder, memory, tokenizer, tensors; what the object lacks is left out.
std::string inspection_to_text(const Json& model);

}  // namespace sizeup::cli
