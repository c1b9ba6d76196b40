// Answers with stated confidence: from tests/oracles/calibration_golden.py, and simulated ones whose truth is
// known.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "core/json/json.h"
#include "core/random/counter_random.h"
#include "harness/statistics/calibration.h"
#include "tests/support/files.h"

namespace sizeup {

struct StatedCase {
  std::string name;
  std::vector<StatedAnswer> answers;
  Json expected;
};

inline std::vector<StatedCase> stated_golden() {
  const Json golden = Json::parse(read_whole(golden_folder() / "calibration.json"));
  std::vector<StatedCase> cases;
  for (const auto& [name, one] : golden.items()) {
    StatedCase stated{name, {}, one};
    for (size_t i = 0; i < one["right"].size(); ++i) {
      stated.answers.push_back({one["confidence"][i].get<double>(), one["right"][i].get<int>() == 1,
                                one["documents"][i].get<int64_t>()});
    }
    cases.push_back(std::move(stated));
  }
  return cases;
}

// n answers right as often as sigmoid(z), z uniform in -1..4, which are stated with sigmoid(sharpness z): the
// best temperature is the sharpness. Another seed is other answers.
inline std::vector<StatedAnswer> simulated(int64_t n, double sharpness, uint64_t seed) {
  std::vector<StatedAnswer> answers;
  for (int64_t i = 0; i < n; ++i) {
    const double z = -1.0 + 5.0 * uniform(seed, 1, static_cast<uint64_t>(i));
    const bool right = uniform(seed, 2, static_cast<uint64_t>(i)) < 1.0 / (1.0 + std::exp(-z));
    answers.push_back({1.0 / (1.0 + std::exp(-sharpness * z)), right, i});
  }
  return answers;
}

}  // namespace sizeup
