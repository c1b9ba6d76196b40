// How texts are compared where exact equality would be too strict. Texts are UTF-8. Python's own text
// operations (strip, lower, upper), which agreement with Python programs needs, are in core/jinja/text.h.
#pragma once

#include <string>
#include <string_view>

namespace sizeup {

// What comparisons of free text use: compatibility forms and case folded (NFKC_Casefold), white space runs
// one space, none at the ends.
std::string fold_text(std::string_view text);

// str.strip().
std::string_view python_strip(std::string_view text);

// SQuAD's normalisation: lower case, no ASCII punctuation, no articles (as words in the sense of regular
// expressions), white space folded.
std::string squad_text(std::string_view text);

// The text without characters of the general categories P* (Unicode's punctuation).
std::string without_punctuation(std::string_view text);

bool is_ascii_punctuation(char c);  // Python's string.punctuation

bool is_upper(char32_t code_point);  // Lu, Lt

}  // namespace sizeup
