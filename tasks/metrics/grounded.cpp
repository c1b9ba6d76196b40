#include "tasks/metrics/grounded.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/jinja/text.h"
#include "core/json/json.h"
#include "tasks/metrics/refusal.h"
#include "tasks/metrics/sentences.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

constexpr double kLeastWordRecall =
    0.6;  // share of the content words of a claim that its source must contain

bool starts_upper(std::string_view word) {
  return is_upper(jinja::decode_at(word, 0).value);
}

// Checks one sentence; offsets count from the start of the answer.
class ClaimChecker {
 public:
  ClaimChecker(std::string_view answer, TextRange sentence, const SourceText& source)
      : text_(answer.substr(sentence.begin, sentence.end - sentence.begin)),
        offset_(sentence.begin),
        source_(source),
        in_date_(text_.size()),
        in_figure_(text_.size()) {
    claim_.begin = sentence.begin;
    claim_.end = sentence.end;
  }

  // Nothing if the sentence has nothing to check.
  std::optional<Claim> run() {
    words_ = split_words(text_);
    add_dates();
    add_numbers();
    add_quotes();
    add_names();
    if (!count_words() && claim_.items.empty()) return std::nullopt;
    std::sort(claim_.items.begin(), claim_.items.end(),
              [](const ClaimItem& a, const ClaimItem& b) { return a.begin < b.begin; });
    claim_.supported = claim_.word_recall >= kLeastWordRecall &&
                       std::all_of(claim_.items.begin(), claim_.items.end(),
                                   [](const ClaimItem& item) { return item.supported; });
    return std::move(claim_);
  }

 private:
  // begin and end count from the start of the sentence until the claim is finished.
  void add(ClaimItem::Kind kind, size_t begin, size_t end, std::optional<TextRange> found) {
    ClaimItem item{kind, offset_ + begin, offset_ + end, found.has_value(), 0, 0};
    if (found) {
      item.source_begin = found->begin;
      item.source_end = found->end;
    }
    claim_.items.push_back(item);
  }

  void add_dates() {
    for (const DateInText& date : find_dates(text_)) {
      add(ClaimItem::Kind::date, date.begin, date.end, source_.find_date(date.readings));
      mark(in_date_, date.begin, date.end);
      mark(in_figure_, date.begin, date.end);
    }
  }

  void add_numbers() {
    for (const NumberInText& number : find_numbers(text_)) {
      if (in_date_[number.begin]) continue;
      add(ClaimItem::Kind::number, number.begin, number.end, source_.find_number(number.readings));
      mark(in_figure_, number.begin, number.end);
    }
  }

  void add_quotes() {
    struct Quotes {
      std::string_view open;
      std::string_view close;
    };
    constexpr std::array kQuotes = {Quotes{"\"", "\""}, Quotes{"\u201C", "\u201D"},
                                    Quotes{"\u201E", "\u201C"}, Quotes{"\u00AB", "\u00BB"}};
    for (const auto& [open, close] : kQuotes) {
      for (size_t at = text_.find(open); at != std::string_view::npos; at = text_.find(open, at)) {
        const size_t begin = at + open.size();
        const size_t end = text_.find(close, begin);
        if (end == std::string_view::npos) break;
        if (end > begin)
          add(ClaimItem::Kind::quote, begin, end, source_.find_text(text_.substr(begin, end - begin)));
        at = end + close.size();
      }
    }
  }

  // Runs of capitalised words. The first word of a longer sentence is capitalised anyway: alone it is no
  // name, unless it is an acronym; a function word ("The Logistics Department") is dropped from a run's
  // start.
  void add_names() {
    size_t i = 0;
    while (i < words_.size()) {
      size_t end = i;
      while (end < words_.size() && starts_upper(word(end)) && (end == i || joined(end - 1, end))) ++end;
      size_t first = i;
      while (first < end && is_function_word(words_[first].folded)) ++first;
      const bool only_initial = end == 1 && words_.size() > 1 && !is_acronym(word(0));
      i = std::max(end, i + 1);
      if (first == end || only_initial) continue;
      const size_t begin_byte = words_[first].begin;
      const size_t end_byte = words_[end - 1].end;
      if (in_date_[begin_byte]) continue;
      add(ClaimItem::Kind::name, begin_byte, end_byte,
          source_.find_text(text_.substr(begin_byte, end_byte - begin_byte)));
    }
  }

  std::string_view word(size_t i) const {
    return text_.substr(words_[i].begin, words_[i].end - words_[i].begin);
  }

  // Between the words of one name: a space, a hyphen, an ampersand, the point of an initial.
  bool joined(size_t left, size_t right) const {
    const std::string_view gap = text_.substr(words_[left].end, words_[right].begin - words_[left].end);
    return gap == " " || gap == "-" || gap == " & " || gap == "'" || gap == "\u2019" ||
           (gap == ". " && word(left).size() == 1);
  }

  static bool is_acronym(std::string_view text) {
    if (text.size() < 2) return false;
    for (size_t at = 0; at < text.size();) {
      const CodePoint next = jinja::decode_at(text, at);
      if (!is_upper(next.value)) return false;
      at += next.bytes;
    }
    return true;
  }

  // Sets word_recall; false if there is no content word.
  bool count_words() {
    size_t content = 0;
    size_t known = 0;
    for (const Word& candidate : words_) {
      if (is_function_word(candidate.folded) || in_figures(candidate)) continue;
      ++content;
      known += source_.has_word(candidate.folded) ? 1 : 0;
    }
    if (content > 0) claim_.word_recall = static_cast<double>(known) / static_cast<double>(content);
    return content > 0;
  }

  // Numbers and dates are checked by value: their spelling is no content word.
  bool in_figures(const Word& candidate) const {
    const auto begin = in_figure_.begin() + static_cast<std::ptrdiff_t>(candidate.begin);
    return std::find(begin, in_figure_.begin() + static_cast<std::ptrdiff_t>(candidate.end), true) !=
           in_figure_.begin() + static_cast<std::ptrdiff_t>(candidate.end);
  }

  static void mark(std::vector<bool>& bytes, size_t begin, size_t end) {
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
              bytes.begin() + static_cast<std::ptrdiff_t>(end), true);
  }

  std::string_view text_;
  size_t offset_;
  const SourceText& source_;
  std::vector<bool> in_date_;    // of each byte of the sentence
  std::vector<bool> in_figure_;  // in a date or a number
  std::vector<Word> words_;
  Claim claim_;
};

const char* kind_name(ClaimItem::Kind kind) {
  switch (kind) {
    case ClaimItem::Kind::number:
      return "number";
    case ClaimItem::Kind::date:
      return "date";
    case ClaimItem::Kind::quote:
      return "quote";
    case ClaimItem::Kind::name:
      return "name";
  }
  return "";
}

std::string evidence(const std::vector<Claim>& claims, std::string_view answer) {
  constexpr size_t kMostShown = 50;
  Json out = Json::array();
  for (size_t i = 0; i < std::min(claims.size(), kMostShown); ++i) {
    const Claim& claim = claims[i];
    Json entry = {{"begin", claim.begin},
                  {"end", claim.end},
                  {"supported", claim.supported},
                  {"word_recall", claim.word_recall}};
    Json& items = entry["items"] = Json::array();
    for (size_t j = 0; j < std::min(claim.items.size(), kMostShown); ++j) {
      const ClaimItem& item = claim.items[j];
      Json shown = {{"kind", kind_name(item.kind)},
                    {"text", answer.substr(item.begin, item.end - item.begin)},
                    {"begin", item.begin},
                    {"end", item.end},
                    {"supported", item.supported}};
      if (item.supported) {
        shown["source_begin"] = item.source_begin;
        shown["source_end"] = item.source_end;
      }
      items.push_back(std::move(shown));
    }
    out.push_back(std::move(entry));
  }
  return to_line(out);
}

}  // namespace

std::vector<Claim> check_claims(std::string_view answer, std::string_view source) {
  const SourceText indexed(source);
  std::vector<Claim> claims;
  for (const TextRange& sentence : split_sentences(answer)) {
    if (std::optional<Claim> claim = ClaimChecker(answer, sentence, indexed).run())
      claims.push_back(std::move(*claim));
  }
  return claims;
}

void score_unsupported(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  if (input.sample.source.empty() || is_refusal(input.answer, input.facts.refusals)) return;
  const std::vector<Claim> claims = check_claims(input.answer, input.sample.source);
  if (claims.empty()) return;
  const auto unsupported =
      std::count_if(claims.begin(), claims.end(), [](const Claim& claim) { return !claim.supported; });
  out.detail("claims", std::to_string(claims.size()));
  out.detail("claims_unsupported", std::to_string(unsupported));
  out.detail("evidence", evidence(claims, input.answer));
}

double aggregate_unsupported_rate(const ScoredSet& set) {
  const double claims = set.sum("claims");
  return claims == 0.0 ? std::numeric_limits<double>::quiet_NaN() : set.sum("claims_unsupported") / claims;
}

}  // namespace sizeup
