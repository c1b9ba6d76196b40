#include "cli/inspect_report.h"

#include <fmt/format.h>

#include <map>

#include "cli/table.h"
#include "core/json/json.h"

namespace sizeup::cli {
namespace {

std::string cell(const Json& value) {
  if (value.is_null()) return "none";
  return value.is_string() ? value.get<std::string>() : to_line(value);
}

std::string facts_to_text(const Json& model) {
  Table facts({"model", ""});
  for (const char* key : {"name", "format", "architecture", "fingerprint", "context_length"}) {
    if (model.contains(key)) facts.add({key, cell(model[key])});
  }
  facts.add({"parameters", count_in_words(model["parameters"].get<int64_t>())});
  if (model["active_parameters"] != model["parameters"])
    facts.add({"active parameters", count_in_words(model["active_parameters"].get<int64_t>())});
  for (const auto& [type, bytes] : model["bytes"].items())
    facts.add({type + " weights", bytes_in_words(bytes.get<int64_t>())});
  if (model.contains("unused")) {
    std::map<std::string, int> counts;  // by reason
    for (const Json& unused : model["unused"]) ++counts[unused["why"].get<std::string>()];
    for (const auto& [why, count] : counts) facts.add({"unused tensors", fmt::format("{}: {}", count, why)});
  }
  std::string text = facts.to_text();
  if (!model.contains("notes")) return text;
  for (const Json& note : model["notes"]) text += fmt::format("note: {}\n", cell(note));
  return text;
}

std::string decoder_to_text(const Json& decoder) {
  Table table({"decoder", ""});
  for (const auto& [key, value] : decoder.items()) table.add({key, cell(value)});
  return table.to_text();
}

std::string memory_to_text(const Json& memory) {
  const bool states = memory["state_bytes"].get<int64_t>() > 0;
  Table table({"one text of", states ? "keys, values and states" : "keys and values", "with weights"});
  for (const Json& context : memory["contexts"]) {
    table.add({fmt::format("{} tokens", context["tokens"].get<int64_t>()),
               bytes_in_words(context["keys_and_values"].get<int64_t>()),
               bytes_in_words(context["total"].get<int64_t>())});
  }
  const std::string tier = cell(memory["tier"]);
  return fmt::format("memory on device {}{}, {}: {} of weights\n{}{}", cell(memory["device"]),
                     tier.empty() ? "" : " " + tier, cell(memory["precision"]),
                     bytes_in_words(memory["weights"].get<int64_t>()), table.to_text(),
                     memory["windows"].get<bool>()
                         ? "windows make no difference: what lies before one is kept for other texts\n"
                         : "");
}

std::string tokenizer_to_text(const Json& model) {
  Table table({"tokenizer", ""});
  for (const auto& [key, value] : model["tokenizer"].items()) table.add({key, cell(value)});
  table.add({"chat template",
             model["has_chat_template"].get<bool>() ? "yes (sizeup inspect --json shows it)" : "no"});
  return table.to_text();
}

std::string tensors_to_text(const Json& model) {
  Table table({"tensor", "type", "shape"});
  for (const Json& tensor : model["tensors"])
    table.add({cell(tensor["name"]), cell(tensor["type"]), cell(tensor["shape"])});
  return table.to_text();
}

}  // namespace

std::string inspection_to_text(const Json& model) {
  std::string text = facts_to_text(model);
  if (model.contains("decoder")) text += "\n" + decoder_to_text(model["decoder"]);
  if (model.contains("memory")) text += "\n" + memory_to_text(model["memory"]);
  return fmt::format("{}\n{}\n{}", text, tokenizer_to_text(model), tensors_to_text(model));
}

}  // namespace sizeup::cli
