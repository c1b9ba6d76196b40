// Which experts a token uses, and with which weights: made on the host, the same for every device.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backends/engine/decoder_spec.h"

namespace sizeup {

// Experts of one router: published models have up to 512.
inline constexpr int kMostExperts = 1024;

struct ChosenExpert {
  int32_t expert = 0;
  float weight = 0.0F;
  bool operator==(const ChosenExpert&) const = default;
};

class Routing {
 public:
  // Both one for each expert, or none: added to scores for choosing alone, and of the weights in the end. The
  // spec has at most kMostExperts.
  Routing(const ExpertSpec& spec, std::vector<float> selection_bias, std::vector<float> expert_scale = {});

  const ExpertSpec& spec() const { return spec_; }

  // One row. `outputs` are the router's, one for each expert; `chosen` gets spec().used experts in the order
  // of their choice: the greatest score first (with its bias, if there are any), ties to the lowest index.
  void choose(std::span<const float> outputs, std::span<ChosenExpert> chosen) const;

 private:
  void score(std::span<const float> outputs, std::span<float> scores) const;
  void close_groups(std::span<const float> ranks, std::span<bool> closed) const;
  void weigh(std::span<const float> scores, std::span<ChosenExpert> chosen) const;

  ExpertSpec spec_;
  std::vector<float> selection_bias_;
  std::vector<float> expert_scale_;
};

// 1 / (1 + e^-x)
float sigmoid(float x);

}  // namespace sizeup
