#include "backends/engine/tokenizer/pre_tokenizer.h"

#include <algorithm>

#include "backends/engine/tokenizer/byte_alphabet.h"
#include "backends/engine/tokenizer/replacement.h"
#include "backends/engine/tokenizer/word_patterns.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

struct Part {
  Range range;
  bool matched;
};

// The matches and what lies between them, covering the text.
std::vector<Part> parts_of(size_t text_size, const std::vector<Range>& matches, bool invert) {
  std::vector<Part> parts;
  parts.reserve(matches.size() * 2 + 1);
  size_t done = 0;
  for (const Range match : matches) {
    if (match.begin > done) parts.push_back({{done, match.begin}, invert});
    parts.push_back({match, !invert});
    done = match.end;
  }
  if (done < text_size) parts.push_back({{done, text_size}, invert});
  return parts;
}

// Joins parts as the behaviour asks. A match is joined to a neighbour only if that is not itself a match:
// of two matches in a row the second stands alone, as in Hugging Face tokenizers.
void join_parts(const std::vector<Part>& parts, SplitBehavior behavior, std::vector<Range>& pieces) {
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
}

// Isolated matches are their own pieces: the common case, and worth no list of parts.
void isolate_matches(size_t text_size, const std::vector<Range>& matches, std::vector<Range>& pieces) {
  size_t done = 0;
  for (const Range match : matches) {
    if (match.begin > done) pieces.push_back({done, match.begin});
    pieces.push_back(match);
    done = match.end;
  }
  if (done < text_size) pieces.push_back({done, text_size});
}

void apply_step(const pretokenize::Split& step, WordList& words) {
  SplitRegex::Matcher matcher(step.pattern);
  std::vector<Range> matches;
  words.cut([&](std::string_view word, std::vector<Range>& pieces) {
    matches.clear();
    matcher.find_all(word, matches);
    if (step.behavior == SplitBehavior::isolated) {
      isolate_matches(word.size(), matches, pieces);
    } else {
      join_parts(parts_of(word.size(), matches, step.invert), step.behavior, pieces);
    }
  });
}

void apply_step(const pretokenize::PrefixSpace&, WordList& words) {
  words.rewrite([](std::string_view word, bool, std::string& text) {
    if (!word.starts_with(' ')) text += ' ';
    text += word;
  });
}

void apply_step(const pretokenize::ByteAlphabet&, WordList& words) {
  words.rewrite([](std::string_view word, bool, std::string& text) { text += to_byte_alphabet(word); });
}

// Each mark starts a new word.
void cut_at_marks(std::string_view word, std::string_view mark, std::vector<Range>& pieces) {
  for (size_t begin = 0; begin < word.size();) {
    const size_t end = std::min(word.find(mark, begin + 1), word.size());
    pieces.push_back({begin, end});
    begin = end;
  }
}

void apply_step(const pretokenize::Metaspace& step, WordList& words) {
  words.rewrite([&](std::string_view word, bool at_start, std::string& text) {
    const bool wanted =
        step.prepend == PrependScheme::always || (step.prepend == PrependScheme::first && at_start);
    if (wanted && !word.starts_with(' ') && !word.starts_with(step.mark)) text += step.mark;
    text += replace_all(word, " ", step.mark);
  });
  if (!step.split) return;
  words.cut(
      [&](std::string_view word, std::vector<Range>& pieces) { cut_at_marks(word, step.mark, pieces); });
}

void apply_step(const pretokenize::FixedLength& step, WordList& words) {
  words.cut([&](std::string_view word, std::vector<Range>& pieces) {
    for (size_t begin = 0; begin < word.size();) {
      size_t end = begin;
      for (size_t count = 0; count < step.characters && end < word.size(); ++count) {
        const auto code_point = decode_utf8(word.substr(end));
        end += code_point ? code_point->bytes : 1;
      }
      pieces.push_back({begin, end});
      begin = end;
    }
  });
}

void apply_step(const pretokenize::BeforeMarks& step, WordList& words) {
  words.cut([&](std::string_view word, std::vector<Range>& pieces) {
    size_t begin = 0;
    size_t after_mark = 0;
    for (size_t mark = word.find(step.mark); mark != std::string_view::npos;
         mark = word.find(step.mark, after_mark)) {
      if (mark > after_mark) {
        pieces.push_back({begin, mark});
        begin = mark;
      }
      after_mark = mark + step.mark.size();
    }
    pieces.push_back({begin, word.size()});
  });
}

}  // namespace

void WordList::reset(std::string_view text, bool at_start) {
  view_ = text;
  words_.clear();
  if (!text.empty()) words_.push_back({{0, text.size()}, at_start});
}

PreTokenizer::PreTokenizer(std::vector<PreTokenizerStep> steps) {
  for (PreTokenizerStep& step : steps) then(std::move(step));
}

void PreTokenizer::then(PreTokenizerStep step) {
  if (spells_bytes_) steps_.emplace_back(pretokenize::ByteAlphabet{});
  spells_bytes_ = std::holds_alternative<pretokenize::ByteAlphabet>(step);
  if (!spells_bytes_) steps_.push_back(std::move(step));
}

void PreTokenizer::cut(std::string_view text, bool at_start, WordList& words) const {
  words.reset(text, at_start);
  for (const PreTokenizerStep& step : steps_) {
    std::visit([&](const auto& known) { apply_step(known, words); }, step);
  }
}

Result<PreTokenizer> bert_pre_tokenizer(const std::string& place) {
  PreTokenizer pre_tokenizer;
  for (const auto& [pattern, behavior] : {std::pair(std::string_view(R"(\s)"), SplitBehavior::removed),
                                          std::pair(kPunctuation, SplitBehavior::isolated)}) {
    auto regex = SplitRegex::compile(pattern, place);
    if (!regex) return forward_error(regex);
    pre_tokenizer.then(pretokenize::Split{std::move(*regex), behavior});
  }
  return pre_tokenizer;
}

}  // namespace sizeup
