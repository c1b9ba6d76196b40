// The next token of an answer.
#pragma once

#include <cstdint>
#include <span>

#include "backends/engine/step.h"
#include "backends/request.h"

namespace sizeup {

// The token at `position` of an answer, from logits or log-probabilities (a constant added to all changes
// nothing): a pure function of its arguments. Temperature 0 takes the maximum, ties to the lowest index.
// Otherwise the filters apply in the order temperature, top_k, top_p, min_p (ties keep the lowest indices),
// and uniform(seed, stream, position) picks from what is left, in the order of indices.
Token sample(std::span<const float> logits, const Sampling& sampling, uint64_t position);

// Whether sampling looks at the top_k most probable tokens alone, few enough to be asked for (kMostTop).
bool top_is_enough(const Sampling& sampling);
// The same choice from the most probable tokens, top_k of them or the whole vocabulary.
TopToken sample(std::span<const TopToken> top, const Sampling& sampling, uint64_t position);

}  // namespace sizeup
