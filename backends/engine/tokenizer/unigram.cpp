#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "backends/engine/tokenizer/word_model.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

constexpr size_t kMaxPieceBytes = 2048;  // real ones have some dozens
constexpr size_t kNowhere = std::numeric_limits<size_t>::max();

// The best way to spell the text up to a place.
struct Best {
  double score = 0;
  size_t start = kNowhere;  // of its last piece; nowhere: there is no way
  Token token = 0;
};

size_t character_bytes(std::string_view text) {
  const auto code_point = decode_utf8(text);
  require(code_point.has_value(), "words are valid UTF-8");
  return code_point->bytes;
}

}  // namespace

Result<void> check_unigram_piece(const Unigram::Piece& piece, const std::string& place) {
  if (piece.text.size() <= kMaxPieceBytes && std::isfinite(piece.score)) return {};
  return bad_input(place, fmt::format("the piece {} is too long or has no finite score", piece.id),
                   fmt::format("at most {} bytes and a number", kMaxPieceBytes));
}

Unigram::Unigram(const Vocabulary& vocabulary, std::vector<Piece> pieces, Options options)
    : vocabulary_(vocabulary), scores_(static_cast<size_t>(vocabulary.size())), options_(options) {
  std::vector<PrefixTrie::Key> keys;
  keys.reserve(pieces.size());
  for (Piece& piece : pieces) {
    scores_[static_cast<size_t>(piece.id)] = piece.score;
    keys.emplace_back(std::move(piece.text), piece.id);
  }
  trie_ = PrefixTrie(std::move(keys));
}

void Unigram::encode(std::string_view word, std::vector<Token>& tokens) const {
  std::vector<Best> best(word.size() + 1);
  const auto offer = [&](size_t start, size_t end, double score, Token token) {
    if (options_.single_precision) score = static_cast<float>(score);
    Best& old = best[end];
    if (old.start == kNowhere || score > old.score) old = {score, start, token};
  };
  for (size_t start = 0; start < word.size();) {
    const double before = best[start].score;
    const std::string_view rest = word.substr(start);
    const size_t character = character_bytes(rest);
    bool has_character = false;
    trie_.visit_prefixes(rest, [&](size_t length, Token token) {
      offer(start, start + length, scores_[static_cast<size_t>(token)] + before, token);
      has_character = has_character || length == character;
    });
    if (!has_character) {
      offer(start, start + character, options_.unknown_score + before, options_.unknown);
    }
    start += character;
  }

  struct Step {
    size_t start;
    size_t end;
    Token token;
  };
  std::vector<Step> steps;  // from the last to the first; runs of unknown characters are one
  for (size_t end = word.size(); end > 0;) {
    const Best& last = best[end];
    const bool joins =
        !steps.empty() && last.token == options_.unknown && steps.back().token == options_.unknown;
    if (joins) {
      steps.back().start = last.start;
    } else {
      steps.push_back({last.start, end, last.token});
    }
    end = last.start;
  }
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (step->token == options_.unknown) {
      append_unknown(word.substr(step->start, step->end - step->start), tokens);
    } else {
      tokens.push_back(step->token);
    }
  }
}

void Unigram::append_unknown(std::string_view run, std::vector<Token>& tokens) const {
  if (options_.look_up_unknown_runs) {
    if (const auto token = vocabulary_.find_mergeable(run)) {
      tokens.push_back(*token);
      return;
    }
  }
  if (!options_.byte_fallback || !vocabulary_.append_bytes(run, tokens)) tokens.push_back(options_.unknown);
}

}  // namespace sizeup
