// Sentence boundaries and content words of English-like text, by fixed rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tasks/values/source_text.h"

namespace sizeup {

// A sentence ends at a line's end, or at . ! ? (and closing quotes) before white space, unless the point ends
// an abbreviation, a single capital or a number in a list ("1.").
std::vector<TextRange> split_sentences(std::string_view text);

// Words that carry no content: articles, pronouns, prepositions, auxiliaries, yes and no.
bool is_function_word(const std::string& folded);

}  // namespace sizeup
