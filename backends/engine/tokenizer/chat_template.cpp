#include <filesystem>

#include "backends/engine/tokenizer/json_fields.h"
#include "backends/engine/tokenizer/tokenizer.h"
#include "core/io/file.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr size_t kMaxTemplateBytes = 16u << 20;

// A string, or a list of {"name", "template"} of which "default" is meant.
std::optional<std::string> default_template(const SortedJson& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return std::nullopt;
  for (const SortedJson& entry : value) {
    if (json_text(entry, "name") == "default" && json_member(entry, "template").is_string()) {
      return json_text(entry, "template");
    }
  }
  return std::nullopt;
}

// transformers lets the file of its own win over tokenizer_config.json.
std::optional<std::string> template_of_folder(const std::filesystem::path& folder) {
  std::error_code failure;
  if (std::filesystem::exists(folder / "chat_template.jinja", failure)) {
    if (auto text = read_file(folder / "chat_template.jinja", kMaxTemplateBytes)) return std::move(*text);
  }
  const std::filesystem::path path = folder / "tokenizer_config.json";
  if (!std::filesystem::exists(path, failure)) return std::nullopt;
  const auto text = read_file(path, kMaxTemplateBytes);
  if (!text) return std::nullopt;
  const auto config = parse_sorted_json(*text, path.string());
  return config ? default_template(json_member(*config, "chat_template")) : std::nullopt;
}

}  // namespace

std::optional<std::string> load_chat_template(const Checkpoint& checkpoint) {
  if (checkpoint.format() == CheckpointFormat::safetensors) return template_of_folder(checkpoint.path());
  const Json& metadata = checkpoint.config();
  const auto found = metadata.find("tokenizer.chat_template");
  if (found == metadata.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

}  // namespace sizeup
