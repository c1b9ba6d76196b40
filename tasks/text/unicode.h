// Python's text operations, because scores must agree with programs written in Python: what counts as white
// space, lower and upper case. Texts are UTF-8 and valid (see replace_invalid_utf8).
#pragma once

#include <string>
#include <string_view>

namespace sizeup {

// str.isspace of one code point.
bool is_python_space(char32_t code_point);

// str.strip().
std::string_view python_strip(std::string_view text);

// str.lower(), the final sigma and the dotted capital I included.
std::string python_lower(std::string_view text);

// str.upper(), with the sharp s and the Latin ligatures; other multi-letter capitals (as of U+0390) are kept.
std::string python_upper(std::string_view text);

// What comparisons of free text use: compatibility forms and case folded (NFKC_Casefold), white space runs
// one space, none at the ends.
std::string fold_text(std::string_view text);

// SQuAD's normalisation: lower case, no ASCII punctuation, no articles, white space folded.
std::string squad_text(std::string_view text);

bool is_letter(char32_t code_point);  // general categories L*
bool is_upper(char32_t code_point);   // Lu, Lt

}  // namespace sizeup
