// SelfCheckGPT with unigrams (Manakul, Liusie, Gales 2023, section 5.3): whether the words of the first
// answer are those of the others. A made-up detail is another one in every answer, so its words are rare
// among them.
#pragma once

#include <span>
#include <string>

#include "tasks/metrics/metric.h"

namespace sizeup {

struct SelfCheck {
  double mean = 0.0;     // of -log p over the first answer's tokens, in nats
  double largest = 0.0;  // -log p of its rarest token
};

// p is a token's share of the tokens of all answers. The first answer is one of them, which is the method's
// smoothing: no token of it has a count of zero. Tokens are words and signs in lower case as BLEU splits
// them (mteval-v13a), where the authors' program takes spaCy's. NaN where the first answer has none.
SelfCheck selfcheck(std::span<const std::string> answers);

void score_selfcheck_mean(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_selfcheck_max(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

}  // namespace sizeup
