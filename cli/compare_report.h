// What sizeup compare found, as JSON and as text.
#pragma once

#include <string>
#include <vector>

#include "cli/sides.h"
#include "core/json/json_fwd.h"
#include "harness/decide/comparison.h"

namespace sizeup::cli {

// A flip with both answers where the stores have them.
struct ShownFlip {
  Flip flip;
  std::string expected;
  std::string candidate_answer;
  std::string baseline_answer;
};

struct ComparisonReport {
  const Evidence* candidate = nullptr;
  const Evidence* baseline = nullptr;
  double margin = 0.0;
  Comparison comparison;
  std::vector<std::vector<ShownFlip>> flips;  // of each task, as many as are shown
};

Json comparison_to_json(const ComparisonReport& report);  // schema "sizeup.compare/1"
std::string comparison_to_text(const ComparisonReport& report);

}  // namespace sizeup::cli
