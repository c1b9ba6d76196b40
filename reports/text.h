// Foreign text on its way into a report.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/text/utf8.h"

namespace sizeup {

// Controls (but tab and line feed), bidi overrides, zero-width and tag characters: shown as code points,
// never obeyed. The page's script has the same list.
bool is_odd(char32_t code_point);

std::string code_point_name(char32_t code_point);  // "U+202E"

// A name of a model, task, field or slice value: valid UTF-8, odd code points spelled out, at most 120 code
// points. Names are cleaned once, so that page, JSON and CSV use the same.
std::string clean_name(std::string_view name);

// A sentence for a terminal: as clean_name, of any length.
std::string clean_text(std::string_view text);

// Text for a markup language: invalid UTF-8 becomes U+FFFD, `&`, `<` and `>` entities, tabs and line feeds
// spaces. Whatever else there is `write` adds to `out`, one code point at a time: the first of `rest`.
using MarkupWriter = std::function<void(CodePoint next, std::string_view rest, std::string& out)>;
std::string marked_up(std::string_view text, const MarkupWriter& write);

// What a scenario of latencies is: "8 requests at a time" for concurrent:8.
std::string load_in_words(std::string_view scenario);

// The first `limit` code points, with "…" where something was cut; white space runs become one space.
std::string snippet(std::string_view text, size_t limit);

}  // namespace sizeup
