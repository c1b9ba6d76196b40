#include "backends/engine/architectures/smollm3.h"

#include <algorithm>

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/window_reader.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

// Where no list says it, and in every GGUF file.
constexpr int kUnrotatedInterval = 4;

std::vector<bool> every(int interval, int layers) {
  std::vector<bool> unrotated;
  for (int i = 0; i < layers; ++i) unrotated.push_back((i + 1) % interval == 0);
  return unrotated;
}

// "no_rope_layers" lists 1 for layers that are rotated, 0 for those that are not.
std::vector<bool> read_unrotated(ConfigReader& config, int layers) {
  const int interval = config.count("no_rope_layer_interval", kUnrotatedInterval);
  const Json* list = config.find("no_rope_layers");
  if (list == nullptr) return every(interval, layers);
  std::vector<bool> unrotated;
  for (int i = 0; i < layers && list->is_array() && static_cast<size_t>(i) < list->size(); ++i)
    unrotated.push_back((*list)[static_cast<size_t>(i)] == 0);
  if (static_cast<int>(unrotated.size()) != layers) {
    config.fail("'no_rope_layers' is " + to_line(*list).substr(0, 40), "0 or 1 for each layer");
    unrotated.assign(static_cast<size_t>(layers), false);
  }
  return unrotated;
}

}  // namespace

Result<DecoderModel> describe_smollm3(const Checkpoint& checkpoint) {
  ConfigReader config(checkpoint);
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  DecoderSpec spec = gguf ? read_gguf_spec(config, checkpoint, "smollm3", RotaryLayout::interleaved)
                          : read_hugging_face_spec(config);
  if (config.error()) return tl::unexpected<Error>(*config.error());
  const std::vector<bool> unrotated =
      gguf ? every(kUnrotatedInterval, spec.layer_count()) : read_unrotated(config, spec.layer_count());
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    if (unrotated[i]) spec.layers[i].attention.rotary.reset();
  }
  if (!gguf) {
    read_windows(config, {.used = false}, spec);
    const bool windowed =
        std::ranges::any_of(spec.layers, [](const LayerSpec& layer) { return layer.attention.window > 0; });
    if (windowed && config.find("layer_types") == nullptr)
      config.fail("'sliding_window' without 'layer_types' is not supported yet");
  }
  return find_decoder("smollm3", checkpoint, config, std::move(spec));
}

}  // namespace sizeup
