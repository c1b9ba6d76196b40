#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "backends/engine/tokenizer/end_of_generation.h"
#include "backends/engine/tokenizer/huggingface_steps.h"
#include "backends/engine/tokenizer/json_fields.h"
#include "backends/engine/tokenizer/loaders.h"
#include "backends/engine/tokenizer/pipeline_tokenizer.h"
#include "core/io/file.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxTokenizerBytes = 256u << 20;
constexpr size_t kMaxCompanionBytes = 16u << 20;

// Ids may have gaps, but not such that a small file makes a huge table.
constexpr uint64_t kFreeGap = 1 << 16;

// A JSON file beside tokenizer.json; null if there is none. One that is there must be readable.
Result<SortedJson> read_companion(const fs::path& path) {
  std::error_code failure;
  if (!fs::exists(path, failure)) return SortedJson();
  const auto text = read_file(path, kMaxCompanionBytes);
  if (!text) return tl::unexpected<Error>(text.error());
  return parse_sorted_json(*text, path.string());
}

bool is_id(const SortedJson& value) {
  return value.is_number_unsigned() && value.get<uint64_t>() < (1u << 30);
}

class Loader {
 public:
  Loader(const Checkpoint& checkpoint, SortedJson root, std::string place)
      : checkpoint_(checkpoint), root_(std::move(root)), place_(std::move(place)) {}

  Result<std::unique_ptr<Tokenizer>> load() {
    const SortedJson& model = json_member(root_, "model");
    if (auto known = check_model(model); !known) return forward_error(known);
    auto normalizer = read_normalizer(json_member(root_, "normalizer"), place_);
    if (!normalizer) return forward_error(normalizer);
    parts_.normalizer = std::move(*normalizer);
    auto pre_tokenizer = read_pre_tokenizer(json_member(root_, "pre_tokenizer"), place_);
    if (!pre_tokenizer) return forward_error(pre_tokenizer);
    parts_.pre_tokenizer = std::move(*pre_tokenizer);
    auto decoder = read_decoder(json_member(root_, "decoder"), place_);
    if (!decoder) return forward_error(decoder);
    parts_.decoder = *decoder;
    parts_.kind = decoder->spelling == Spelling::byte_alphabet ? "byte-level BPE" : "SentencePiece BPE";
    if (auto read = read_vocabulary(json_member(model, "vocab")); !read) return forward_error(read);
    if (auto read = make_model(model); !read) return forward_error(read);
    if (auto read = read_post_processor(json_member(root_, "post_processor")); !read)
      return forward_error(read);
    if (auto read = read_special_tokens(); !read) return forward_error(read);
    return make_tokenizer(std::move(parts_));
  }

 private:
  tl::unexpected<Error> wrong(std::string message, std::string expected = {}) const {
    return bad_input(place_, std::move(message), std::move(expected));
  }

  Result<void> check_model(const SortedJson& model) const {
    // Files from before the key existed are BPE if they have merges.
    const std::string type = json_text(model, "type", json_member(model, "merges").is_array() ? "BPE" : "");
    if (type != "BPE") return wrong(fmt::format("model of type '{}' is not supported yet", type), "BPE");
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (!json_text(model, key).empty())
        return wrong(fmt::format("model with {} is not supported yet", key), "null");
    }
    const SortedJson& dropout = json_member(model, "dropout");
    if (!dropout.is_null() && dropout != 0.0) return wrong("model with dropout gives random tokens", "null");
    return {};
  }

  Result<void> read_vocabulary(const SortedJson& vocab) {
    if (!vocab.is_object()) return wrong("model.vocab is missing", "an object from pieces to ids");
    if (auto read = read_added_tokens(); !read) return read;
    uint64_t largest = 0;
    for (const auto& [piece, id] : vocab.items()) {
      if (!is_id(id)) return wrong("model.vocab has an id that is no small integer", "ids from 0");
      largest = std::max(largest, id.get<uint64_t>());
    }
    for (const AddedToken& token : parts_.added) largest = std::max(largest, static_cast<uint64_t>(token.id));
    const uint64_t pieces = vocab.size() + parts_.added.size();
    if (largest >= 2 * pieces + kFreeGap) {
      return wrong(fmt::format("has the id {} with only {} pieces", largest, pieces),
                   "ids without large gaps");
    }
    auto vocabulary = std::make_unique<Vocabulary>(largest + 1);
    for (const auto& [piece, id] : vocab.items()) {
      if (!vocabulary->add(id.get<Token>(), piece, PieceKind::text, true)) {
        return wrong(fmt::format("model.vocab has the id {} twice", id.get<Token>()), "distinct ids");
      }
    }
    for (const AddedToken& token : parts_.added) {
      const PieceKind kind = token.special ? PieceKind::special : PieceKind::text;
      if (!vocabulary->add(token.id, token.content, kind, false)) {
        return wrong(
            fmt::format("added_tokens has the id {} for another piece than the vocabulary", token.id),
            "the same id for the same piece");
      }
    }
    parts_.vocabulary = std::move(vocabulary);
    return {};
  }

  Result<void> read_added_tokens() {
    for (const SortedJson& value : json_member(root_, "added_tokens")) {
      AddedToken token;
      token.content = json_text(value, "content");
      if (!is_id(json_member(value, "id")) || token.content.empty()) {
        return wrong("added_tokens has an entry without id or content", "objects with id and content");
      }
      token.id = json_member(value, "id").get<Token>();
      token.special = json_flag(value, "special", false);
      token.lstrip = json_flag(value, "lstrip", false);
      token.rstrip = json_flag(value, "rstrip", false);
      token.single_word = json_flag(value, "single_word", false);
      token.normalized = json_flag(value, "normalized", !token.special);
      parts_.added.push_back(std::move(token));
    }
    return {};
  }

  // "left right", or ["left", "right"] in newer files.
  static std::optional<std::pair<std::string, std::string>> read_pair(const SortedJson& merge) {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      return std::pair(merge[0].get<std::string>(), merge[1].get<std::string>());
    }
    if (!merge.is_string()) return std::nullopt;
    const auto& text = merge.get_ref<const std::string&>();
    const size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) return std::nullopt;
    return std::pair(text.substr(0, space), text.substr(space + 1));
  }

  Result<void> make_model(const SortedJson& model) {
    const Vocabulary& vocabulary = *parts_.vocabulary;
    const SortedJson& lines = json_member(model, "merges");
    if (!lines.is_array()) return wrong("model.merges is missing", "a list of pairs");
    RankMerges::MergeTable merges;
    merges.reserve(lines.size());
    uint32_t rank = 0;
    for (const SortedJson& line : lines) {
      const auto pair = read_pair(line);
      if (!pair) return wrong(fmt::format("model.merges has a malformed entry {}", rank), "\"left right\"");
      const auto left = vocabulary.find_mergeable(pair->first);
      const auto right = vocabulary.find_mergeable(pair->second);
      const auto joined = vocabulary.find_mergeable(pair->first + pair->second);
      if (!left || !right || !joined) {
        return wrong(
            fmt::format("model.merges has an entry {} whose pieces are not all in the vocabulary", rank),
            "pieces of model.vocab");
      }
      merges.insert_or_assign(RankMerges::pair_key(*left, *right), RankMerges::Merge{rank++, *joined});
    }
    RankMerges::Options options;
    options.fuse_unknown = json_flag(model, "fuse_unk", false);
    options.byte_fallback = json_flag(model, "byte_fallback", false);
    options.ignore_merges = json_flag(model, "ignore_merges", false);
    if (const std::string unknown = json_text(model, "unk_token"); !unknown.empty()) {
      options.unknown = vocabulary.find(unknown);
      if (!options.unknown)
        return wrong("model.unk_token is not in the vocabulary", "a piece of model.vocab");
    }
    parts_.model = std::make_unique<RankMerges>(vocabulary, std::move(merges), options);
    return {};
  }

  // The rule for add_special. As in transformers, add_bos_token of tokenizer_config.json has no say in it
  // where there is a tokenizer.json.
  Result<void> read_post_processor(const SortedJson& value) {
    if (value.is_null()) return {};
    const std::string type = json_text(value, "type");
    if (type == "Sequence") {
      for (const SortedJson& part : json_member(value, "processors")) {
        if (auto read = read_post_processor(part); !read) return read;
      }
      return {};
    }
    if (type == "ByteLevel") return {};  // changes offsets only
    if (type != "TemplateProcessing") {
      return wrong(fmt::format("post_processor of type '{}' is not supported yet", type.substr(0, 60)),
                   "TemplateProcessing or ByteLevel");
    }
    bool behind = false;
    for (const SortedJson& item : json_member(value, "single")) {
      if (item.is_object() && item.contains("Sequence")) {
        behind = true;
        continue;
      }
      const std::string name = json_text(json_member(item, "SpecialToken"), "id");
      const SortedJson& ids =
          json_member(json_member(json_member(value, "special_tokens"), name.c_str()), "ids");
      if (name.empty() || !ids.is_array()) {
        return wrong("post_processor has a template with an unknown token",
                     "tokens listed in special_tokens");
      }
      for (const SortedJson& id : ids) {
        if (!is_id(id) || !parts_.vocabulary->contains(id.get<Token>())) {
          return wrong("post_processor has a token that is not in the vocabulary", "ids of the vocabulary");
        }
        (behind ? parts_.suffix : parts_.prefix).push_back(id.get<Token>());
      }
    }
    return {};
  }

  // "bos_token": "<s>", {"content": "<s>", ...} or null.
  std::optional<Token> named_token(const SortedJson& config, const char* key) const {
    const SortedJson& value = json_member(config, key);
    const std::string content = value.is_string() ? value.get<std::string>() : json_text(value, "content");
    return content.empty() ? std::nullopt : parts_.vocabulary->find(content);
  }

  // An id or a list of ids; those outside the vocabulary end nothing.
  void add_ids(const SortedJson& value, std::vector<Token>& tokens) const {
    if (value.is_array()) {
      for (const SortedJson& id : value) {
        if (is_id(id) && parts_.vocabulary->contains(id.get<Token>())) tokens.push_back(id.get<Token>());
      }
    } else if (is_id(value) && parts_.vocabulary->contains(value.get<Token>())) {
      tokens.push_back(value.get<Token>());
    }
  }

  Result<void> read_special_tokens() {
    const fs::path& folder = checkpoint_.path();
    const auto config = read_companion(folder / "tokenizer_config.json");
    if (!config) return tl::unexpected<Error>(config.error());
    const auto generation = read_companion(folder / "generation_config.json");
    if (!generation) return tl::unexpected<Error>(generation.error());
    // transformers derives a generation configuration from config.json where there is none.
    const SortedJson model_config =
        SortedJson{{"eos_token_id", id_of("eos_token_id")}, {"bos_token_id", id_of("bos_token_id")}};
    const SortedJson& ends_from = generation->is_object() ? *generation : model_config;

    SpecialTokens& special = parts_.special;
    special.add_bos = !parts_.prefix.empty();
    special.add_eos = !parts_.suffix.empty();
    std::vector<Token> ends;
    if (config->is_object()) {
      special.bos = named_token(*config, "bos_token");
      special.eos = named_token(*config, "eos_token");
    } else {
      std::vector<Token> ids;
      add_ids(model_config["bos_token_id"], ids);
      if (!ids.empty()) special.bos = ids.front();
      add_ids(model_config["eos_token_id"], ends);
      if (!ends.empty()) special.eos = ends.front();
    }
    if (!special.bos && parts_.prefix.size() == 1) special.bos = parts_.prefix.front();
    if (special.eos) ends.push_back(*special.eos);
    add_ids(json_member(ends_from, "eos_token_id"), ends);
    special.end_of_generation = end_of_generation(*parts_.vocabulary, std::move(ends));
    return {};
  }

  // A member of config.json, whose type of JSON keeps another order of keys.
  SortedJson id_of(const char* key) const {
    const Json& config = checkpoint_.config();
    const auto found = config.find(key);
    if (found == config.end()) return {};
    if (found->is_number_unsigned()) return found->get<uint64_t>();
    SortedJson ids = SortedJson::array();
    if (found->is_array()) {
      for (const Json& id : *found) {
        if (id.is_number_unsigned()) ids.push_back(id.get<uint64_t>());
      }
    }
    return ids;
  }

  const Checkpoint& checkpoint_;
  SortedJson root_;
  std::string place_;
  TokenizerParts parts_;
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> load_huggingface_tokenizer(const Checkpoint& checkpoint) {
  const fs::path path = checkpoint.path() / "tokenizer.json";
  std::error_code failure;
  if (!fs::exists(path, failure)) {
    return bad_input(checkpoint.path().string(), "has no tokenizer.json", "tokenizer.json beside config.json",
                     "save it with AutoTokenizer.from_pretrained(...).save_pretrained(...)");
  }
  const auto text = read_file(path, kMaxTokenizerBytes);
  if (!text) return tl::unexpected<Error>(text.error());
  auto root = parse_sorted_json(*text, path.string());
  if (!root) return forward_error(root);
  if (!root->is_object()) return bad_input(path.string(), "is not a JSON object", "an object");
  return Loader(checkpoint, std::move(*root), path.string()).load();
}

}  // namespace sizeup
