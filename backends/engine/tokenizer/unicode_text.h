// What tokenizers ask about characters, and Unicode's transformations of whole texts.
#pragma once

#include <string>
#include <string_view>

namespace sizeup {

bool is_white_space(char32_t c);  // the property White_Space
bool is_mark(char32_t c);         // combining: categories Mn, Mc, Me
bool is_nonspacing_mark(char32_t c);
bool is_other(char32_t c);  // controls, formats, private use

enum class UnicodeForm { nfc, nfd, nfkc, nfkd };

// `text` is valid UTF-8.
std::string to_form(std::string_view text, UnicodeForm form);

// Each character for itself, without regard to its neighbours (a final sigma stays a medial one).
std::string to_lower(std::string_view text);

}  // namespace sizeup
