#include "core/jinja/string_methods.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/jinja/evaluator.h"
#include "core/jinja/operators.h"
#include "core/jinja/string_layout.h"
#include "core/jinja/string_predicates.h"
#include "core/jinja/text.h"

namespace sizeup::jinja {
namespace {

// A method's result is markup where its object is.
Value like_input(const Invocation& call, std::string text) {
  return Value(std::move(text), call.input.is_markup());
}

Value list_like_input(const Invocation& call, const std::vector<std::string_view>& parts) {
  call.limits.charge(static_cast<int64_t>(parts.size()));
  std::vector<Value> items;
  items.reserve(parts.size());
  for (std::string_view part : parts) items.push_back(like_input(call, std::string(part)));
  return make_list(std::move(items));
}

// An argument's text, escaped if the object is markup and the argument is not.
std::string escaped_argument(const Invocation& call, size_t index) {
  const std::string_view text = call.text(index, "");
  return call.input.is_markup() && !call[index].is_markup() ? escape_html(text) : std::string(text);
}

Value strip(const Invocation& call, bool left, bool right) {
  std::string_view text = call.input.text();
  if (call.given_not_none(0)) {
    const std::string_view set = call.text(0, "");
    if (left) text = strip_left(text, set);
    if (right) text = strip_right(text, set);
  } else {
    if (left) text = strip_left(text);
    if (right) text = strip_right(text);
  }
  return like_input(call, std::string(text));
}

Value str_strip(const Invocation& call) {
  return strip(call, true, true);
}
Value str_lstrip(const Invocation& call) {
  return strip(call, true, false);
}
Value str_rstrip(const Invocation& call) {
  return strip(call, false, true);
}
Value str_upper(const Invocation& call) {
  return like_input(call, to_upper(call.input.text()));
}
Value str_lower(const Invocation& call) {
  return like_input(call, to_lower(call.input.text()));
}
Value str_title(const Invocation& call) {
  return like_input(call, to_title(call.input.text()));
}
Value str_capitalize(const Invocation& call) {
  return like_input(call, to_capitalized(call.input.text()));
}
Value str_swapcase(const Invocation& call) {
  return like_input(call, to_swapped_case(call.input.text()));
}
Value str_casefold(const Invocation& call) {
  return like_input(call, to_folded_case(call.input.text()));
}

std::string_view separator_of(const Invocation& call) {
  const std::string_view separator = call.text(0, "");
  if (separator.empty()) fail("empty separator");
  return separator;
}

Value str_split(const Invocation& call) {
  const int64_t limit = call.integer(1, -1);
  std::string_view rest = call.input.text();
  if (!call.given_not_none(0)) return list_like_input(call, split_words(rest, limit));
  const std::string_view separator = separator_of(call);
  std::vector<std::string_view> parts;
  while (limit < 0 || static_cast<int64_t>(parts.size()) < limit) {
    const size_t at = rest.find(separator);
    if (at == std::string_view::npos) break;
    parts.push_back(rest.substr(0, at));
    rest.remove_prefix(at + separator.size());
  }
  parts.push_back(rest);
  return list_like_input(call, parts);
}

Value str_rsplit(const Invocation& call) {
  const int64_t limit = call.integer(1, -1);
  std::string_view rest = call.input.text();
  if (!call.given_not_none(0)) return list_like_input(call, split_words_from_right(rest, limit));
  const std::string_view separator = separator_of(call);
  std::vector<std::string_view> parts;
  while (limit < 0 || static_cast<int64_t>(parts.size()) < limit) {
    const size_t at = rest.rfind(separator);
    if (at == std::string_view::npos) break;
    parts.push_back(rest.substr(at + separator.size()));
    rest = rest.substr(0, at);
  }
  parts.push_back(rest);
  std::reverse(parts.begin(), parts.end());
  return list_like_input(call, parts);
}

Value str_splitlines(const Invocation& call) {
  return list_like_input(call, split_lines(call.input.text(), call.flag(0, false)));
}

// The part of the object between two character positions (arguments `first` and `first` + 1), as a slice;
// nullopt if it begins past the end, where not even the empty string is found.
struct Window {
  std::string_view text;
  size_t begin;  // in characters
};

std::optional<Window> window(const Invocation& call, size_t first) {
  const std::string_view text = call.input.text();
  if (!call.given_not_none(first) && !call.given_not_none(first + 1)) return Window{text, 0};
  const auto length = static_cast<int64_t>(count_code_points(text));
  const auto place = [&](size_t index, int64_t fallback) {
    if (!call.given_not_none(index)) return fallback;
    const int64_t at = call.integer(index, 0);
    return at < 0 ? std::max<int64_t>(at + length, 0) : at;
  };
  const int64_t begin = place(first, 0);
  const int64_t end = std::min(place(first + 1, length), length);
  if (begin > end) return std::nullopt;
  const size_t from = byte_of_character(text, static_cast<size_t>(begin));
  const size_t to = byte_of_character(text, static_cast<size_t>(end));
  return Window{text.substr(from, to - from), static_cast<size_t>(begin)};
}

Value matches_end(const Invocation& call, bool at_start) {
  const std::optional<Window> part = window(call, 1);
  const auto matches = [&](const Value& affix) {
    if (affix.is_undefined()) fail_undefined(affix);
    if (!affix.is_string()) {
      fail(fmt::format("{} first arg must be str or a tuple of str, not {}", call.name, type_name(affix)));
    }
    if (!part) return false;
    return at_start ? part->text.starts_with(affix.text()) : part->text.ends_with(affix.text());
  };
  const Sequence* affixes = call[0].sequence();
  if (affixes == nullptr || affixes->kind != SequenceKind::tuple) return matches(call[0]);
  return std::any_of(affixes->items.begin(), affixes->items.end(), matches);
}

Value str_startswith(const Invocation& call) {
  return matches_end(call, true);
}
Value str_endswith(const Invocation& call) {
  return matches_end(call, false);
}

int64_t find_in(const Invocation& call, bool from_right) {
  const std::string_view wanted = call.text(0, "");
  const std::optional<Window> part = window(call, 1);
  if (!part) return -1;
  const size_t at = from_right ? part->text.rfind(wanted) : part->text.find(wanted);
  if (at == std::string_view::npos) return -1;
  return static_cast<int64_t>(part->begin + count_code_points(part->text.substr(0, at)));
}

int64_t require_found(int64_t place) {
  if (place < 0) fail("substring not found");
  return place;
}

Value str_find(const Invocation& call) {
  return find_in(call, false);
}
Value str_rfind(const Invocation& call) {
  return find_in(call, true);
}
Value str_index(const Invocation& call) {
  return require_found(find_in(call, false));
}
Value str_rindex(const Invocation& call) {
  return require_found(find_in(call, true));
}

Value str_count(const Invocation& call) {
  const std::string_view wanted = call.text(0, "");
  const std::optional<Window> part = window(call, 1);
  if (!part) return int64_t{0};
  if (wanted.empty()) return static_cast<int64_t>(count_code_points(part->text)) + 1;
  int64_t count = 0;
  for (size_t at = part->text.find(wanted); at != std::string_view::npos;
       at = part->text.find(wanted, at + wanted.size())) {
    ++count;
  }
  return count;
}

Value str_replace(const Invocation& call) {
  const std::string& text = call.input.text();
  const std::string_view from = call.text(0, "");
  (void)call.text(1, "");  // checks the type
  const std::string to = escaped_argument(call, 1);
  const int64_t count = call.integer(2, -1);
  call.limits.charge_bytes(replaced_size(text, from, to, count));
  return like_input(call, replace_all(text, from, to, count));
}

Value str_join(const Invocation& call) {
  BoundedText out(call.limits);
  bool first = true;
  for (const Value& item : take_items(call[0], call.limits)) {
    if (!std::exchange(first, false)) out.append(call.input.text());
    if (call.input.is_markup()) {
      out.append(item.is_markup() ? item.text() : escape_html(to_text(item, call.limits)));
      continue;
    }
    if (item.is_undefined()) fail_undefined(item);
    if (!item.is_string())
      fail(fmt::format("sequence item: expected str instance, {} found", type_name(item)));
    out.append(item.text());
  }
  return like_input(call, out.take());
}

Value str_removeprefix(const Invocation& call) {
  std::string_view text = call.input.text();
  const std::string_view prefix = call.text(0, "");
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return like_input(call, std::string(text));
}

Value str_removesuffix(const Invocation& call) {
  std::string_view text = call.input.text();
  const std::string_view suffix = call.text(0, "");
  if (text.ends_with(suffix)) text.remove_suffix(suffix.size());
  return like_input(call, std::string(text));
}

Value partition(const Invocation& call, bool from_right) {
  const std::string_view text = call.input.text();
  const std::string_view separator = separator_of(call);
  const size_t at = from_right ? text.rfind(separator) : text.find(separator);
  const auto piece = [&call](std::string_view part) { return like_input(call, std::string(part)); };
  if (at == std::string_view::npos) {
    return from_right ? make_tuple({piece(""), piece(""), piece(text)})
                      : make_tuple({piece(text), piece(""), piece("")});
  }
  return make_tuple({piece(text.substr(0, at)), piece(separator), piece(text.substr(at + separator.size()))});
}

Value str_partition(const Invocation& call) {
  return partition(call, false);
}
Value str_rpartition(const Invocation& call) {
  return partition(call, true);
}

constexpr Builtin kMethods[] = {
    {"capitalize", "", str_capitalize},
    {"casefold", "", str_casefold},
    {"count", "!sub start end", str_count},
    {"endswith", "!suffix start end", str_endswith},
    {"find", "!sub start end", str_find},
    {"index", "!sub start end", str_index},
    {"join", "!iterable", str_join},
    {"lower", "", str_lower},
    {"lstrip", "chars", str_lstrip},
    {"partition", "!sep", str_partition},
    {"removeprefix", "!prefix", str_removeprefix},
    {"removesuffix", "!suffix", str_removesuffix},
    {"replace", "!old !new count", str_replace},
    {"rfind", "!sub start end", str_rfind},
    {"rindex", "!sub start end", str_rindex},
    {"rpartition", "!sep", str_rpartition},
    {"rsplit", "sep maxsplit", str_rsplit},
    {"rstrip", "chars", str_rstrip},
    {"split", "sep maxsplit", str_split},
    {"splitlines", "keepends", str_splitlines},
    {"startswith", "!prefix start end", str_startswith},
    {"strip", "chars", str_strip},
    {"swapcase", "", str_swapcase},
    {"title", "", str_title},
    {"upper", "", str_upper},
};

constexpr std::string_view kMissing[] = {"encode",    "format",    "format_map", "isidentifier",
                                         "isnumeric", "maketrans", "translate"};

}  // namespace

const Builtin* find_string_method(std::string_view name) {
  for (const std::span<const Builtin> table :
       {std::span<const Builtin>(kMethods), string_layout_methods(), string_predicates()}) {
    if (const Builtin* row = find_builtin(table, name)) return row;
  }
  return nullptr;
}
std::span<const std::string_view> missing_string_methods() {
  return kMissing;
}

}  // namespace sizeup::jinja
