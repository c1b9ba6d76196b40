// The kinds of mixtures of experts that models have, for tests of every device.
#pragma once

#include <string_view>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "tests/support/random_decoder.h"

namespace sizeup {

struct MixtureVariant {
  std::string_view name;
  ExpertSpec spec;
  MixtureBiases biases = {};
};

// Of experts, and of the shared one in variants that have it. Block formats need whole blocks, other weights
// should have none.
struct MixtureWidths {
  int experts = 0;
  int grouped = 0;
  int shared = 0;
  int shared_gated = 0;
  int shared_biased = 0;
};

inline std::vector<MixtureVariant> mixture_variants(const MixtureWidths& widths) {
  const ExpertSpec plain{.count = 8, .used = 2, .width = widths.experts, .layers = {}};
  std::vector<MixtureVariant> all = {{"softmax", plain}};
  all.push_back({"normalised", plain});
  all.back().spec.normalised = true;
  all.push_back({"softmax of the chosen", plain});
  all.back().spec.scoring = RouterScoring::softmax_chosen;
  all.back().spec.used = 5;
  all.push_back({"groups", plain, {.selection = true}});
  all.back().spec = {.count = 12,
                     .used = 4,
                     .width = widths.grouped,
                     .scoring = RouterScoring::sigmoid,
                     .groups = 4,
                     .groups_used = 2,
                     .group_best = 2,
                     .normalised = true,
                     .scale = 2.5F,
                     .layers = {}};
  all.push_back({"shared", plain});
  all.back().spec.shared_width = widths.shared;
  all.push_back({"shared and gated", plain});
  all.back().spec.used = 8;
  all.back().spec.shared_width = widths.shared_gated;
  all.back().spec.shared_gated = true;
  all.push_back({"biased", plain, {.router_and_experts = true}});
  all.back().spec.scoring = RouterScoring::softmax_chosen;
  all.back().spec.used = 3;
  all.back().spec.shared_width = widths.shared_biased;
  all.back().spec.shared_gated = true;
  return all;
}

}  // namespace sizeup
