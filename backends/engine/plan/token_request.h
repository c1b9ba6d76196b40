// What the plan is asked for: token ids only, no text, no tokenizer, no sampling.
#pragma once

#include <vector>

#include "backends/engine/tokenizer/tokenizer.h"

namespace sizeup {

// Scoring: after tokens[first_target + i] comes targets[i]; the last target is not among the tokens, since
// nothing is predicted from it. Generation: new tokens after the last of `tokens`.
struct TokenRequest {
  std::vector<Token> tokens;   // what goes through the decoder; at least one
  std::vector<Token> targets;  // scoring: one for each of tokens[first_target...]; empty for generation
  int first_target = 0;        // tokens.size() - targets.size() for scoring
  int max_new_tokens = 0;      // generation: at most this many, at least 1; 0 for scoring
  int top_count = 0;           // the listener needs so many most probable tokens, at most kMostTop
  bool distribution = false;   // generation: the listener needs all log-probabilities
  bool greedy = false;         // generation: the listener takes the best token, which may be worth guessing
};

}  // namespace sizeup
