#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "backends/engine/tokenizer/end_of_generation.h"
#include "backends/engine/tokenizer/gguf_metadata.h"
#include "backends/engine/tokenizer/loaders.h"
#include "backends/engine/tokenizer/pipeline_tokenizer.h"
#include "backends/engine/tokenizer/sentencepiece_model.h"
#include "backends/engine/tokenizer/word_patterns.h"
#include "core/json/json.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

// tokenizer.ggml.token_type
enum class GgufTokenType { undefined, normal, unknown, control, user_defined, unused, byte };

bool is_text(const Json& value) {
  return value.is_string();
}

// What a Phi-3 tokenizer does at its control tokens: white space behind them goes along. GGUF does not record
// it.
bool phi3_strips_behind(std::string_view content) {
  return content != "<unk>" && content != "<s>" && content != "<|endoftext|>";
}

// Fills the vocabulary and the list of added tokens.
Result<void> read_vocabulary(const GgufMetadata& metadata, bool needs_types, TokenizerParts& parts,
                             std::string (*respell)(std::string) = nullptr) {
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
    std::string spelling = (**tokens)[i].get_ref<const std::string&>();
    const auto type = types ? static_cast<GgufTokenType>((*types)[i].get<int64_t>()) : GgufTokenType::normal;
    const bool special = type == GgufTokenType::control || type == GgufTokenType::unknown;
    if (respell && !special) spelling = respell(std::move(spelling));
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

// Which tokens add_special adds where the file does not say so.
struct AddRules {
  bool bos = false;
  bool eos = false;
  bool sep = false;
};

// BERT's files call their tokens by other names.
Result<void> read_special_tokens(const GgufMetadata& metadata, AddRules rules, TokenizerParts& parts) {
  const auto size = static_cast<size_t>(parts.vocabulary->size());
  std::array<std::optional<Token>, 6> found;
  constexpr std::array<std::string_view, 6> kKeys = {
      "tokenizer.ggml.bos_token_id",       "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
      "tokenizer.ggml.eom_token_id",       "tokenizer.ggml.cls_token_id",
      "tokenizer.ggml.seperator_token_id",  // spelled so in every file
  };
  for (size_t i = 0; i < kKeys.size(); ++i) {
    const auto token = metadata.token(kKeys[i], size);
    if (!token) return tl::unexpected<Error>(token.error());
    found[i] = *token;
  }
  const auto& [bos, eos, eot, eom, cls, sep] = found;
  const auto wants_bos = metadata.flag("tokenizer.ggml.add_bos_token", rules.bos);
  if (!wants_bos) return tl::unexpected<Error>(wants_bos.error());
  const auto wants_eos = metadata.flag("tokenizer.ggml.add_eos_token", rules.eos);
  if (!wants_eos) return tl::unexpected<Error>(wants_eos.error());
  const auto wants_sep = metadata.flag("tokenizer.ggml.add_sep_token", rules.sep);
  if (!wants_sep) return tl::unexpected<Error>(wants_sep.error());
  std::vector<Token> ends;
  for (const auto& end : {eos, eot, eom}) {
    if (end) ends.push_back(*end);
  }
  parts.special.bos = bos ? bos : cls;
  parts.special.eos = eos;
  parts.special.end_of_generation = end_of_generation(*parts.vocabulary, std::move(ends));
  parts.special.add_bos = *wants_bos && parts.special.bos;
  if (parts.special.add_bos) parts.prefix.push_back(*parts.special.bos);
  if (*wants_sep && sep) parts.suffix.push_back(*sep);
  if (*wants_eos && eos && !(*wants_sep && sep == eos)) parts.suffix.push_back(*eos);
  parts.special.add_eos =
      eos && std::find(parts.suffix.begin(), parts.suffix.end(), *eos) != parts.suffix.end();
  return {};
}

// "left right" in the order of their ranks. Merges between pieces that the vocabulary lacks can never apply.
Result<RankMerges::MergeTable> read_merges(const GgufMetadata& metadata, const Vocabulary& vocabulary) {
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

Normalizer marks_for_spaces(bool prefix) {
  std::vector<NormalizerStep> steps;
  if (prefix) steps.emplace_back(normalize::Prepend{std::string(kSpaceMark)});
  steps.emplace_back(Replacement{" ", {}, std::string(kSpaceMark)});
  return Normalizer(std::move(steps));
}

PieceDecoder spaces_for_marks(bool prefix) {
  std::vector<DecoderStep> steps;
  steps.emplace_back(decode::ByteFallback{});
  steps.emplace_back(Replacement{std::string(kSpaceMark), {}, " "});
  steps.emplace_back(decode::Fuse{});
  if (prefix) steps.emplace_back(decode::Strip{U' ', 1, 0});
  return PieceDecoder(std::move(steps));
}

Result<const GgufPreTokenizer*> find_pre_tokenizer(const GgufMetadata& metadata) {
  const std::string pre = metadata.text("tokenizer.ggml.pre");
  const auto table = gguf_pre_tokenizers();
  const auto entry =
      std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.name == pre; });
  if (entry != table.end()) return &*entry;
  std::string known;
  for (const GgufPreTokenizer& row : table) known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  return bad_input(
      metadata.place(), fmt::format("tokenizer.ggml.pre '{}' is not supported yet", pre.substr(0, 40)),
      "one of " + known, "use the Hugging Face folder of the model, whose tokenizer.json says it all");
}

Result<void> cut_as(const GgufPreTokenizer& entry, const std::string& place, TokenizerParts& parts) {
  for (const std::string_view pattern : entry.patterns) {
    auto regex = SplitRegex::compile(pattern, place);
    if (!regex) return forward_error(regex);
    parts.pre_tokenizer.then(pretokenize::Split{std::move(*regex)});
  }
  return {};
}

// "gpt2": merges in the order of their ranks, over bytes or (a few names) over text with marks for spaces.
Result<std::unique_ptr<Tokenizer>> load_rank_merges(const GgufMetadata& metadata) {
  const auto entry = find_pre_tokenizer(metadata);
  if (!entry) return tl::unexpected<Error>(entry.error());
  const GgufPreTokenizer& rules = **entry;
  TokenizerParts parts;
  parts.kind = rules.metaspace ? "SentencePiece BPE" : "byte-level BPE";
  if (auto read = read_vocabulary(metadata, false, parts); !read) return forward_error(read);
  if (auto read = read_special_tokens(metadata, {rules.add_bos, false, rules.add_sep}, parts); !read)
    return forward_error(read);
  auto merges = read_merges(metadata, *parts.vocabulary);
  if (!merges) return forward_error(merges);
  RankMerges::Options options;
  options.ignore_merges = rules.ignore_merges;
  options.byte_fallback = rules.metaspace;
  parts.model = std::make_unique<RankMerges>(*parts.vocabulary, std::move(*merges), std::move(options));
  if (auto cut = cut_as(rules, metadata.place(), parts); !cut) return forward_error(cut);
  if (rules.metaspace) {
    parts.normalizer = marks_for_spaces(false);
    parts.decoder = spaces_for_marks(false);
    if (marks_begin_pieces(*parts.vocabulary))
      parts.pre_tokenizer.then(pretokenize::BeforeMarks{std::string(kSpaceMark)});
    return make_tokenizer(std::move(parts));
  }
  if (rules.nfc) {
    std::vector<NormalizerStep> steps;
    steps.emplace_back(normalize::Form{UnicodeForm::nfc});
    parts.normalizer = Normalizer(std::move(steps));
  }
  parts.pre_tokenizer.then(pretokenize::ByteAlphabet{});
  std::vector<DecoderStep> decoding;
  decoding.emplace_back(decode::ByteAlphabet{});
  decoding.emplace_back(decode::Fuse{});
  parts.decoder = PieceDecoder(std::move(decoding));
  return make_tokenizer(std::move(parts));
}

Result<std::vector<float>> read_scores(const GgufMetadata& metadata, size_t size) {
  const auto scores = metadata.array(
      "tokenizer.ggml.scores", size, [](const Json& value) { return value.is_number(); },
      fmt::format("{} numbers, one for each token", size));
  if (!scores) return tl::unexpected<Error>(scores.error());
  return (*scores)->get<std::vector<float>>();
}

// "llama": SentencePiece's BPE.
Result<std::unique_ptr<Tokenizer>> load_score_merges(const GgufMetadata& metadata) {
  TokenizerParts parts;
  parts.kind = "SentencePiece BPE";
  if (auto read = read_vocabulary(metadata, true, parts); !read) return forward_error(read);
  if (auto read = read_special_tokens(metadata, {true, false, false}, parts); !read)
    return forward_error(read);
  const auto size = static_cast<size_t>(parts.vocabulary->size());
  auto scores = read_scores(metadata, size);
  if (!scores) return forward_error(scores);
  const auto unknown = metadata.token("tokenizer.ggml.unknown_token_id", size);
  if (!unknown) return tl::unexpected<Error>(unknown.error());
  const auto space_prefix = metadata.flag("tokenizer.ggml.add_space_prefix", true);
  if (!space_prefix) return tl::unexpected<Error>(space_prefix.error());
  ScoreMerges::Options options;
  options.unknown = *unknown ? *unknown : parts.vocabulary->find("<unk>");
  parts.model = std::make_unique<ScoreMerges>(*parts.vocabulary, std::move(*scores), std::move(options));
  parts.normalizer = marks_for_spaces(*space_prefix);
  if (marks_begin_pieces(*parts.vocabulary))
    parts.pre_tokenizer.then(pretokenize::BeforeMarks{std::string(kSpaceMark)});
  parts.decoder = spaces_for_marks(*space_prefix);
  return make_tokenizer(std::move(parts));
}

// "t5": SentencePiece's Unigram, with everything that its own file holds.
Result<SentencePieceModel> gather_unigram(const GgufMetadata& metadata) {
  const auto tokens = metadata.array("tokenizer.ggml.tokens", 0, is_text, "a list of strings");
  if (!tokens) return tl::unexpected<Error>(tokens.error());
  const size_t size = (*tokens)->size();
  const auto types = metadata.array(
      "tokenizer.ggml.token_type", size, [](const Json& value) { return value.is_number_integer(); },
      fmt::format("{} integers, one for each token", size));
  if (!types) return tl::unexpected<Error>(types.error());
  const auto scores = read_scores(metadata, size);
  if (!scores) return tl::unexpected<Error>(scores.error());
  SentencePieceModel model;
  for (size_t i = 0; i < size; ++i) {
    const auto type = (**types)[i].get<int64_t>();
    const bool known = type >= 1 && type <= 6;
    model.pieces.push_back({(**tokens)[i].get<std::string>(), (*scores)[i],
                            known ? static_cast<SentencePieceType>(type) : SentencePieceType::unused});
    model.byte_fallback = model.byte_fallback || model.pieces.back().type == SentencePieceType::byte;
  }
  const auto prefix = metadata.flag("tokenizer.ggml.add_space_prefix", true);
  if (!prefix) return tl::unexpected<Error>(prefix.error());
  const auto trim = metadata.flag("tokenizer.ggml.remove_extra_whitespaces", true);
  if (!trim) return tl::unexpected<Error>(trim.error());
  model.rules.add_dummy_prefix = *prefix;
  model.rules.remove_extra_whitespaces = *trim;
  if (!metadata.find("tokenizer.ggml.precompiled_charsmap")) return model;
  const auto bytes = metadata.array(
      "tokenizer.ggml.precompiled_charsmap", 0, [](const Json& value) { return value.is_number_integer(); },
      "a list of bytes");
  if (!bytes) return tl::unexpected<Error>(bytes.error());
  std::string blob;
  for (const Json& byte : **bytes) blob += static_cast<char>(byte.get<int64_t>());
  auto map = Charsmap::parse(blob, metadata.place());
  if (!map) return forward_error(map);
  model.rules.map = std::move(*map);
  return model;
}

Result<std::unique_ptr<Tokenizer>> load_unigram(const GgufMetadata& metadata) {
  auto model = gather_unigram(metadata);
  if (!model) return forward_error(model);
  auto parts = sentencepiece_parts(std::move(*model), metadata.place());
  if (!parts) return forward_error(parts);
  if (auto read = read_special_tokens(metadata, {false, true, false}, *parts); !read)
    return forward_error(read);
  return make_tokenizer(std::move(*parts));
}

// Back from GGUF's spelling of BERT's pieces: "▁word" and "part" were "word" and "##part".
std::string as_word_piece(std::string piece) {
  if (piece.starts_with(kSpaceMark)) return piece.substr(kSpaceMark.size());
  return "##" + piece;
}

// "bert": WordPiece.
Result<std::unique_ptr<Tokenizer>> load_word_piece(const GgufMetadata& metadata) {
  TokenizerParts parts;
  parts.kind = "WordPiece";
  if (auto read = read_vocabulary(metadata, true, parts, as_word_piece); !read) return forward_error(read);
  if (auto read = read_special_tokens(metadata, {true, false, true}, parts); !read)
    return forward_error(read);
  const auto size = static_cast<size_t>(parts.vocabulary->size());
  const auto unknown = metadata.token("tokenizer.ggml.unknown_token_id", size);
  if (!unknown) return tl::unexpected<Error>(unknown.error());
  WordPiece::Options options;
  const auto token = *unknown ? *unknown : parts.vocabulary->find("[UNK]");
  if (!token) return metadata.wrong("tokenizer.ggml.unknown_token_id", "is missing", "the token [UNK]");
  options.unknown = *token;
  parts.model = std::make_unique<WordPiece>(*parts.vocabulary, std::move(options));
  const auto lowercase = metadata.flag("tokenizer.ggml.normalizer.lowercase", true);
  if (!lowercase) return tl::unexpected<Error>(lowercase.error());
  const auto accents = metadata.flag("tokenizer.ggml.normalizer.strip_accents", *lowercase);
  if (!accents) return tl::unexpected<Error>(accents.error());
  std::vector<NormalizerStep> steps;
  steps.emplace_back(normalize::Bert{true, true, *accents, *lowercase});
  parts.normalizer = Normalizer(std::move(steps));
  auto pre_tokenizer = bert_pre_tokenizer(metadata.place());
  if (!pre_tokenizer) return forward_error(pre_tokenizer);
  parts.pre_tokenizer = std::move(*pre_tokenizer);
  std::vector<DecoderStep> decoding;
  decoding.emplace_back(decode::WordPiece{"##", true});
  parts.decoder = PieceDecoder(std::move(decoding));
  return make_tokenizer(std::move(parts));
}

struct Kind {
  std::string_view model;  // tokenizer.ggml.model
  Result<std::unique_ptr<Tokenizer>> (*load)(const GgufMetadata& metadata);
};

constexpr std::array<Kind, 5> kKinds = {{
    {"gpt2", load_rank_merges},
    {"gemma4", load_rank_merges},
    {"llama", load_score_merges},
    {"t5", load_unigram},
    {"bert", load_word_piece},
}};

}  // namespace

Result<std::unique_ptr<Tokenizer>> load_gguf_tokenizer(const Checkpoint& checkpoint) {
  const GgufMetadata metadata(checkpoint.config(), checkpoint.path().string());
  const std::string model = metadata.text("tokenizer.ggml.model");
  for (const Kind& kind : kKinds) {
    if (kind.model == model) return kind.load(metadata);
  }
  const std::string expected =
      "\"gpt2\" (BPE), \"llama\" (SentencePiece BPE), \"t5\" (Unigram) or \"bert\" (WordPiece)";
  if (model.empty()) return metadata.wrong("tokenizer.ggml.model", "is missing", expected);
  return bad_input(metadata.place(),
                   fmt::format("tokenizer.ggml.model '{}' is not supported yet", model.substr(0, 40)),
                   expected);
}

}  // namespace sizeup
