#include "backends/engine/architectures/qwen_experts.h"

#include <algorithm>

#include "core/json/json.h"

namespace sizeup {

std::vector<bool> read_expert_layers(ConfigReader& config, int layers) {
  const int step = config.count("decoder_sparse_step", 1);
  std::vector<bool> has(static_cast<size_t>(layers), false);
  for (int i = step - 1; i < layers; i += step) has[static_cast<size_t>(i)] = true;
  const Json* dense = config.find("mlp_only_layers");
  if (dense == nullptr) return has;
  const bool numbers =
      dense->is_array() && std::all_of(dense->begin(), dense->end(), [layers](const Json& layer) {
        return layer.is_number_integer() && layer >= 0 && layer < layers;
      });
  if (!numbers) {
    config.fail("'mlp_only_layers' is " + to_line(*dense).substr(0, 40), "a list of layers");
    return has;
  }
  for (const Json& layer : *dense) has[layer.get<size_t>()] = false;
  return has;
}

}  // namespace sizeup
