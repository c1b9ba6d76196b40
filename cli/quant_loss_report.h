// What sizeup quant-loss found, as JSON and as text: every mean with its error, everything with its
// conditions.
#pragma once

#include <string>

#include "backends/engine/device.h"
#include "core/json/json_fwd.h"
#include "harness/statistics/quantisation_loss.h"

namespace sizeup::cli {

// One of the two models.
struct LossModel {
  std::string name;
  std::string reference;
  std::string architecture;
  std::string weight_format;
  int64_t parameters = 0;
  int64_t bytes = 0;  // of the weights as stored
  DeviceTraits device;
};

struct LossConditions {
  LossModel base;
  LossModel variant;
  std::string text;    // the file's name
  int64_t tokens = 0;  // in the whole text
  int context = 0;     // tokens of a window
  int64_t windows = 0;
  int threads = 1;
};

Json loss_to_json(const LossConditions& conditions, const QuantisationLoss& loss);

// From loss_to_json()'s object.
std::string loss_to_text(const Json& report);

}  // namespace sizeup::cli
