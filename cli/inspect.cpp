// sizeup inspect MODEL: what a model file holds, without running it. A vocabulary-only file will do. With
// --compare B the tokenizers of two models.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <new>
#include <set>
#include <utility>

#include "backends/engine/engine_backend.h"
#include "backends/engine/step.h"
#include "backends/engine/tokenizer/tokenizer.h"
#include "cli/command.h"
#include "cli/compare_tokenizers.h"
#include "cli/engine_options.h"
#include "cli/inspect_report.h"
#include "cli/model_files.h"
#include "cli/tokenizer_report.h"
#include "core/json/json.h"

namespace sizeup::cli {
namespace {

struct InspectCommand {
  std::string model;
  CompareTokenizersCommand comparison;  // its second model is empty unless two are compared
  std::string cpu_tier;                 // empty: the best one
  bool json = false;
  bool offline = false;
};

// One value for all layers, or a list.
template <class Value>
Json of_layers(const DecoderSpec& spec, const Value& value) {
  Json list = Json::array();
  for (const LayerSpec& layer : spec.layers) list.push_back(value(layer));
  const bool same = std::ranges::all_of(list, [&](const Json& one) { return one == list.front(); });
  return same ? list.front() : list;
}

void describe_experts(const DecoderSpec& spec, Json& json) {
  const ExpertSpec& experts = spec.experts;
  json["experts"] = experts.count;
  json["experts_used"] = experts.used;
  json["expert_width"] = experts.width;
  if (experts.shared_width > 0) json["shared_expert_width"] = experts.shared_width;
  json["expert_layers"] = std::count(experts.layers.begin(), experts.layers.end(), true);
}

// Of the layers that have states.
Json describe_states(const DecoderSpec& spec) {
  Json json;
  const auto has = [](const LayerSpec& layer) { return layer.delta.has_value(); };
  const DeltaSpec& delta = *std::ranges::find_if(spec.layers, has)->delta;
  json["layers"] = std::ranges::count_if(spec.layers, has);
  json["heads"] = delta.value_heads;
  json["key_heads"] = delta.key_heads;
  json["key_size"] = delta.key_size;
  json["value_size"] = delta.value_size;
  return json;
}

Json describe_spec(const DecoderSpec& spec) {
  Json json;
  json["layers"] = spec.layer_count();
  json["width"] = spec.width;
  json["heads"] = of_layers(spec, [](const LayerSpec& layer) { return layer.attention.heads; });
  json["kv_heads"] = of_layers(spec, [](const LayerSpec& layer) { return layer.attention.kv_heads; });
  json["head_size"] = of_layers(spec, [](const LayerSpec& layer) { return layer.attention.head_size; });
  json["window"] = of_layers(spec, [](const LayerSpec& layer) { return layer.attention.window; });
  if (spec.has_states()) json["recurrent"] = describe_states(spec);
  json["ffn_width"] = of_layers(spec, [](const LayerSpec& layer) { return layer.ffn_width; });
  if (spec.experts.any()) describe_experts(spec, json);
  json["vocabulary"] = spec.vocabulary;
  json["context_length"] = spec.context_length;
  json["norm_epsilon"] = spec.norm.epsilon;
  json["rotary_base"] = of_layers(spec, [](const LayerSpec& layer) {
    return layer.attention.rotary ? Json(layer.attention.rotary->base) : Json(nullptr);
  });
  json["tied_head"] = spec.tied_head;
  return json;
}

// Lengths up to the model's, each four times the last.
std::set<int> context_lengths(int longest) {
  std::set<int> lengths = {longest};
  for (int length = 512; length < longest; length *= 4) lengths.insert(length);
  return lengths;
}

// What the device would take, which has not packed anything. Pages lie before windows, too: the plan keeps
// what other texts may share.
Json describe_memory(const DecoderSpec& spec, const DeviceTraits& traits) {
  Json memory = {
      {"device", traits.name},
      {"tier", traits.tier},
      {"precision", precision_name(traits.precision)},
      {"weights", traits.weight_need},
      {"windows",
       std::ranges::any_of(spec.layers, [](const LayerSpec& layer) { return layer.attention.window > 0; })},
      {"page_positions", kPagePositions},
      {"page_bytes", traits.page_bytes},
      {"state_bytes", traits.state_bytes}};
  memory["contexts"] = Json::array();
  for (const int length : context_lengths(spec.context_length)) {
    const int64_t pages = pages_for(length) * traits.page_bytes + traits.state_bytes;
    memory["contexts"].push_back(
        {{"tokens", length}, {"keys_and_values", pages}, {"total", pages + traits.weight_need}});
  }
  return memory;
}

// Text of a checkpoint whose weights have been described, if it has any.
void describe_text(const Checkpoint& checkpoint, Json& json) {
  const auto tokenizer = load_tokenizer(checkpoint);
  json["tokenizer"] =
      tokenizer ? tokenizer_to_json(**tokenizer) : Json({{"problem", describe(tokenizer.error())}});
  const auto chat_template = load_chat_template(checkpoint);
  json["has_chat_template"] = chat_template.has_value();
  json["chat_template"] = chat_template ? Json(*chat_template) : Json(nullptr);
}

void describe_tensors(const OpenedModel& opened, Json& json) {
  json["bytes"] = weights_size(opened).bytes_by_format;
  json["unused"] = Json::array();
  for (const UnusedTensor& unused : opened.model.unused)
    json["unused"].push_back({{"name", unused.tensor->name}, {"why", unused.why}});
  json["tensors"] = Json::array();
  for (const Tensor& tensor : opened.checkpoint->tensors()) {
    json["tensors"].push_back({{"name", tensor.name},
                               {"type", stored_format(tensor)},
                               {"shape", tensor.shape},
                               {"bytes", stored_bytes(tensor)}});
  }
}

Json identity_of(const ModelReference& reference, const Checkpoint& checkpoint,
                 const std::string& fingerprint) {
  return {{"name", reference.name},
          {"fingerprint", fingerprint},
          {"format", checkpoint.format() == CheckpointFormat::gguf ? "GGUF" : "safetensors"}};
}

// A file or folder with a vocabulary alone.
Json examine_vocabulary(const ModelReference& reference, const Checkpoint& checkpoint,
                        const std::string& fingerprint) {
  Json json = identity_of(reference, checkpoint, fingerprint);
  json["parameters"] = json["active_parameters"] = 0;
  json["bytes"] = Json::object();
  json["tensors"] = Json::array();
  describe_text(checkpoint, json);
  return json;
}

// The model as it would be computed: with its adapters, rounded, on its device.
Result<Json> examine_model(const EngineModel& model, const std::string& hash) {
  auto opened = open_weights(model.reference, Rounding::planned);
  if (!opened) return forward_error(opened);
  DeviceOptions options = opened->options;
  options.memory_bytes = std::numeric_limits<int64_t>::max();  // nothing is packed: it need not fit
  const auto device = model.make_device(opened->model, options);
  if (!device) return tl::unexpected<Error>(device.error());
  const DeviceTraits traits = (*device)->traits();
  const ModelCard card = describe_model(model.reference, *opened, hash);

  Json json = identity_of(model.reference, *opened->checkpoint, card.fingerprint);
  json["architecture"] = card.architecture;
  json["context_length"] = card.context_length;
  json["parameters"] = card.parameters;
  json["active_parameters"] = card.active_parameters;
  json["notes"] = card.notes;
  for (const std::string& note : traits.notes) json["notes"].push_back(note);
  json["decoder"] = describe_spec(opened->model.spec);
  json["memory"] = describe_memory(opened->model.spec, traits);
  describe_text(*opened->checkpoint, json);
  describe_tensors(*opened, json);
  return json;
}

Result<Json> examine(const InspectCommand& command) {
  auto model = engine_model(command.model, command.cpu_tier, command.offline, "has files to look into");
  if (!model) return forward_error(model);
  auto checkpoint = open_checkpoint(model->reference.target);
  if (!checkpoint) return forward_error(checkpoint);
  auto hash = fingerprint(**checkpoint);
  if (!hash) return forward_error(hash);
  if ((*checkpoint)->tensors().empty()) return examine_vocabulary(model->reference, **checkpoint, *hash);
  checkpoint->reset();
  return examine_model(*model, *hash);
}

Outcome inspect(const InspectCommand& command) {
  if (!command.comparison.second.empty()) {
    CompareTokenizersCommand comparison = command.comparison;
    comparison.first = command.model;
    comparison.json = command.json;
    comparison.offline = command.offline;
    return compare_tokenizers(comparison);
  }
  try {
    const auto model = examine(command);
    if (!model) return tl::unexpected<Error>(model.error());
    fmt::print("{}", command.json ? to_line(*model) + "\n" : inspection_to_text(*model));
    return 0;
  } catch (const std::bad_alloc&) {
    return unavailable(command.model, "not enough memory to describe the model");
  }
}

}  // namespace

std::function<Outcome()> add_inspect(CLI::App& app) {
  auto command = std::make_shared<InspectCommand>();
  app.add_option("model", command->model, "Model reference")->required();
  CompareTokenizersCommand& comparison = command->comparison;
  CLI::Option* other = app.add_option("--compare", comparison.second,
                                      "Model reference: where its tokenizer differs, on the texts of --text");
  CLI::Option* text = app.add_option(
      "--text", comparison.text, "Lines of text, or a .jsonl, .json, .csv or .tsv file with a field of text");
  other->needs(text);
  text->needs(other);
  app.add_option("--field", comparison.field, "The field that holds the text")
      ->capture_default_str()
      ->needs(text);
  app.add_option("--slices", comparison.slices, "Fields to break the counts down by")
      ->delimiter(',')
      ->needs(text);
  add_cpu_tier(app, command->cpu_tier);
  add_offline(app, command->offline);
  app.add_flag("--json", command->json, "JSON instead of text");
  return [command] { return inspect(*command); };
}

}  // namespace sizeup::cli
