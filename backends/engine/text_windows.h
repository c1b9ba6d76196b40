// A long text read in windows, as llama.cpp's perplexity program cuts it: one after the other, each from an
// empty context, and only the second half of each is scored, so that every scored token has at least half a
// window before it.
#pragma once

#include <optional>
#include <vector>

#include "backends/engine/step.h"

namespace sizeup {

class TextWindows {
 public:
  // `first`: what every window begins with in place of its own first token, BOS where the model wants it.
  // Tokens after the last whole window are not read. `length` is at least 4.
  TextWindows(std::vector<Token> tokens, int length, std::optional<Token> first);

  int count() const { return static_cast<int>(tokens_.size()) / length_; }
  std::vector<Token> window(int index) const;  // `length` tokens

  // Of a window: the distribution after position i, and so token i + 1, is scored for first_scored() <= i <
  // length - 1.
  int first_scored() const { return length_ / 2; }
  int scored() const { return length_ - 1 - first_scored(); }

 private:
  std::vector<Token> tokens_;
  int length_;
  std::optional<Token> first_;
};

struct StepLimits {
  int rows = 512;          // in one step, at least 1
  int wanted = 64;         // distributions that one step brings, at least 1
  int earlier_tokens = 0;  // PlanLimits::earlier_tokens
};

// The steps that read a window from position 0, on pages 0, 1, ... and with state 0: all tokens but the last,
// which nothing follows. They bring the distributions after positions `first_scored` on, in order.
std::vector<Step> window_steps(const std::vector<Token>& window, int first_scored, const StepLimits& limits);

}  // namespace sizeup
