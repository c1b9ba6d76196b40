// At which tokens generation stops, besides the declared EOS.
#pragma once

#include <vector>

#include "backends/engine/tokenizer/vocabulary.h"

namespace sizeup {

// `declared` (in range, repetitions allowed) and the special tokens whose names are known to end an answer or
// a turn, sorted, each once.
std::vector<Token> end_of_generation(const Vocabulary& vocabulary, std::vector<Token> declared);

}  // namespace sizeup
