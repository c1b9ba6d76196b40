#include "backends/hub/choice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace sizeup {
namespace {

constexpr std::array<std::string_view, 3> kTokenizers = {"spiece.model", "tokenizer.json", "tokenizer.model"};

// Beside weights and tokenizer: what any program reads to make the same tokens, answers and weights of them.
constexpr std::array<std::string_view, 11> kCompanions = {"added_tokens.json",
                                                          "chat_template.jinja",
                                                          "config.json",
                                                          "generation_config.json",
                                                          "merges.txt",
                                                          "quant_config.json",
                                                          "quantize_config.json",
                                                          "special_tokens_map.json",
                                                          "tokenizer_config.json",
                                                          "vocab.json",
                                                          "vocab.txt"};

// A LoRA adapter as PEFT saves it.
constexpr std::array<std::string_view, 2> kAdapter = {"adapter_config.json", "adapter_model.safetensors"};

constexpr std::string_view kWeights = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";
constexpr size_t kMaxListed = 40;  // of GGUF files in a message

bool has(std::span<const std::string> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// "dir/name-00002-of-00005.gguf"
struct SplitName {
  std::string stem;
  int part = 0;
  int parts = 0;

  std::string name(int number) const { return fmt::format("{}-{:05}-of-{:05}.gguf", stem, number, parts); }
};

std::optional<SplitName> split_name(std::string_view name) {
  constexpr std::string_view kShape = "-00001-of-00005.gguf";
  if (name.size() <= kShape.size()) return {};
  const std::string_view tail = name.substr(name.size() - kShape.size());
  SplitName split{std::string(name.substr(0, name.size() - kShape.size()))};
  const auto number = [&](size_t at, int& value) {
    const char* end = tail.data() + at + 5;
    const auto read = std::from_chars(tail.data() + at, end, value);
    return read.ec == std::errc() && read.ptr == end;
  };
  if (!number(1, split.part) || !number(10, split.parts) || split.part < 1 || split.part > split.parts)
    return {};
  return split.name(split.part) == name ? std::optional(split) : std::nullopt;
}

// Projectors of images and importance matrices are GGUF files, but no models.
bool is_gguf_model(std::string_view path) {
  const std::string_view name = path.substr(path.find_last_of('/') + 1);
  return name.ends_with(".gguf") && name.find("mmproj") == std::string_view::npos &&
         name.find("imatrix") == std::string_view::npos;
}

// One name for each model: the first part's where it is split.
std::vector<std::string> gguf_models(std::span<const std::string> names) {
  std::vector<std::string> models;
  for (const std::string& name : names) {
    const auto split = split_name(name);
    if (is_gguf_model(name) && (!split || split->part == 1)) models.push_back(name);
  }
  std::sort(models.begin(), models.end());
  return models;
}

std::string listed(std::vector<std::string> names) {
  const size_t more = names.size() > kMaxListed ? names.size() - kMaxListed : 0;
  names.resize(names.size() - more);
  return fmt::format("{}{}", fmt::join(names, ", "), more > 0 ? fmt::format(" and {} more", more) : "");
}

Result<HubChoice> choose_gguf(const HubModel& model, std::span<const std::string> names,
                              const std::string& file) {
  HubChoice choice;
  const auto split = split_name(file);
  choice.gguf = split ? split->name(1) : file;
  for (int part = 1; part <= (split ? split->parts : 1); ++part) {
    std::string name = split ? split->name(part) : file;
    if (!has(names, name)) {
      const auto models = gguf_models(names);
      return bad_input(model.text(), fmt::format("has no file '{}'", name), {},
                       models.empty() ? "it has no GGUF files" : "it has " + listed(models));
    }
    choice.files.push_back(std::move(name));
  }
  return choice;
}

HubChoice choose_folder(const HubModel& model, std::span<const std::string> names) {
  HubChoice choice;
  for (const auto& group :
       {std::span<const std::string_view>(kCompanions), std::span<const std::string_view>(kTokenizers)}) {
    for (const std::string_view name : group) {
      if (has(names, name)) choice.files.emplace_back(name);
    }
  }
  if (model.need == HubNeed::text) return choice;
  if (has(names, kWeights)) {
    choice.files.emplace_back(kWeights);
  } else {
    choice.index = kIndex;
    choice.files.emplace_back(kIndex);
  }
  return choice;
}

Result<HubChoice> choose_adapter(const HubModel& model, std::span<const std::string> names) {
  HubChoice choice;
  for (const std::string_view name : kAdapter) {
    if (!has(names, name))
      return bad_input(model.text(), fmt::format("has no {}", name), "a LoRA adapter as PEFT saves it");
    choice.files.emplace_back(name);
  }
  return choice;
}

}  // namespace

bool has_tokenizer(std::span<const std::string> names) {
  return std::any_of(kTokenizers.begin(), kTokenizers.end(),
                     [&](std::string_view name) { return has(names, name); });
}

Result<HubChoice> choose_files(const HubModel& model, std::span<const std::string> names) {
  if (model.need == HubNeed::adapter) return choose_adapter(model, names);
  if (!model.file.empty()) return choose_gguf(model, names, model.file);
  const bool weights = has(names, "config.json") && (has(names, kWeights) || has(names, kIndex));
  const bool text = model.need == HubNeed::text && has_tokenizer(names);
  if (weights || text) return choose_folder(model, names);
  const auto models = gguf_models(names);
  if (models.size() == 1) return choose_gguf(model, names, models.front());
  if (models.empty()) {
    return bad_input(model.text(), "has no weights that can be read",
                     "config.json with model.safetensors (or its index), or a GGUF file",
                     has(names, "pytorch_model.bin") || has(names, "pytorch_model.bin.index.json")
                         ? "pytorch_model.bin files are not read: convert them to safetensors"
                         : "");
  }
  return bad_input(model.text(), fmt::format("has {} GGUF models", models.size()), "one of them by name",
                   fmt::format("add ?file=NAME: {}", listed(models)));
}

}  // namespace sizeup
