#include "backends/engine/tokenizer/huggingface_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "backends/engine/tokenizer/json_fields.h"
#include "backends/engine/tokenizer/sentencepiece_normalizer.h"

namespace sizeup {
namespace {

// Ids may have gaps, but not such that a small file makes a huge table.
constexpr uint64_t kFreeGap = 1 << 16;
// SentencePiece's unknown characters cost so much more than the rarest piece.
constexpr double kUnknownPenalty = 10;

using Added = std::vector<AddedToken>;

class ModelReader {
 public:
  ModelReader(const SortedJson& model, const Added& added, const std::string& place)
      : model_(model), added_(added), place_(place) {}

  Result<HuggingFaceModel> read() {
    // Files from before the key existed are BPE if they have merges.
    result_.type = json_text(model_, "type", json_member(model_, "merges").is_array() ? "BPE" : "");
    using Read = Result<void> (ModelReader::*)();
    static constexpr std::array<std::pair<std::string_view, Read>, 4> kReaders = {{
        {"BPE", &ModelReader::read_bpe},
        {"Unigram", &ModelReader::read_unigram},
        {"WordPiece", &ModelReader::read_word_piece},
        {"WordLevel", &ModelReader::read_word_level},
    }};
    for (const auto& [type, read_type] : kReaders) {
      if (type != result_.type) continue;
      if (auto read = (this->*read_type)(); !read) return forward_error(read);
      return std::move(result_);
    }
    return wrong(fmt::format("model of type '{}' is not supported yet", result_.type.substr(0, 60)),
                 "BPE, Unigram, WordPiece or WordLevel");
  }

 private:
  tl::unexpected<Error> wrong(std::string message, std::string expected = {}) const {
    return bad_input(place_, std::move(message), std::move(expected));
  }

  // A vocabulary up to the largest id, with the added tokens still to come.
  Result<std::unique_ptr<Vocabulary>> make_vocabulary(uint64_t largest, uint64_t pieces) const {
    for (const AddedToken& token : added_) largest = std::max(largest, static_cast<uint64_t>(token.id));
    pieces += added_.size();
    if (largest >= 2 * pieces + kFreeGap) {
      return wrong(fmt::format("has the id {} with only {} pieces", largest, pieces),
                   "ids without large gaps");
    }
    return std::make_unique<Vocabulary>(largest + 1);
  }

  Result<void> add_added_tokens(std::unique_ptr<Vocabulary> vocabulary) {
    for (const AddedToken& token : added_) {
      const PieceKind kind = token.special ? PieceKind::special : PieceKind::text;
      if (!vocabulary->add(token.id, token.content, kind, false)) {
        return wrong(
            fmt::format("added_tokens has the id {} for another piece than the vocabulary", token.id),
            "the same id for the same piece");
      }
    }
    result_.vocabulary = std::move(vocabulary);
    return {};
  }

  // {"piece": id}
  Result<void> read_vocabulary() {
    const SortedJson& vocab = json_member(model_, "vocab");
    if (!vocab.is_object()) return wrong("model.vocab is missing", "an object from pieces to ids");
    uint64_t largest = 0;
    for (const auto& [piece, id] : vocab.items()) {
      if (!is_token_id(id)) return wrong("model.vocab has an id that is no small integer", "ids from 0");
      largest = std::max(largest, id.get<uint64_t>());
    }
    auto vocabulary = make_vocabulary(largest, vocab.size());
    if (!vocabulary) return forward_error(vocabulary);
    for (const auto& [piece, id] : vocab.items()) {
      if (!(*vocabulary)->add(id.get<Token>(), piece, PieceKind::text, true)) {
        return wrong(fmt::format("model.vocab has the id {} twice", id.get<Token>()), "distinct ids");
      }
    }
    return add_added_tokens(std::move(*vocabulary));
  }

  Result<Token> unknown_token(const std::string& piece) const {
    const auto token = result_.vocabulary->find(piece);
    if (!token) return wrong("model.unk_token is not in the vocabulary", "a piece of model.vocab");
    return *token;
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

  Result<RankMerges::MergeTable> read_merges(const std::string& continuing_prefix) const {
    const Vocabulary& vocabulary = *result_.vocabulary;
    const SortedJson& lines = json_member(model_, "merges");
    if (!lines.is_array()) return wrong("model.merges is missing", "a list of pairs");
    RankMerges::MergeTable merges;
    merges.reserve(lines.size());
    uint32_t rank = 0;
    for (const SortedJson& line : lines) {
      auto pair = read_pair(line);
      if (!pair) return wrong(fmt::format("model.merges has a malformed entry {}", rank), "\"left right\"");
      const auto left = vocabulary.find_mergeable(pair->first);
      const auto right = vocabulary.find_mergeable(pair->second);
      // The prefix of the right piece is not repeated inside of the merged one.
      const auto joined = vocabulary.find_mergeable(
          pair->first + pair->second.substr(std::min(continuing_prefix.size(), pair->second.size())));
      if (!left || !right || !joined) {
        return wrong(
            fmt::format("model.merges has an entry {} whose pieces are not all in the vocabulary", rank),
            "pieces of model.vocab");
      }
      merges.insert_or_assign(RankMerges::pair_key(*left, *right), RankMerges::Merge{rank++, *joined});
    }
    return merges;
  }

  Result<void> read_bpe() {
    const SortedJson& dropout = json_member(model_, "dropout");
    if (!dropout.is_null() && dropout != 0.0) return wrong("model with dropout gives random tokens", "null");
    if (auto read = read_vocabulary(); !read) return read;
    RankMerges::Options options;
    options.fuse_unknown = json_flag(model_, "fuse_unk", false);
    options.byte_fallback = json_flag(model_, "byte_fallback", false);
    options.ignore_merges = json_flag(model_, "ignore_merges", false);
    options.continuing_prefix = json_text(model_, "continuing_subword_prefix");
    options.end_of_word_suffix = json_text(model_, "end_of_word_suffix");
    auto merges = read_merges(options.continuing_prefix);
    if (!merges) return forward_error(merges);
    if (const std::string piece = json_text(model_, "unk_token"); !piece.empty()) {
      const auto unknown = unknown_token(piece);
      if (!unknown) return tl::unexpected<Error>(unknown.error());
      options.unknown = *unknown;
    }
    result_.cut_before_marks = !options.ignore_merges && options.continuing_prefix.empty() &&
                               options.end_of_word_suffix.empty() && marks_begin_pieces(*result_.vocabulary);
    result_.words = std::make_unique<RankMerges>(*result_.vocabulary, std::move(*merges), std::move(options));
    return {};
  }

  // [["piece", score], ...]
  Result<void> read_unigram() {
    const SortedJson& vocab = json_member(model_, "vocab");
    if (!vocab.is_array() || vocab.empty())
      return wrong("model.vocab is missing", "a list of [piece, score]");
    const SortedJson& unknown = json_member(model_, "unk_id");
    if (!unknown.is_number_unsigned() || unknown.get<uint64_t>() >= vocab.size()) {
      return wrong("model.unk_id is missing or no piece of the vocabulary", "the place of a piece");
    }
    auto vocabulary = make_vocabulary(vocab.size() - 1, vocab.size());
    if (!vocabulary) return forward_error(vocabulary);
    std::vector<Unigram::Piece> pieces;
    pieces.reserve(vocab.size());
    double smallest = std::numeric_limits<double>::infinity();
    for (const SortedJson& entry : vocab) {
      const auto id = static_cast<Token>(pieces.size());
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
        return wrong(fmt::format("model.vocab has a malformed entry {}", id), "[piece, score]");
      }
      pieces.push_back({entry[0].get<std::string>(), id, entry[1].get<double>()});
      smallest = std::min(smallest, pieces.back().score);
      if (auto valid = check_unigram_piece(pieces.back(), place_); !valid) return valid;
      if (!(*vocabulary)->add(id, pieces.back().text, PieceKind::text, true)) {
        return wrong(fmt::format("model.vocab has the piece {} twice", id), "distinct pieces");
      }
    }
    if (auto added = add_added_tokens(std::move(*vocabulary)); !added) return added;
    Unigram::Options options;
    options.unknown = unknown.get<Token>();
    options.unknown_score = smallest - kUnknownPenalty;
    options.byte_fallback = json_flag(model_, "byte_fallback", false);
    options.look_up_unknown_runs = true;
    result_.words = std::make_unique<Unigram>(*result_.vocabulary, std::move(pieces), options);
    return {};
  }

  Result<void> read_word_piece() {
    if (auto read = read_vocabulary(); !read) return read;
    const auto unknown = unknown_token(json_text(model_, "unk_token", "[UNK]"));
    if (!unknown) return tl::unexpected<Error>(unknown.error());
    WordPiece::Options options;
    options.unknown = *unknown;
    options.continuing_prefix = json_text(model_, "continuing_subword_prefix", "##");
    const SortedJson& limit = json_member(model_, "max_input_chars_per_word");
    if (limit.is_number_unsigned()) options.max_characters = limit.get<size_t>();
    result_.words = std::make_unique<WordPiece>(*result_.vocabulary, std::move(options));
    return {};
  }

  Result<void> read_word_level() {
    if (auto read = read_vocabulary(); !read) return read;
    const auto unknown = unknown_token(json_text(model_, "unk_token", "<unk>"));
    if (!unknown) return tl::unexpected<Error>(unknown.error());
    result_.words = std::make_unique<WordLevel>(*result_.vocabulary, *unknown);
    return {};
  }

  const SortedJson& model_;
  const Added& added_;
  const std::string& place_;
  HuggingFaceModel result_;
};

}  // namespace

Result<HuggingFaceModel> read_huggingface_model(const SortedJson& model, const Added& added,
                                                const std::string& place) {
  return ModelReader(model, added, place).read();
}

bool is_token_id(const SortedJson& value) {
  return value.is_number_unsigned() && value.get<uint64_t>() < (1u << 30);
}

}  // namespace sizeup
