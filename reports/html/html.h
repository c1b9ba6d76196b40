// Markup that cannot be broken by a value. The only way to make Html is a template that is known at compile
// time; the only way to put a value into it is a {} placeholder, and every value is escaped there.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/json/json_fwd.h"

namespace sizeup {

// Text for element content and for double-quoted attributes: & < > " ' as character references, invalid UTF-8
// as U+FFFD, and what is invisible or would reorder its neighbours (controls, bidi overrides, zero-width and
// tag characters) as its code point, "[U+202E]".
std::string escape(std::string_view text);

class Html {
 public:
  Html() = default;
  const std::string& str() const { return text_; }
  bool empty() const { return text_.empty(); }
  Html& operator+=(const Html& other) {
    text_ += other.text_;
    return *this;
  }

 private:
  friend struct HtmlAccess;
  std::string text_;
};

// A position inside a graphic, printed as "16.67%".
struct Percent {
  double value;
};

// A length in pixels or a coordinate of a nested 0..100 view, at most two decimals.
struct Coordinate {
  double value;
};

// The one place that writes unescaped characters.
struct HtmlAccess {
  static void append(Html& html, const Html& piece) { html.text_ += piece.text_; }
  static void append(Html& html, std::string_view value) { html.text_ += escape(value); }
  static void append(Html& html, const std::string& value) { html.text_ += escape(value); }
  static void append(Html& html, const char* value) { html.text_ += escape(value); }
  static void append(Html& html, Percent value);
  static void append(Html& html, Coordinate value);
  template <std::integral Integer>
  static void append(Html& html, Integer value) {
    html.text_ += fmt::format("{}", value);
  }
  static void literal(Html& html, std::string_view text) { html.text_ += text; }
};

// A string literal with one {} for each value; anything else does not compile.
template <class... Values>
class MarkupTemplate {
 public:
  template <size_t N>
  consteval MarkupTemplate(const char (&text)[N]) : text_(text, N - 1) {
    size_t places = 0;
    for (size_t at = text_.find("{}"); at != std::string_view::npos; at = text_.find("{}", at + 2)) ++places;
    if (places != sizeof...(Values)) throw "the number of {} differs from the number of values";
  }
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

template <class... Values>
Html html(MarkupTemplate<std::type_identity_t<Values>...> markup, const Values&... values) {
  Html out;
  std::string_view rest = markup.text();
  [[maybe_unused]] const auto place = [&](const auto& value) {
    const size_t at = rest.find("{}");
    HtmlAccess::literal(out, rest.substr(0, at));
    HtmlAccess::append(out, value);
    rest.remove_prefix(at + 2);
  };
  (place(values), ...);
  HtmlAccess::literal(out, rest);
  return out;
}

// Foreign text as a reader should see it: as escape, but code points that are shown sit in a box of their
// own.
Html boxed_text(std::string_view text);

// JSON for a script element: after serialising, < becomes \u003c, and U+2028 and U+2029 are escaped, so that
// neither </script nor <!-- can occur.
Html json_block(const Json& value);
std::string json_for_script(const Json& value);

// gzip, then base64: no character of the result means anything in HTML.
Html packed_block(std::string_view bytes);

// A file of reports/html/assets, compiled into the program.
struct Asset {
  std::string_view text;
};
extern const Asset kReportCss;
extern const Asset kReportJs;
Html asset(const Asset& file);

// "sha256-…" of a block's exact content, for the content-security policy.
std::string content_hash(std::string_view content);

// For the part of a link after # and =: everything but unreserved characters becomes %XX.
std::string percent_encoded(std::string_view text);

}  // namespace sizeup
