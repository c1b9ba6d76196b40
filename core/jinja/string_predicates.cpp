#include "core/jinja/string_predicates.h"

#include "core/jinja/text.h"

namespace sizeup::jinja {
namespace {

bool is_ascii(char32_t c) {
  return c < 0x80;
}

template <bool (*holds)(char32_t)>
bool all(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    if (!holds(point.value)) return false;
    i += point.bytes;
  }
  return true;
}

// Python: true of a text that has such characters only, and at least one.
template <bool (*holds)(char32_t)>
Value every(const Invocation& call) {
  return !call.input.text().empty() && all<holds>(call.input.text());
}
// These two are true of the empty text as well.
template <bool (*holds)(char32_t)>
Value every_or_none(const Invocation& call) {
  return all<holds>(call.input.text());
}

Value str_islower(const Invocation& call) {
  return is_lower(call.input.text());
}
Value str_isupper(const Invocation& call) {
  return is_upper(call.input.text());
}
Value str_istitle(const Invocation& call) {
  return is_title(call.input.text());
}

constexpr Builtin kMethods[] = {
    {"isalnum", "", every<is_alphanumeric>},
    {"isalpha", "", every<is_alpha>},
    {"isascii", "", every_or_none<is_ascii>},
    {"isdecimal", "", every<is_decimal>},
    {"isdigit", "", every<is_digit>},
    {"islower", "", str_islower},
    {"isprintable", "", every_or_none<is_printable>},
    {"isspace", "", every<is_space>},
    {"istitle", "", str_istitle},
    {"isupper", "", str_isupper},
};

}  // namespace

std::span<const Builtin> string_predicates() {
  return kMethods;
}

}  // namespace sizeup::jinja
