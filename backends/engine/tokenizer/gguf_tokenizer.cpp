#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backends/engine/tokenizer/end_of_generation.h"
#include "backends/engine/tokenizer/loaders.h"
#include "backends/engine/tokenizer/pipeline_tokenizer.h"
#include "backends/engine/tokenizer/word_patterns.h"
#include "core/json/json.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

constexpr std::string_view kMark = "\xE2\x96\x81";  // U+2581, SentencePiece's space

// tokenizer.ggml.token_type
enum class GgufTokenType { undefined, normal, unknown, control, user_defined, unused, byte };

// Reads tokenizer.ggml.*; an error names the key.
class Metadata {
 public:
  Metadata(const Json& values, std::string place) : values_(values), place_(std::move(place)) {}

  const std::string& place() const { return place_; }

  tl::unexpected<Error> wrong(std::string_view key, std::string_view what, std::string expected) const {
    return bad_input(place_, fmt::format("{} {}", key, what), std::move(expected));
  }

  const Json* find(std::string_view key) const {
    const auto found = values_.find(std::string(key));
    return found == values_.end() ? nullptr : &*found;
  }

  std::string text(std::string_view key) const {
    const Json* value = find(key);
    return value && value->is_string() ? value->get<std::string>() : std::string();
  }

  Result<bool> flag(std::string_view key, bool otherwise) const {
    const Json* value = find(key);
    if (!value) return otherwise;
    if (!value->is_boolean()) return wrong(key, "is no boolean", "true or false");
    return value->get<bool>();
  }

  // A token's id: in the vocabulary, or not there at all.
  Result<std::optional<Token>> token(std::string_view key, size_t vocabulary) const {
    const Json* value = find(key);
    if (!value) return std::optional<Token>();
    if (!value->is_number_integer() || (value->is_number_integer() && value->get<int64_t>() < 0) ||
        value->get<uint64_t>() >= vocabulary) {
      return wrong(key, "is no token of the vocabulary", fmt::format("0 to {}", vocabulary - 1));
    }
    return std::optional<Token>(value->get<Token>());
  }

  // An array with `size` elements that all pass `right`.
  template <class Right>
  Result<const Json*> array(std::string_view key, size_t size, Right right, std::string expected) const {
    const Json* value = find(key);
    const bool good = value && value->is_array() && (size == 0 || value->size() == size) &&
                      std::all_of(value->begin(), value->end(), right);
    if (!good) return wrong(key, value ? "is malformed" : "is missing", std::move(expected));
    return value;
  }

 private:
  const Json& values_;
  std::string place_;
};

bool is_text(const Json& value) {
  return value.is_string();
}

// What a Phi-3 tokenizer does at its control tokens: white space behind them goes along. GGUF does not record
// it.
bool phi3_strips_behind(std::string_view content) {
  return content != "<unk>" && content != "<s>" && content != "<|endoftext|>";
}

// Fills the vocabulary and the list of added tokens.
Result<void> read_vocabulary(const Metadata& metadata, bool needs_types, TokenizerParts& parts) {
  const auto tokens = metadata.array("tokenizer.ggml.tokens", 0, is_text, "a list of strings");
  if (!tokens) return tl::unexpected<Error>(tokens.error());
  const size_t size = (*tokens)->size();
  if (size == 0) return metadata.wrong("tokenizer.ggml.tokens", "is empty", "a list of strings");
  const Json* types = nullptr;
  if (needs_types || metadata.find("tokenizer.ggml.token_type")) {
    const auto given = metadata.array(
        "tokenizer.ggml.token_type", size, [](const Json& value) { return value.is_number_integer(); },
        fmt::format("{} integers, one for each token", size));
    if (!given) return tl::unexpected<Error>(given.error());
    types = *given;
  }
  const bool phi3 =
      metadata.text("general.architecture") == "phi3" && metadata.text("tokenizer.ggml.model") == "llama";
  auto vocabulary = std::make_unique<Vocabulary>(size);
  for (size_t i = 0; i < size; ++i) {
    const auto id = static_cast<Token>(i);
    const auto& spelling = (**tokens)[i].get_ref<const std::string&>();
    const auto type = types ? static_cast<GgufTokenType>((*types)[i].get<int64_t>()) : GgufTokenType::normal;
    const bool special = type == GgufTokenType::control || type == GgufTokenType::unknown;
    const bool user_defined = type == GgufTokenType::user_defined;
    const bool mergeable = !special && type != GgufTokenType::byte;
    if (!vocabulary->add(id, spelling, special ? PieceKind::special : PieceKind::text, mergeable)) {
      return metadata.wrong("tokenizer.ggml.tokens", fmt::format("has the token {} twice", i),
                            "distinct tokens");
    }
    if (special || user_defined) {
      AddedToken added;
      added.content = spelling;
      added.id = id;
      added.special = special;
      added.rstrip = phi3 && phi3_strips_behind(spelling);
      parts.added.push_back(std::move(added));
    }
  }
  parts.vocabulary = std::move(vocabulary);
  return {};
}

Result<void> read_special_tokens(const Metadata& metadata, bool add_bos, TokenizerParts& parts) {
  const auto size = static_cast<size_t>(parts.vocabulary->size());
  const auto bos = metadata.token("tokenizer.ggml.bos_token_id", size);
  if (!bos) return tl::unexpected<Error>(bos.error());
  const auto eos = metadata.token("tokenizer.ggml.eos_token_id", size);
  if (!eos) return tl::unexpected<Error>(eos.error());
  std::vector<Token> ends;
  if (*eos) ends.push_back(**eos);
  for (const char* key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    const auto end = metadata.token(key, size);
    if (!end) return tl::unexpected<Error>(end.error());
    if (*end) ends.push_back(**end);
  }
  const auto wants_bos = metadata.flag("tokenizer.ggml.add_bos_token", add_bos);
  if (!wants_bos) return tl::unexpected<Error>(wants_bos.error());
  const auto wants_eos = metadata.flag("tokenizer.ggml.add_eos_token", false);
  if (!wants_eos) return tl::unexpected<Error>(wants_eos.error());
  parts.special.bos = *bos;
  parts.special.eos = *eos;
  parts.special.end_of_generation = end_of_generation(*parts.vocabulary, std::move(ends));
  parts.special.add_bos = *wants_bos && bos->has_value();
  parts.special.add_eos = *wants_eos && eos->has_value();
  if (parts.special.add_bos) parts.prefix.push_back(**bos);
  if (parts.special.add_eos) parts.suffix.push_back(**eos);
  return {};
}

// "left right" in the order of their ranks. Merges between pieces that the vocabulary lacks can never apply.
Result<RankMerges::MergeTable> read_merges(const Metadata& metadata, const Vocabulary& vocabulary) {
  const auto lines = metadata.array("tokenizer.ggml.merges", 0, is_text, "a list of \"left right\"");
  if (!lines) return tl::unexpected<Error>(lines.error());
  RankMerges::MergeTable merges;
  merges.reserve((*lines)->size());
  uint32_t rank = 0;
  for (const Json& line : **lines) {
    const std::string_view text = line.get_ref<const std::string&>();
    const size_t space = text.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == text.size()) {
      return metadata.wrong("tokenizer.ggml.merges", fmt::format("has a malformed entry {}", rank),
                            "\"left right\"");
    }
    const auto left = vocabulary.find_mergeable(text.substr(0, space));
    const auto right = vocabulary.find_mergeable(text.substr(space + 1));
    if (left && right) {
      const auto joined = vocabulary.find_mergeable(vocabulary.piece(*left) + vocabulary.piece(*right));
      if (joined) merges.emplace(RankMerges::pair_key(*left, *right), RankMerges::Merge{rank, *joined});
    }
    ++rank;
  }
  return merges;
}

Result<std::unique_ptr<Tokenizer>> load_byte_level(const Metadata& metadata) {
  const std::string pre = metadata.text("tokenizer.ggml.pre");
  const auto table = gguf_pre_tokenizers();
  const auto entry =
      std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.name == pre; });
  if (entry == table.end()) {
    std::string known;
    for (const GgufPreTokenizer& row : table)
      known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
    return bad_input(
        metadata.place(), fmt::format("tokenizer.ggml.pre '{}' is not supported yet", pre.substr(0, 40)),
        "one of " + known, "use the Hugging Face folder of the model, whose tokenizer.json says it all");
  }
  TokenizerParts parts;
  parts.kind = "byte-level BPE";
  if (auto read = read_vocabulary(metadata, false, parts); !read) return forward_error(read);
  if (auto read = read_special_tokens(metadata, entry->add_bos, parts); !read) return forward_error(read);
  auto merges = read_merges(metadata, *parts.vocabulary);
  if (!merges) return forward_error(merges);
  RankMerges::Options options;
  options.ignore_merges = entry->ignore_merges;
  parts.model = std::make_unique<RankMerges>(*parts.vocabulary, std::move(*merges), options);
  if (entry->nfc) {
    std::vector<NormalizerStep> steps;
    steps.emplace_back(normalize::Nfc{});
    parts.normalizer = Normalizer(std::move(steps));
  }
  std::vector<PreTokenizerStep> steps;
  for (const std::string_view pattern : entry->patterns) {
    auto regex = SplitRegex::compile(pattern, metadata.place());
    if (!regex) return forward_error(regex);
    steps.emplace_back(pretokenize::Split{std::move(*regex)});
  }
  steps.emplace_back(pretokenize::ByteAlphabet{});
  parts.pre_tokenizer = PreTokenizer(std::move(steps));
  return make_tokenizer(std::move(parts));
}

Result<std::unique_ptr<Tokenizer>> load_sentencepiece(const Metadata& metadata) {
  TokenizerParts parts;
  parts.kind = "SentencePiece BPE";
  if (auto read = read_vocabulary(metadata, true, parts); !read) return forward_error(read);
  if (auto read = read_special_tokens(metadata, true, parts); !read) return forward_error(read);
  const auto size = static_cast<size_t>(parts.vocabulary->size());
  const auto scores = metadata.array(
      "tokenizer.ggml.scores", size, [](const Json& value) { return value.is_number(); },
      fmt::format("{} numbers, one for each token", size));
  if (!scores) return tl::unexpected<Error>(scores.error());
  const auto unknown = metadata.token("tokenizer.ggml.unknown_token_id", size);
  if (!unknown) return tl::unexpected<Error>(unknown.error());
  const auto space_prefix = metadata.flag("tokenizer.ggml.add_space_prefix", true);
  if (!space_prefix) return tl::unexpected<Error>(space_prefix.error());
  parts.model = std::make_unique<ScoreMerges>(*parts.vocabulary, (*scores)->get<std::vector<float>>(),
                                              *unknown ? *unknown : parts.vocabulary->find("<unk>"));

  std::vector<NormalizerStep> steps;
  if (*space_prefix) steps.emplace_back(normalize::Prepend{std::string(kMark)});
  auto space = SplitRegex::compile(quote_for_regex(" "), metadata.place());
  if (!space) return forward_error(space);
  steps.emplace_back(normalize::Replace{std::move(*space), std::string(kMark)});
  parts.normalizer = Normalizer(std::move(steps));
  parts.decoder = {Spelling::metaspace, true, *space_prefix ? LeadingSpace::strip_one : LeadingSpace::keep};
  return make_tokenizer(std::move(parts));
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> load_gguf_tokenizer(const Checkpoint& checkpoint) {
  const Metadata metadata(checkpoint.config(), checkpoint.path().string());
  const std::string model = metadata.text("tokenizer.ggml.model");
  if (model == "gpt2") return load_byte_level(metadata);
  if (model == "llama") return load_sentencepiece(metadata);
  if (model.empty()) return metadata.wrong("tokenizer.ggml.model", "is missing", "\"gpt2\" or \"llama\"");
  return bad_input(metadata.place(),
                   fmt::format("tokenizer.ggml.model '{}' is not supported yet", model.substr(0, 40)),
                   "\"gpt2\" (byte-level BPE) or \"llama\" (SentencePiece BPE)");
}

}  // namespace sizeup
