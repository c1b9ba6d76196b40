// Checks of what a prompt or a training file gives away.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "tasks/check/findings.h"
#include "tasks/text/python_regex.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

constexpr size_t kWordsInARow = 13;  // what the field takes for contamination (Brown et al. 2020, appendix C)

bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0;
}

bool contains_word(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !is_word_byte(text[at - 1])) && (end == text.size() || !is_word_byte(text[end])))
      return true;
  }
  return false;
}

// A shorter answer ("4", "B", "no") is in too many texts to mean anything.
constexpr size_t kShortestTelling = 4;

bool gives_the_choice_away(const Sample& sample) {
  const std::string prompt = fold_text(sample.prompt.user);
  bool right = false;
  for (size_t i = 0; i < sample.asks.size(); ++i) {
    const auto* ask = std::get_if<AskScore>(&sample.asks[i]);
    if (ask == nullptr) return false;
    const std::string choice = fold_text(ask->continuation);
    const bool shown = choice.size() >= kShortestTelling && contains_word(prompt, choice);
    const bool gold =
        std::find(sample.gold.begin(), sample.gold.end(), static_cast<int>(i)) != sample.gold.end();
    if (shown && !gold) return false;
    right |= shown && gold;
  }
  return right;
}

bool gives_the_answer_away(const Sample& sample) {
  const std::string prompt = fold_text(sample.prompt.user);
  return std::any_of(sample.accepted.begin(), sample.accepted.end(), [&](const std::string& accepted) {
    const std::string answer = fold_text(accepted);
    return answer.size() >= kShortestTelling && contains_word(prompt, answer);
  });
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t begin = 0; begin < text.size();) {
    while (begin < text.size() && !is_word_byte(text[begin])) ++begin;
    size_t end = begin;
    while (end < text.size() && is_word_byte(text[end])) ++end;
    if (end > begin) words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

// Hashes of a text's words, 13 in a row; of all of them where there are fewer, but at least four.
std::vector<size_t> prints_of_text(std::string_view text) {
  constexpr size_t kFewestWords = 4;
  const std::string folded = fold_text(text);
  const std::vector<std::string_view> words = words_of(folded);
  std::vector<size_t> prints;
  if (words.size() < kFewestWords) return prints;
  const size_t length = std::min(words.size(), kWordsInARow);
  for (size_t first = 0; first + length <= words.size(); ++first) {
    size_t hash = length;
    for (size_t i = 0; i < length; ++i) {
      constexpr size_t kMultiplier = 0x9E3779B97F4A7C15;  // spreads bits; order counts
      hash = (hash ^ std::hash<std::string_view>{}(words[first + i])) * kMultiplier;
    }
    prints.push_back(hash);
  }
  return prints;
}

void collect_texts(const Json& value, std::vector<std::string>& texts) {
  if (value.is_string()) texts.push_back(value.get<std::string>());
  if (!value.is_structured()) return;
  for (const Json& item : value) collect_texts(item, texts);
}

std::vector<size_t> prints_of_row(const Json& row) {
  std::vector<std::string> texts;
  collect_texts(row, texts);
  std::vector<size_t> prints;
  for (const std::string& text : texts) {
    const std::vector<size_t> more = prints_of_text(text);
    prints.insert(prints.end(), more.begin(), more.end());
  }
  return prints;
}

class Leaks : public RowCheck {
 public:
  explicit Leaks(const Definition& definition)
      : choice_(definition.output_type == OutputType::multiple_choice) {
    const bool written = definition.output_type == OutputType::generate_until;
    // Records and grounded answers are taken from the prompt; code is judged by tests.
    applies_ = choice_ || (written && !definition.schema && !definition.grounding &&
                           !definition.unsafe_code && definition.labels.empty());
  }

  void add(const CheckedRow& row) override {
    ++rows_;
    if (applies_ && (choice_ ? gives_the_choice_away(row.sample) : gives_the_answer_away(row.sample)))
      telling_.add(row.place, fmt::format("'{}'", row.sample.target));
  }

  void report(Findings& findings) const override {
    constexpr size_t kOneIn = 5;  // fewer may be chance: "the invoice" in a ticket about billing
    const bool many = kOneIn * telling_.count() > rows_;
    telling_.report(many ? Severity::warning : Severity::note, "leakage",
                    fmt::format("of {} prompts contain their answer{}", rows_,
                                choice_ ? " and none of the other choices" : ""),
                    findings);
  }

 private:
  bool choice_;
  bool applies_ = false;
  size_t rows_ = 0;
  FoundRows telling_;
};

class SpecialTokens : public RowCheck {
 public:
  SpecialTokens() : pattern_(compiled()) {}

  void add(const CheckedRow& row) override {
    std::vector<std::string> texts;
    collect_texts(row.document, texts);
    for (const std::string& text : texts) {
      const std::optional<PythonRegex::Found> found = pattern_.find(text, 0);
      if (!found) continue;
      special_.add(row.place, found->front());
      break;
    }
  }

  void report(Findings& findings) const override {
    special_.report(Severity::warning, "special tokens",
                    "rows contain what a chat template may take for a control token", findings);
  }

 private:
  static PythonRegex compiled() {
    Result<PythonRegex> pattern = PythonRegex::compile(
        R"(<\|[A-Za-z0-9_]{1,40}\|>|\[/?INST\]|</?s>|<(?:bos|eos|pad|unk|start_of_turn|end_of_turn|think)>)",
        "");
    require(pattern.has_value(), "our own pattern is valid");
    return std::move(*pattern);
  }

  PythonRegex pattern_;
  FoundRows special_;
};

class Overlap : public RowCheck {
 public:
  Overlap(KnownTexts others, const char* subject, std::string what)
      : others_(std::move(others)), subject_(subject), what_(std::move(what)) {}

  void add(const CheckedRow& row) override {
    const std::vector<size_t> all = prints_of_row(row.document);
    for (const size_t print : std::unordered_set<size_t>(all.begin(), all.end())) {
      if (!others_.contains(print)) continue;
      std::vector<int64_t>& sharing = rows_of_[print];
      if (sharing.size() < kSharedByRows) sharing.push_back(row.sample.index);
    }
    ++rows_;
  }

  void report(Findings& findings) const override {
    std::set<int64_t> shared;
    for (const auto& [print, sharing] : rows_of_) {
      if (sharing.size() < kSharedByRows) shared.insert(sharing.begin(), sharing.end());
    }
    FoundRows known;
    for (const int64_t index : shared) known.add(shown_document(index));
    known.report(
        Severity::problem, subject_,
        fmt::format("of {} rows share a text, or {} words in a row, with {}", rows_, kWordsInARow, what_),
        findings);
  }

 private:
  // What is the same in so many rows, an instruction or a passage, tells nothing about a single one.
  static constexpr size_t kSharedByRows = 3;

  KnownTexts others_;
  const char* subject_;
  std::string what_;
  size_t rows_ = 0;
  std::unordered_map<size_t, std::vector<int64_t>> rows_of_;  // of the prints that others have, too
};

}  // namespace

void KnownTexts::add(const Json& row) {
  for (const size_t print : prints_of_row(row)) prints_.insert(print);
}

std::unique_ptr<RowCheck> leaks(const Definition& definition) {
  return std::make_unique<Leaks>(definition);
}

std::unique_ptr<RowCheck> special_tokens() {
  return std::make_unique<SpecialTokens>();
}

std::unique_ptr<RowCheck> overlap(KnownTexts others, const char* subject, std::string what) {
  return std::make_unique<Overlap>(std::move(others), subject, std::move(what));
}

}  // namespace sizeup
