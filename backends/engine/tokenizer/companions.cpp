#include <filesystem>

#include "backends/engine/tokenizer/end_of_generation.h"
#include "backends/engine/tokenizer/huggingface_model.h"
#include "backends/engine/tokenizer/json_fields.h"
#include "backends/engine/tokenizer/loaders.h"
#include "core/io/file.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr size_t kMaxCompanionBytes = 16u << 20;

// "bos_token": "<s>", {"content": "<s>", ...} or null.
std::optional<Token> named_token(const SortedJson& config, const char* key, const Vocabulary& vocabulary) {
  const SortedJson& value = json_member(config, key);
  const std::string content = value.is_string() ? value.get<std::string>() : json_text(value, "content");
  return content.empty() ? std::nullopt : vocabulary.find(content);
}

// An id or a list of ids; those outside the vocabulary end nothing.
void add_ids(const SortedJson& value, const Vocabulary& vocabulary, std::vector<Token>& tokens) {
  const auto add = [&](const SortedJson& id) {
    if (is_token_id(id) && vocabulary.contains(id.get<Token>())) tokens.push_back(id.get<Token>());
  };
  if (!value.is_array()) return add(value);
  for (const SortedJson& id : value) add(id);
}

// nullptr: absent or null.
const Json* value_of(const Json& config, const char* key) {
  const auto found = config.find(key);
  return found == config.end() || found->is_null() ? nullptr : &*found;
}

// A member of config.json, whose type of JSON keeps another order of keys; in a model of several parts that
// of its text, if the whole says nothing.
SortedJson ids_of(const Json& config, const char* key) {
  const Json* found = value_of(config, key);
  const Json* text = value_of(config, "text_config");
  if (found == nullptr && text != nullptr && text->is_object()) found = value_of(*text, key);
  if (found == nullptr) return {};
  if (found->is_number_unsigned()) return found->get<uint64_t>();
  SortedJson ids = SortedJson::array();
  if (found->is_array()) {
    for (const Json& id : *found) {
      if (id.is_number_unsigned()) ids.push_back(id.get<uint64_t>());
    }
  }
  return ids;
}

}  // namespace

Result<SortedJson> read_companion(const TokenizerFiles& files, const char* name) {
  std::error_code failure;
  if (!files.folder || !std::filesystem::exists(*files.folder / name, failure)) return SortedJson();
  const std::filesystem::path path = *files.folder / name;
  const auto text = read_file(path, kMaxCompanionBytes);
  if (!text) return tl::unexpected<Error>(text.error());
  return parse_sorted_json(*text, path.string());
}

Result<void> read_special_tokens(const TokenizerFiles& files, TokenizerParts& parts) {
  const auto config = read_companion(files, "tokenizer_config.json");
  if (!config) return tl::unexpected<Error>(config.error());
  const auto generation = read_companion(files, "generation_config.json");
  if (!generation) return tl::unexpected<Error>(generation.error());
  const Vocabulary& vocabulary = *parts.vocabulary;
  SpecialTokens& special = parts.special;
  const SortedJson eos_of_model = ids_of(files.config, "eos_token_id");
  std::vector<Token> ends;
  if (config->is_object()) {
    special.bos = named_token(*config, "bos_token", vocabulary);
    special.eos = named_token(*config, "eos_token", vocabulary);
  } else {
    std::vector<Token> ids;
    add_ids(ids_of(files.config, "bos_token_id"), vocabulary, ids);
    if (!ids.empty()) special.bos = ids.front();
    add_ids(eos_of_model, vocabulary, ends);
    if (!ends.empty()) special.eos = ends.front();
  }
  if (special.eos) ends.push_back(*special.eos);
  // transformers derives a generation configuration from config.json where there is none.
  add_ids(generation->is_object() ? json_member(*generation, "eos_token_id") : eos_of_model, vocabulary,
          ends);
  special.end_of_generation = end_of_generation(vocabulary, std::move(ends));
  return {};
}

}  // namespace sizeup
