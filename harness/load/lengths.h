// How long synthetic prompts are: always the same, or drawn from a distribution that the report states.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

struct LengthDistribution {
  enum class Kind {
    fixed,
    uniform,    // every length from `low` to `high` alike
    lognormal,  // as lengths of real prompts mostly are: many short ones, a few very long ones
  };
  Kind kind = Kind::fixed;
  int low = 256;      // fixed: the length
  int high = 0;       // uniform
  double median = 0;  // lognormal
  double sigma = 0;   // lognormal: standard deviation of the logarithm
};

// "256", "uniform:64:512", "lognormal:200:0.8" (median, then sigma). Usage error for everything else.
Result<LengthDistribution> parse_lengths(std::string_view text);

// The text that parses to it.
std::string name_of(const LengthDistribution& lengths);

// `count` lengths of 1 to `most`, the same for the same seed: those beyond are `most`.
struct DrawnLengths {
  std::vector<int> lengths;
  int cut = 0;  // so many were longer
};
DrawnLengths draw_lengths(const LengthDistribution& lengths, int count, int most, uint64_t seed);

}  // namespace sizeup
