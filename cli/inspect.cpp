// sizeup inspect MODEL: what a model file holds, without running it. A vocabulary-only file will do.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "backends/engine/architectures/table.h"
#include "backends/engine/formats/checkpoint.h"
#include "backends/engine/step.h"
#include "backends/engine/tokenizer/tokenizer.h"
#include "backends/engine/work.h"
#include "cli/command.h"
#include "cli/model_files.h"
#include "cli/table.h"
#include "core/json/json.h"

namespace sizeup::cli {
namespace {

struct InspectCommand {
  std::string model;
  bool json = false;
  bool offline = false;
};

// Keys and values of one sequence: float32 pages of every layer, as the reference device keeps them.
int64_t memory_of_context(const DecoderSpec& spec, int positions) {
  int64_t columns = 0;
  for (int i = 0; i < spec.layer_count(); ++i)
    columns += spec.owns_keys(i) ? 2 * spec.attention(i).kv_width() : 0;
  return pages_for(positions) * int64_t{kPagePositions} * columns * static_cast<int64_t>(sizeof(float));
}

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

Json describe_spec(const DecoderModel& model) {
  const DecoderSpec& spec = model.spec;
  Json json;
  json["layers"] = spec.layer_count();
  json["width"] = spec.width;
  json["heads"] = of_layers(spec, [](const LayerSpec& layer) { return layer.attention.heads; });
  json["kv_heads"] = of_layers(spec, [](const LayerSpec& layer) { return layer.attention.kv_heads; });
  json["head_size"] = of_layers(spec, [](const LayerSpec& layer) { return layer.attention.head_size; });
  json["window"] = of_layers(spec, [](const LayerSpec& layer) { return layer.attention.window; });
  json["ffn_width"] = of_layers(spec, [](const LayerSpec& layer) { return layer.ffn_width; });
  if (spec.experts.any()) describe_experts(spec, json);
  json["vocabulary"] = spec.vocabulary;
  json["context_length"] = spec.context_length;
  json["norm_epsilon"] = spec.norm.epsilon;
  json["rotary_base"] = of_layers(spec, [](const LayerSpec& layer) {
    return layer.attention.rotary ? Json(layer.attention.rotary->base) : Json(nullptr);
  });
  json["tied_head"] = spec.tied_head;
  json["context_memory_bytes"] = Json::object();
  for (int positions = 512; positions < spec.context_length; positions *= 4) {
    json["context_memory_bytes"][std::to_string(positions)] = memory_of_context(spec, positions);
  }
  json["context_memory_bytes"][std::to_string(spec.context_length)] =
      memory_of_context(spec, spec.context_length);
  return json;
}

Json describe_tensors(const Checkpoint& checkpoint, Json& json) {
  Json tensors = Json::array();
  std::map<std::string, int64_t> bytes_by_type;
  int64_t parameters = 0;
  for (const Tensor& tensor : checkpoint.tensors()) {
    const std::string type(stored_format(tensor));
    tensors.push_back(
        {{"name", tensor.name}, {"type", type}, {"shape", tensor.shape}, {"bytes", stored_bytes(tensor)}});
    bytes_by_type[type] += stored_bytes(tensor);
    parameters += tensor.rows() * tensor.columns();
  }
  json["parameters"] = parameters;
  json["bytes"] = bytes_by_type;
  return tensors;
}

Result<Json> describe_tokenizer(const Checkpoint& checkpoint) {
  auto tokenizer = load_tokenizer(checkpoint);
  if (!tokenizer) return forward_error(tokenizer);
  const SpecialTokens& special = (*tokenizer)->special();
  Json json;
  json["kind"] = (*tokenizer)->kind();
  json["vocabulary"] = (*tokenizer)->vocabulary();
  json["bos"] = special.bos ? Json((*tokenizer)->piece(*special.bos)) : Json(nullptr);
  json["eos"] = special.eos ? Json((*tokenizer)->piece(*special.eos)) : Json(nullptr);
  json["end_of_generation"] = Json::array();
  for (const Token token : special.end_of_generation) {
    json["end_of_generation"].push_back((*tokenizer)->piece(token));
  }
  json["add_bos"] = special.add_bos;
  json["add_eos"] = special.add_eos;
  return json;
}

Result<Json> examine(const InspectCommand& command) {
  auto reference = local_reference(command.model, HubNeed::model, command.offline);
  if (!reference) return forward_error(reference);
  auto checkpoint = open_checkpoint(reference->target);
  if (!checkpoint) return forward_error(checkpoint);
  auto digest = fingerprint(**checkpoint);
  if (!digest) return forward_error(digest);

  Json json;
  json["name"] = reference->name;
  json["fingerprint"] = *digest;
  json["format"] = (*checkpoint)->format() == CheckpointFormat::gguf ? "GGUF" : "safetensors";
  int64_t unused = 0;  // parameters of the experts that a token does not use
  const bool has_weights = !(*checkpoint)->tensors().empty();
  if (has_weights) {
    auto decoder = describe_decoder(**checkpoint);
    if (!decoder) return forward_error(decoder);
    json["architecture"] = decoder->architecture;
    json["decoder"] = describe_spec(*decoder);
    unused = unused_weights(decoder->spec);
  }
  const Json tensors = describe_tensors(**checkpoint, json);
  const int64_t parameters = json["parameters"].get<int64_t>();
  json["active_parameters"] = parameters - unused;
  auto tokenizer = describe_tokenizer(**checkpoint);
  json["tokenizer"] = tokenizer ? *tokenizer : Json({{"problem", describe(tokenizer.error())}});
  const auto chat_template = load_chat_template(**checkpoint);
  json["has_chat_template"] = chat_template.has_value();
  json["chat_template"] = chat_template ? Json(*chat_template) : Json(nullptr);
  json["tensors"] = tensors;
  return json;
}

std::string cell(const Json& value) {
  return value.is_string() ? value.get<std::string>() : to_line(value);
}

void print_members(Table& table, const Json& object) {
  for (const auto& [key, value] : object.items()) table.add({key, cell(value)});
}

void print_text(const Json& model) {
  Table facts({"model", ""});
  for (const char* key : {"name", "format", "architecture", "fingerprint"}) {
    if (model.contains(key)) facts.add({key, cell(model[key])});
  }
  facts.add({"parameters", count_in_words(model["parameters"].get<int64_t>())});
  if (model["active_parameters"] != model["parameters"])
    facts.add({"active parameters", count_in_words(model["active_parameters"].get<int64_t>())});
  for (const auto& [type, bytes] : model["bytes"].items()) {
    facts.add({type + " weights", bytes_in_words(bytes.get<int64_t>())});
  }
  fmt::print("{}", facts.to_text());
  if (model.contains("decoder")) {
    Table decoder({"\ndecoder", ""});
    for (const auto& [key, value] : model["decoder"].items()) {
      if (key != "context_memory_bytes") decoder.add({key, cell(value)});
    }
    for (const auto& [positions, bytes] : model["decoder"]["context_memory_bytes"].items()) {
      decoder.add({"memory of " + positions + " tokens", bytes_in_words(bytes.get<int64_t>())});
    }
    fmt::print("{}", decoder.to_text());
  }
  Table tokenizer({"\ntokenizer", ""});
  print_members(tokenizer, model["tokenizer"]);
  tokenizer.add({"chat template",
                 model["has_chat_template"].get<bool>() ? "yes (sizeup inspect --json shows it)" : "no"});
  fmt::print("{}\n", tokenizer.to_text());
  Table tensors({"tensor", "type", "shape"});
  for (const Json& tensor : model["tensors"]) {
    tensors.add({cell(tensor["name"]), cell(tensor["type"]), cell(tensor["shape"])});
  }
  fmt::print("{}", tensors.to_text());
}

Outcome inspect(const InspectCommand& command) {
  auto model = examine(command);
  if (!model) return forward_error(model);
  if (command.json) {
    fmt::print("{}\n", to_line(*model));
  } else {
    print_text(*model);
  }
  return 0;
}

}  // namespace

std::function<Outcome()> add_inspect(CLI::App& app) {
  auto command = std::make_shared<InspectCommand>();
  app.add_option("model", command->model, "Model reference")->required();
  add_offline(app, command->offline);
  app.add_flag("--json", command->json, "JSON instead of text");
  return [command] { return inspect(*command); };
}

}  // namespace sizeup::cli
