#include "reports/html/html.h"

#include <array>
#include <optional>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "core/text/utf8.h"
#include "reports/html/pack.h"
#include "reports/text.h"

namespace sizeup {
namespace {

std::string shortest(double value) {
  std::string text = fmt::format("{:.2f}", value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += c;
  }
}

// Calls plain(bytes) for runs of ordinary text and odd(code_point) for what must be seen, not obeyed.
template <class Plain, class Odd>
void split_odd(std::string_view text, Plain plain, Odd odd) {
  size_t start = 0;
  size_t at = 0;
  while (at < text.size()) {
    const std::optional<CodePoint> next = decode_utf8(text.substr(at));
    if (next && !is_odd(next->value)) {
      at += next->bytes;
      continue;
    }
    if (at > start) plain(text.substr(start, at - start));
    if (next) {
      odd(next->value);
      at += next->bytes;
    } else {
      plain("\ufffd");
      at += invalid_utf8_length(text.substr(at));
    }
    start = at;
  }
  if (at > start) plain(text.substr(start));
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  split_odd(
      text,
      [&](std::string_view plain) {
        for (const char c : plain) append_escaped(out, c);
      },
      [&](char32_t odd) { out += fmt::format("[{}]", code_point_name(odd)); });
  return out;
}

Html boxed_text(std::string_view text) {
  Html out;
  split_odd(
      text, [&](std::string_view plain) { out += html("{}", plain); },
      [&](char32_t odd) { out += html("<span class=\"ctl\">{}</span>", code_point_name(odd)); });
  return out;
}

void HtmlAccess::append(Html& html, Percent value) {
  html.text_ += shortest(value.value) + "%";
}
void HtmlAccess::append(Html& html, Coordinate value) {
  html.text_ += shortest(value.value);
}

std::string json_for_script(const Json& value) {
  const std::string text = to_line(value);
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '<') {
      out += "\\u003c";
    } else if (text.compare(i, 3, "\u2028") == 0 || text.compare(i, 3, "\u2029") == 0) {
      out += text.compare(i, 3, "\u2028") == 0 ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Html json_block(const Json& value) {
  Html out;
  HtmlAccess::literal(out, json_for_script(value));
  return out;
}

Html packed_block(std::string_view bytes) {
  Html out;
  HtmlAccess::literal(out, base64(gzip(bytes)));
  return out;
}

Html asset(const Asset& file) {
  Html out;
  HtmlAccess::literal(out, file.text);
  return out;
}

std::string content_hash(std::string_view content) {
  const std::array<uint8_t, 32> digest = sha256(content);
  return "sha256-" + base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace sizeup
