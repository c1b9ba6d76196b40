#include "backends/engine/tokenizer/pre_tokenizer.h"

#include <algorithm>
#include <utility>

#include "backends/engine/tokenizer/byte_alphabet.h"

namespace sizeup {
namespace {

struct Word {
  std::string text;
  bool at_start;
};

struct Part {
  Range range;
  bool matched;
};

// The matches and what lies between them, covering the text.
std::vector<Part> parts_of(std::string_view text, const pretokenize::Split& step) {
  std::vector<Part> parts;
  size_t done = 0;
  for (const Range match : step.pattern.find_all(text)) {
    if (match.begin > done) parts.push_back({{done, match.begin}, step.invert});
    parts.push_back({match, !step.invert});
    done = match.end;
  }
  if (done < text.size()) parts.push_back({{done, text.size()}, step.invert});
  return parts;
}

// Joins parts as the behaviour asks. A match is joined to a neighbour only if that is not itself a match:
// of two matches in a row the second stands alone, as in Hugging Face tokenizers.
std::vector<Range> pieces_of(const std::vector<Part>& parts, SplitBehavior behavior) {
  std::vector<Range> pieces;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool first = i == 0;
    bool join = false;
    switch (behavior) {
      case SplitBehavior::isolated:
        break;
      case SplitBehavior::removed:
        if (parts[i].matched) continue;
        break;
      case SplitBehavior::contiguous:
        join = !first && parts[i - 1].matched == parts[i].matched;
        break;
      case SplitBehavior::merged_with_previous:
        join = !first && parts[i].matched && !parts[i - 1].matched;
        break;
      case SplitBehavior::merged_with_next:
        join = !first && parts[i - 1].matched && !parts[i].matched;
        break;
    }
    if (join) {
      pieces.back().end = parts[i].range.end;
    } else {
      pieces.push_back(parts[i].range);
    }
  }
  return pieces;
}

void apply_step(const pretokenize::Split& step, std::vector<Word>& words) {
  std::vector<Word> result;
  for (const Word& word : words) {
    for (const Range piece : pieces_of(parts_of(word.text, step), step.behavior)) {
      result.push_back(
          {word.text.substr(piece.begin, piece.end - piece.begin), word.at_start && piece.begin == 0});
    }
  }
  words = std::move(result);
}

void apply_step(const pretokenize::PrefixSpace&, std::vector<Word>& words) {
  for (Word& word : words) {
    if (!word.text.starts_with(' ')) word.text.insert(0, 1, ' ');
  }
}

void apply_step(const pretokenize::ByteAlphabet&, std::vector<Word>& words) {
  for (Word& word : words) word.text = to_byte_alphabet(word.text);
}

std::string with_marks(std::string_view text, std::string_view mark) {
  std::string result;
  for (const char c : text) {
    if (c == ' ') {
      result += mark;
    } else {
      result += c;
    }
  }
  return result;
}

// Each mark starts a new word.
void split_before_marks(const Word& word, std::string_view mark, std::vector<Word>& result) {
  const std::string& text = word.text;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find(mark, begin + 1), text.size());
    result.push_back({text.substr(begin, end - begin), word.at_start && begin == 0});
    begin = end;
  }
}

void apply_step(const pretokenize::Metaspace& step, std::vector<Word>& words) {
  std::vector<Word> result;
  for (Word& word : words) {
    word.text = with_marks(word.text, step.mark);
    const bool wanted =
        step.prepend == PrependScheme::always || (step.prepend == PrependScheme::first && word.at_start);
    if (wanted && !word.text.starts_with(step.mark)) word.text.insert(0, step.mark);
    if (step.split) {
      split_before_marks(word, step.mark, result);
    } else {
      result.push_back(std::move(word));
    }
  }
  words = std::move(result);
}

}  // namespace

std::vector<std::string> PreTokenizer::words(std::string_view text, bool at_start) const {
  std::vector<Word> words;
  if (!text.empty()) words.push_back({std::string(text), at_start});
  for (const PreTokenizerStep& step : steps_) {
    std::visit([&](const auto& known) { apply_step(known, words); }, step);
  }
  std::vector<std::string> texts;
  texts.reserve(words.size());
  for (Word& word : words) texts.push_back(std::move(word.text));
  return texts;
}

}  // namespace sizeup
