// A text as hurried people and careless programs write it. What is changed is a pure function of the text and
// the draws; numbers, and words that are to be kept, stay as they are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

namespace sizeup {

// Numbers that depend on nothing but seed and stream: the same on every machine and in any order.
struct TextDraws {
  uint64_t seed = 0;
  uint64_t stream = 0;

  double at(uint64_t position) const;  // uniform in [0, 1)
  size_t index_below(size_t count, uint64_t position) const;
};

// Words in folded case that no typo may touch.
using KeptWords = std::unordered_set<std::string>;
void keep_words(std::string_view text, KeptWords& kept);

// A share `rate` of the words of three letters and more, drawn one by one, gets one typo: a letter replaced
// by its neighbour on a QWERTY keyboard, dropped, doubled, or swapped with the next one. The first letter
// stays, as does all that stands together with a digit or with one of @ / \ _ (numbers, codes, addresses). A
// higher rate has the typos of a lower one and more.
std::string with_typos(std::string_view text, double rate, const KeptWords& kept, const TextDraws& draws);

// A share `rate` of the single spaces is doubled or lost; beside a digit it is never lost.
std::string with_uneven_spaces(std::string_view text, double rate, const TextDraws& draws);

// Without . , ; : ! ? " ' ( and ), except within a word or number ("don't", "3.50") and before a digit.
std::string without_marks(std::string_view text);

enum class FillerPlace { before, after };

// With so many copies of `filler` on lines of their own that it has at least `words` words.
std::string with_filler(std::string_view text, std::string_view filler, size_t words, FillerPlace place);

}  // namespace sizeup
