#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "backends/engine/tokenizer/huggingface_model.h"
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

class Loader {
 public:
  Loader(const TokenizerFiles& files, SortedJson root)
      : files_(files), root_(std::move(root)), place_(files.tokenizer.string()) {}

  Result<std::unique_ptr<Tokenizer>> load() {
    if (auto read = read_added_tokens(); !read) return forward_error(read);
    auto model = read_huggingface_model(json_member(root_, "model"), parts_.added, place_);
    if (!model) return forward_error(model);
    parts_.vocabulary = std::move(model->vocabulary);
    parts_.model = std::move(model->words);
    parts_.kind = kind_of(model->type);
    auto normalizer = read_normalizer(json_member(root_, "normalizer"), place_);
    if (!normalizer) return forward_error(normalizer);
    parts_.normalizer = std::move(*normalizer);
    auto pre_tokenizer = read_pre_tokenizer(json_member(root_, "pre_tokenizer"), place_);
    if (!pre_tokenizer) return forward_error(pre_tokenizer);
    parts_.pre_tokenizer = std::move(*pre_tokenizer);
    if (model->cut_before_marks) parts_.pre_tokenizer.then(pretokenize::BeforeMarks{std::string(kSpaceMark)});
    auto decoder = read_decoder(json_member(root_, "decoder"), place_);
    if (!decoder) return forward_error(decoder);
    parts_.decoder = std::move(*decoder);
    if (auto read = read_post_processor(json_member(root_, "post_processor")); !read)
      return forward_error(read);
    if (auto read = read_special_tokens(files_, parts_); !read) return forward_error(read);
    SpecialTokens& special = parts_.special;
    special.add_bos = !parts_.prefix.empty();
    special.add_eos = !parts_.suffix.empty();
    if (!special.bos && parts_.prefix.size() == 1) special.bos = parts_.prefix.front();
    return make_tokenizer(std::move(parts_));
  }

 private:
  tl::unexpected<Error> wrong(std::string message, std::string expected = {}) const {
    return bad_input(place_, std::move(message), std::move(expected));
  }

  // What people call the kind: of BPE there are two.
  std::string kind_of(const std::string& type) const {
    if (type != "BPE") return type;
    if (mentions(json_member(root_, "decoder"), "ByteLevel") ||
        mentions(json_member(root_, "pre_tokenizer"), "ByteLevel")) {
      return "byte-level BPE";
    }
    return json_flag(json_member(root_, "model"), "byte_fallback", false) ? "SentencePiece BPE" : "BPE";
  }

  // Whether a step, or one of a sequence's, has the type.
  static bool mentions(const SortedJson& step, std::string_view type) {
    if (json_text(step, "type") == type) return true;
    for (const char* key : {"pretokenizers", "decoders"}) {
      for (const SortedJson& part : json_member(step, key)) {
        if (mentions(part, type)) return true;
      }
    }
    return false;
  }

  Result<void> read_added_tokens() {
    for (const SortedJson& value : json_member(root_, "added_tokens")) {
      AddedToken token;
      token.content = json_text(value, "content");
      if (!is_token_id(json_member(value, "id")) || token.content.empty()) {
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

  // The rule for add_special. As in transformers, add_bos_token of tokenizer_config.json has no say in it
  // where there is a tokenizer.json. Of a sequence each processor works on what the one before it made.
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
    if (type == "BertProcessing" || type == "RobertaProcessing") return read_class_and_separator(value);
    if (type == "TemplateProcessing") return read_template(value);
    return wrong(fmt::format("post_processor of type '{}' is not supported yet", type.substr(0, 60)),
                 "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel or Sequence");
  }

  Result<void> add_around(const std::vector<Token>& before, const std::vector<Token>& behind) {
    for (const std::vector<Token>* tokens : {&before, &behind}) {
      for (const Token token : *tokens) {
        if (!parts_.vocabulary->contains(token))
          return wrong("post_processor has a token that is not in the vocabulary", "ids of the vocabulary");
      }
    }
    parts_.prefix.insert(parts_.prefix.begin(), before.begin(), before.end());
    parts_.suffix.insert(parts_.suffix.end(), behind.begin(), behind.end());
    return {};
  }

  // {"cls": ["[CLS]", 101], "sep": ["[SEP]", 102]}
  Result<void> read_class_and_separator(const SortedJson& value) {
    std::vector<Token> ids;
    for (const char* key : {"cls", "sep"}) {
      const SortedJson& pair = json_member(value, key);
      if (!pair.is_array() || pair.size() != 2 || !is_token_id(pair[1]))
        return wrong(fmt::format("post_processor has a malformed {}", key), "[piece, id]");
      ids.push_back(pair[1].get<Token>());
    }
    return add_around({ids[0]}, {ids[1]});
  }

  Result<void> read_template(const SortedJson& value) {
    std::vector<Token> before;
    std::vector<Token> behind;
    int sequences = 0;
    for (const SortedJson& item : json_member(value, "single")) {
      if (item.is_object() && item.contains("Sequence")) {
        ++sequences;
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
        if (!is_token_id(id))
          return wrong("post_processor has a token that is not in the vocabulary", "ids of the vocabulary");
        (sequences > 0 ? behind : before).push_back(id.get<Token>());
      }
    }
    if (sequences != 1) return wrong("post_processor has a template without one place for the text", "$A");
    return add_around(before, behind);
  }

  const TokenizerFiles& files_;
  SortedJson root_;
  std::string place_;
  TokenizerParts parts_;
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> load_huggingface_tokenizer(const TokenizerFiles& files) {
  const auto text = read_file(files.tokenizer, kMaxTokenizerBytes);
  if (!text) return tl::unexpected<Error>(text.error());
  auto root = parse_sorted_json(*text, files.tokenizer.string());
  if (!root) return forward_error(root);
  if (!root->is_object()) return bad_input(files.tokenizer.string(), "is not a JSON object", "an object");
  return Loader(files, std::move(*root)).load();
}

}  // namespace sizeup
