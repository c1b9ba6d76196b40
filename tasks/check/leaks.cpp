// Checks of what a prompt or a training file gives away.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <unordered_map>
#include <unordered_set>

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

// What is the same in many rows, an instruction or a passage, tells nothing about a single one.
std::unordered_set<size_t> common_prints(const std::vector<std::vector<size_t>>& rows) {
  constexpr size_t kSharedByRows = 3;
  std::unordered_map<size_t, size_t> counts;
  for (const auto& prints : rows) {
    for (const size_t print : std::unordered_set<size_t>(prints.begin(), prints.end())) ++counts[print];
  }
  std::unordered_set<size_t> common;
  for (const auto& [print, count] : counts) {
    if (count >= kSharedByRows) common.insert(print);
  }
  return common;
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

}  // namespace

void find_leaks(const CheckedRows& rows, Findings& findings) {
  const Definition& definition = rows.definition;
  const bool choice = definition.output_type == OutputType::multiple_choice;
  const bool written = definition.output_type == OutputType::generate_until;
  // Records and grounded answers are taken from the prompt; code is judged by tests.
  if (!choice && (!written || definition.schema || definition.grounding || definition.unsafe_code ||
                  !definition.labels.empty()))
    return;
  FoundRows telling(rows.documents);
  for (size_t i = 0; i < rows.samples.size(); ++i) {
    const Sample& sample = rows.samples[i];
    if (choice ? gives_the_choice_away(sample) : gives_the_answer_away(sample))
      telling.add(i, fmt::format("'{}'", sample.target));
  }
  constexpr size_t kOneIn = 5;  // fewer may be chance: "the invoice" in a ticket about billing
  const bool many = kOneIn * telling.count() > rows.samples.size();
  telling.report(many ? Severity::warning : Severity::note, "leakage",
                 fmt::format("of {} prompts contain their answer{}", rows.samples.size(),
                             choice ? " and none of the other choices" : ""),
                 findings);
}

void find_special_tokens(const CheckedRows& rows, Findings& findings) {
  const Result<PythonRegex> pattern = PythonRegex::compile(
      R"(<\|[A-Za-z0-9_]{1,40}\|>|\[/?INST\]|</?s>|<(?:bos|eos|pad|unk|start_of_turn|end_of_turn|think)>)",
      "");
  require(pattern.has_value(), "our own pattern is valid");
  FoundRows special(rows.documents);
  for (size_t i = 0; i < rows.documents.rows.size(); ++i) {
    std::vector<std::string> texts;
    collect_texts(rows.documents.rows[i], texts);
    for (const std::string& text : texts) {
      const std::optional<PythonRegex::Found> found = pattern->find(text, 0);
      if (!found) continue;
      special.add(i, found->front());
      break;
    }
  }
  special.report(Severity::warning, "special tokens",
                 "rows contain what a chat template may take for a control token", findings);
}

void find_overlap(const CheckedRows& rows, const std::vector<Json>& others, const char* subject,
                  const std::string& what, Findings& findings) {
  std::unordered_set<size_t> known;
  for (const Json& other : others) {
    for (const size_t print : prints_of_row(other)) known.insert(print);
  }
  std::vector<std::vector<size_t>> own;
  for (const Json& row : rows.documents.rows) own.push_back(prints_of_row(row));
  const std::unordered_set<size_t> common = common_prints(own);
  FoundRows known_rows(rows.documents);
  for (size_t i = 0; i < own.size(); ++i) {
    const bool shared = std::any_of(own[i].begin(), own[i].end(), [&](size_t print) {
      return known.contains(print) && !common.contains(print);
    });
    if (shared) known_rows.add(i);
  }
  known_rows.report(
      Severity::problem, subject,
      fmt::format("of {} rows share a text, or {} words in a row, with {}", own.size(), kWordsInARow, what),
      findings);
}

}  // namespace sizeup
