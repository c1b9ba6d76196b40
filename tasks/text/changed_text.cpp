#include "tasks/text/changed_text.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/jinja/text.h"
#include "core/random/counter_random.h"

namespace sizeup {
namespace {

constexpr size_t kFewestLetters = 3;  // of a word that gets a typo
constexpr uint64_t kDrawsOfWord = 4;  // as many for every word, so that no typo moves the next one

// Of a to z on a QWERTY keyboard, the keys that touch each.
constexpr std::array<std::string_view, 26> kNeighbours = {
    "qswz",   "ghnv",  "dfvx", "cefrsx", "drsw", "cdgrtv", "bfhtvy", "bgjnuy", "jkou",
    "hikmnu", "ijlmo", "kop",  "jkn",    "bhjm", "iklp",   "lo",     "aw",     "deft",
    "adewxz", "fgry",  "hijy", "bcfg",   "aeqs", "cdsz",   "ghtu",   "asx"};

bool is_lower_letter(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper_letter(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_ascii_letter(std::string_view letter) {
  return letter.size() == 1 && (is_lower_letter(letter[0]) || is_upper_letter(letter[0]));
}

char neighbour_of(char letter, const TextDraws& draws, uint64_t position) {
  const bool upper = is_upper_letter(letter);
  const std::string_view keys = kNeighbours[static_cast<size_t>(letter - (upper ? 'A' : 'a'))];
  const char key = keys[draws.index_below(keys.size(), position)];
  return upper ? static_cast<char>(key - 'a' + 'A') : key;
}

// Numbers, codes and addresses are no words.
bool is_code(std::string_view token) {
  return std::ranges::any_of(jinja::split_characters(token), [](std::string_view character) {
    return jinja::is_alphanumeric(jinja::decode_at(character, 0).value)
               ? !jinja::is_alpha(jinja::decode_at(character, 0).value)
               : std::string_view("@/\\_").find(character) != std::string_view::npos;
  });
}

// The runs of letters of a text that may be changed.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (const std::string_view token : jinja::split_words(text, -1)) {
    if (is_code(token)) continue;
    size_t start = 0;
    for (size_t at = 0; at <= token.size();) {
      const bool end = at == token.size();
      const CodePoint next = end ? CodePoint{0, 1} : jinja::decode_at(token, at);
      if (end || !jinja::is_alpha(next.value)) {
        if (at > start) words.push_back(token.substr(start, at - start));
        start = at + next.bytes;
      }
      at += next.bytes;
    }
  }
  return words;
}

std::string misspelt(const std::vector<std::string_view>& letters, const TextDraws& draws, uint64_t first) {
  enum class Typo { neighbour, dropped, doubled, swapped };
  auto typo = static_cast<Typo>(draws.index_below(4, first + 1));
  size_t at = 1 + draws.index_below(letters.size() - 1, first + 2);
  if (typo == Typo::swapped) {
    at = std::min(at, letters.size() - 2);
    if (letters[at] == letters[at + 1]) typo = Typo::dropped;
  }
  if (typo == Typo::neighbour && !is_ascii_letter(letters[at])) typo = Typo::dropped;
  std::string out;
  for (size_t i = 0; i < letters.size(); ++i) {
    if (i != at) {
      out += letters[i];
      continue;
    }
    switch (typo) {
      case Typo::neighbour:
        out += neighbour_of(letters[i][0], draws, first + 3);
        break;
      case Typo::dropped:
        break;
      case Typo::doubled:
        out.append(letters[i]).append(letters[i]);
        break;
      case Typo::swapped:
        out.append(letters[i + 1]).append(letters[i]);
        ++i;
        break;
    }
  }
  return out;
}

bool is_digit_at(std::string_view text, size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

// The code point that ends before `at`; 0 at the start.
char32_t before(std::string_view text, size_t at) {
  if (at == 0) return 0;
  size_t start = at - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
  return jinja::decode_at(text, start).value;
}

}  // namespace

double TextDraws::at(uint64_t position) const {
  return uniform(seed, stream, position);
}

size_t TextDraws::index_below(size_t count, uint64_t position) const {
  return std::min(count - 1, static_cast<size_t>(at(position) * static_cast<double>(count)));
}

void keep_words(std::string_view text, KeptWords& kept) {
  for (const std::string_view word : words_of(text)) kept.insert(jinja::to_folded_case(word));
}

std::string with_typos(std::string_view text, double rate, const KeptWords& kept, const TextDraws& draws) {
  std::string out;
  size_t copied = 0;
  uint64_t position = 0;
  for (const std::string_view word : words_of(text)) {
    const uint64_t first = position;
    position += kDrawsOfWord;
    if (draws.at(first) >= rate || kept.contains(jinja::to_folded_case(word))) continue;
    const std::vector<std::string_view> letters = jinja::split_characters(word);
    if (letters.size() < kFewestLetters) continue;
    const auto start = static_cast<size_t>(word.data() - text.data());
    out += text.substr(copied, start - copied);
    out += misspelt(letters, draws, first);
    copied = start + word.size();
  }
  return out.append(text.substr(copied));
}

std::string with_uneven_spaces(std::string_view text, double rate, const TextDraws& draws) {
  std::string out;
  uint64_t position = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const bool alone =
        text[at] == ' ' && at > 0 && at + 1 < text.size() && text[at - 1] != ' ' && text[at + 1] != ' ';
    if (!alone) {
      out += text[at];
      continue;
    }
    const uint64_t first = position;
    position += 2;
    const bool hit = draws.at(first) < rate;
    const bool beside_digit = is_digit_at(text, at - 1) || is_digit_at(text, at + 1);
    const bool lost = hit && !beside_digit && draws.at(first + 1) < 0.5;
    if (!lost) out += hit ? "  " : " ";
  }
  return out;
}

std::string without_marks(std::string_view text) {
  constexpr std::string_view kMarks = ".,;:!?\"'()";
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    const bool mark = kMarks.find(text[at]) != std::string_view::npos;
    const bool more = at + 1 < text.size();
    const bool within = mark && more && jinja::is_alphanumeric(before(text, at)) &&
                        jinja::is_alphanumeric(jinja::decode_at(text, at + 1).value);
    if (!mark || within || is_digit_at(text, at + 1)) out += text[at];
  }
  return out;
}

std::string with_filler(std::string_view text, std::string_view filler, size_t words, FillerPlace place) {
  const size_t own = jinja::split_words(text, -1).size();
  const size_t added = jinja::split_words(filler, -1).size();
  std::string lines;
  for (size_t count = own; added > 0 && count < words; count += added) {
    if (place == FillerPlace::after) lines += '\n';
    lines += filler;
    if (place == FillerPlace::before) lines += '\n';
  }
  return place == FillerPlace::before ? lines + std::string(text) : std::string(text) + lines;
}

}  // namespace sizeup
