#include "backends/engine/architectures/harmless_tensors.h"

#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/json/json.h"

namespace sizeup {
namespace {

enum class Where { front, back };

struct Harmless {
  std::string_view text;
  Where where = Where::front;  // of the tensor's name
  int dimensions = 0;          // that it must have; 0: any number of them
  std::string_view reason;     // why no result changes
};

constexpr std::string_view kBuffer = "a buffer that the configuration determines";
constexpr std::string_view kMask = "the causal mask, or what it masks with; a bias has one dimension";
constexpr std::string_view kOtherInput = "of images or sounds, which a text does not reach";
constexpr std::string_view kOtherOutput = "of speech, which comes after the text";
constexpr std::string_view kCacheScale = "for keys and values kept in 8 bits, which no device here does";
constexpr std::string_view kLaterTokens = "predicts tokens after the next one";

// What transformers leaves out: _keys_to_ignore_on_load_unexpected of its classes for text, and the buffers
// of PreTrainedModel._adjust_missing_and_unexpected_keys; and the other parts of models for more than text.
constexpr Harmless kHuggingFace[] = {
    {"rotary_emb.inv_freq", Where::back, 0, kBuffer},
    {"position_ids", Where::back, 0, kBuffer},
    {".attn.bias", Where::back, 4, kMask},
    {".attn.masked_bias", Where::back, 0, kMask},
    {".attention.bias", Where::back, 4, kMask},
    {".attention.masked_bias", Where::back, 0, kMask},
    {".k_scale", Where::back, 0, kCacheScale},
    {".v_scale", Where::back, 0, kCacheScale},
    {".output_scale", Where::back, 0, kCacheScale},
    {"mtp.", Where::front, 0, kLaterTokens},
    {"model.mtp.", Where::front, 0, kLaterTokens},
    {"vision_tower.", Where::front, 0, kOtherInput},
    {"model.vision_tower.", Where::front, 0, kOtherInput},
    {"vision_model.", Where::front, 0, kOtherInput},
    {"visual.", Where::front, 0, kOtherInput},
    {"model.visual.", Where::front, 0, kOtherInput},
    {"multi_modal_projector.", Where::front, 0, kOtherInput},
    {"model.multi_modal_projector.", Where::front, 0, kOtherInput},
    {"model.embed_vision.", Where::front, 0, kOtherInput},
    {"audio_tower.", Where::front, 0, kOtherInput},
    {"model.audio_tower.", Where::front, 0, kOtherInput},
    {"model.embed_audio.", Where::front, 0, kOtherInput},
    {"talker.", Where::front, 0, kOtherOutput},
    {"token2wav.", Where::front, 0, kOtherOutput},
    {"code2wav.", Where::front, 0, kOtherOutput},
};

// llama.cpp's converter writes these to a file of their own ("mmproj"); Ollama's has them beside the text's.
constexpr Harmless kGguf[] = {
    {"v.", Where::front, 0, kOtherInput},
    {"a.", Where::front, 0, kOtherInput},
    {"mm.", Where::front, 0, kOtherInput},
};

bool matches(const Harmless& entry, const Tensor& tensor) {
  if (entry.dimensions != 0 && tensor.shape.size() != static_cast<size_t>(entry.dimensions)) return false;
  const std::string_view name = tensor.name;
  return entry.where == Where::front ? name.starts_with(entry.text) : name.ends_with(entry.text);
}

// 61 of "model.layers.61.eh_proj.weight".
std::optional<int> layer_of(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  int layer = 0;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), layer);
  const bool number = failure == std::errc() && end != name.data() + name.size() && *end == '.';
  return number ? std::optional(layer) : std::nullopt;
}

// DeepSeek's and GLM's checkpoints number what predicts later tokens as layers after the last one, and say
// how many these are; so do GGUF files.
bool predicts_later_tokens(const Tensor& tensor, const Checkpoint& checkpoint, int layers) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  const auto layer = layer_of(tensor.name, gguf ? "blk." : "model.layers.");
  if (!layer || *layer < layers) return false;
  const Json& config = checkpoint.config();
  std::string key = "num_nextn_predict_layers";
  if (gguf) {
    const auto name = config.find("general.architecture");
    if (name == config.end() || !name->is_string()) return false;
    key = name->get<std::string>() + ".nextn_predict_layers";
  }
  const auto count = config.find(key);
  return count != config.end() && count->is_number_integer() && *count > *layer - layers;
}

}  // namespace

std::optional<std::string_view> why_harmless(const Tensor& tensor, const Checkpoint& checkpoint, int layers) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  for (const Harmless& entry : gguf ? std::span<const Harmless>(kGguf) : kHuggingFace) {
    if (matches(entry, tensor)) return entry.reason;
  }
  if (predicts_later_tokens(tensor, checkpoint, layers)) return kLaterTokens;
  return std::nullopt;
}

}  // namespace sizeup
