#include "core/jinja/operators.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/jinja/evaluator.h"
#include "core/jinja/format.h"
#include "core/jinja/numbers.h"
#include "core/jinja/text.h"

namespace sizeup::jinja {
namespace {

[[noreturn]] void fail_operands(std::string_view symbol, const Value& left, const Value& right) {
  if (left.is_undefined()) fail_undefined(left);
  if (right.is_undefined()) fail_undefined(right);
  fail(fmt::format("unsupported operand type(s) for {}: '{}' and '{}'", symbol, type_name(left),
                   type_name(right)));
}

bool is_list_or_tuple(const Value& value) {
  return value.sequence() != nullptr &&
         (value.sequence()->kind == SequenceKind::list || value.sequence()->kind == SequenceKind::tuple);
}

Value add_sequences(const Sequence& left, const Sequence& right, Limits& limits) {
  limits.charge(static_cast<int64_t>(left.items.size() + right.items.size()));
  std::vector<Value> items = left.items;
  items.insert(items.end(), right.items.begin(), right.items.end());
  return make_sequence(left.kind, std::move(items));
}

Value repeat(const Value& value, int64_t times, Limits& limits) {
  const auto count = static_cast<size_t>(std::max<int64_t>(times, 0));
  const auto product = [&](size_t size) {
    size_t total = 0;
    if (__builtin_mul_overflow(size, count, &total)) fail("the result of a repetition is too long");
    return total;
  };
  if (value.is_string()) {
    limits.charge_bytes(product(value.text().size()));
    std::string text;
    text.reserve(product(value.text().size()));
    for (size_t i = 0; i < count && !value.text().empty(); ++i) text += value.text();
    return Value(std::move(text), value.is_markup());
  }
  const Sequence& sequence = *value.sequence();
  limits.charge(static_cast<int64_t>(std::min<size_t>(product(sequence.items.size()), INT64_MAX)));
  std::vector<Value> items;
  for (size_t i = 0; i < count && !sequence.items.empty(); ++i) {
    items.insert(items.end(), sequence.items.begin(), sequence.items.end());
  }
  return make_sequence(sequence.kind, std::move(items));
}

// Python's slice.indices: start, stop, step for a sequence of this length.
struct SliceRange {
  int64_t start, stop, step;
};

int64_t slice_bound(const Value& bound) {
  if (bound.is_undefined()) fail_undefined(bound);
  if (!bound.is_integer()) fail("slice indices must be integers or None");
  return bound.integer();
}

SliceRange slice_range(const Value& start, const Value& stop, const Value& step, int64_t length) {
  const int64_t by = step.is_none() ? 1 : slice_bound(step);
  if (by == 0) fail("slice step cannot be zero");
  const int64_t low = by < 0 ? -1 : 0;
  const int64_t high = by < 0 ? length - 1 : length;
  const auto place = [&](const Value& bound, int64_t fallback) {
    if (bound.is_none()) return fallback;
    const int64_t at = slice_bound(bound);
    return at < 0 ? std::max(at + length, low) : std::min(at, high);
  };
  return {place(start, by < 0 ? high : low), place(stop, by < 0 ? low : high), by};
}

template <class Take>
void walk(const SliceRange& range, Take take) {
  // A step past either end stops the walk, so `i + step` cannot overflow before the check.
  for (int64_t i = range.start; range.step > 0 ? i < range.stop : i > range.stop;) {
    take(static_cast<size_t>(i));
    if (__builtin_add_overflow(i, range.step, &i)) break;
  }
}

Value slice_string(const Value& object, const Value& start, const Value& stop, const Value& step,
                   Limits& limits) {
  const std::string& text = object.text();
  limits.charge_bytes(text.size());
  const auto length = static_cast<int64_t>(count_code_points(text));
  const SliceRange range = slice_range(start, stop, step, length);
  if (range.step == 1) {
    if (range.start >= range.stop) return Value(std::string(), object.is_markup());
    const size_t begin = byte_of_character(text, static_cast<size_t>(range.start));
    const std::string_view tail = std::string_view(text).substr(begin);
    const size_t bytes = byte_of_character(tail, static_cast<size_t>(range.stop - range.start));
    return Value(std::string(tail.substr(0, bytes)), object.is_markup());
  }
  const std::vector<std::string_view> characters = split_characters(text);
  std::string out;
  walk(range, [&](size_t i) { out += characters[i]; });
  return Value(std::move(out), object.is_markup());
}

std::optional<size_t> place_of(int64_t index, size_t size) {
  const auto length = static_cast<int64_t>(size);
  if (index < 0) index += length;
  if (index < 0 || index >= length) return std::nullopt;
  return static_cast<size_t>(index);
}

std::optional<Value> character_at(const Value& object, int64_t index, Limits& limits) {
  const std::string& text = object.text();
  limits.charge(static_cast<int64_t>(text.size()) / kBytesPerStep);
  const auto place = place_of(index, count_code_points(text));
  if (!place) return std::nullopt;
  const size_t byte = byte_of_character(text, *place);
  return Value(text.substr(byte, decode_at(text, byte).bytes), object.is_markup());
}

}  // namespace

Value unary_operator(std::string_view symbol, const Value& operand) {
  if (operand.is_undefined()) fail_undefined(operand);
  if (!operand.is_number())
    fail(fmt::format("bad operand type for unary {}: '{}'", symbol, type_name(operand)));
  if (symbol == "-") {
    return operand.is_integer() ? arithmetic("-", Value(int64_t{0}), operand) : Value(-operand.real());
  }
  return operand.is_integer() ? Value(operand.integer()) : operand;
}

Value binary_operator(std::string_view symbol, const Value& left, const Value& right, Evaluator& evaluator) {
  Limits& limits = evaluator.limits();
  if (left.is_number() && right.is_number()) return arithmetic(symbol, left, right);
  if (symbol == "%" && left.is_string()) return percent_format(left, right, evaluator);
  if (symbol == "+" && left.is_string() && right.is_string()) return add_strings(left, right, limits);
  if (symbol == "+" && is_list_or_tuple(left) && is_list_or_tuple(right) &&
      left.sequence()->kind == right.sequence()->kind) {
    return add_sequences(*left.sequence(), *right.sequence(), limits);
  }
  if (symbol == "*") {
    if ((left.is_string() || is_list_or_tuple(left)) && right.is_integer())
      return repeat(left, right.integer(), limits);
    if (left.is_integer() && (right.is_string() || is_list_or_tuple(right)))
      return repeat(right, left.integer(), limits);
  }
  fail_operands(symbol, left, right);
}

bool contains(const Value& container, const Value& item, Limits& limits) {
  if (container.is_undefined()) {
    if (container.get<Undefined>()->strict) fail_undefined(container);
    return false;
  }
  if (container.is_string()) {
    if (item.is_undefined()) fail_undefined(item);
    if (!item.is_string()) {
      fail(fmt::format("'in <string>' requires string as left operand, not {}", type_name(item)));
    }
    limits.charge(static_cast<int64_t>(container.text().size()) / kBytesPerStep);
    return container.text().find(item.text()) != std::string::npos;
  }
  if (const Dict* dict = container.dict()) {
    if (item.is_undefined() && item.get<Undefined>()->strict) fail_undefined(item);
    if (item.dict() != nullptr ||
        (item.sequence() != nullptr && item.sequence()->kind == SequenceKind::list)) {
      fail(fmt::format("unhashable type: '{}'", type_name(item)));
    }
    return dict->find(item) != nullptr;
  }
  if (container.sequence() == nullptr) {
    fail(fmt::format("argument of type '{}' is not iterable", type_name(container)));
  }
  for (const Value& candidate : take_items(container, limits)) {
    if (candidate.same_object(item) || equal(candidate, item, limits)) return true;
  }
  return false;
}

bool comparison_holds(std::string_view symbol, const Value& left, const Value& right, Limits& limits) {
  if (symbol == "==") return equal(left, right, limits);
  if (symbol == "!=") return !equal(left, right, limits);
  if (symbol == "in") return contains(right, left, limits);
  if (symbol == "not in") return !contains(right, left, limits);
  const int order = compare(left, right, symbol, limits);
  if (symbol == "<") return order < 0;
  if (symbol == "<=") return order <= 0;
  if (symbol == ">") return order > 0;
  return order >= 0;
}

std::optional<Value> find_item(const Value& object, const Value& key, Limits& limits) {
  if (const Dict* dict = object.dict()) {
    const Value* found = dict->find(key);
    return found != nullptr ? std::optional<Value>(*found) : std::nullopt;
  }
  if (!key.is_integer()) return std::nullopt;
  if (object.is_string()) return character_at(object, key.integer(), limits);
  const Sequence* sequence = object.sequence();
  if (sequence == nullptr) return std::nullopt;
  const bool is_indexed = is_list_or_tuple(object) || sequence->kind == SequenceKind::range;
  const auto place = is_indexed ? place_of(key.integer(), sequence->items.size()) : std::nullopt;
  return place ? std::optional<Value>(sequence->items[*place]) : std::nullopt;
}

Value slice_of(const Value& object, const Value& start, const Value& stop, const Value& step,
               Limits& limits) {
  if (object.is_undefined()) fail_undefined(object);
  if (object.is_string()) return slice_string(object, start, stop, step, limits);
  if (!is_list_or_tuple(object) &&
      !(object.sequence() != nullptr && object.sequence()->kind == SequenceKind::range)) {
    fail(fmt::format("'{}' object cannot be sliced", type_name(object)));
  }
  const Sequence& sequence = *object.sequence();
  const SliceRange range = slice_range(start, stop, step, static_cast<int64_t>(sequence.items.size()));
  std::vector<Value> items;
  walk(range, [&](size_t i) { items.push_back(sequence.items[i]); });
  limits.charge(static_cast<int64_t>(items.size()));
  Value out = make_sequence(sequence.kind, std::move(items));
  if (sequence.kind == SequenceKind::range) {
    const auto& [first, last, by] = sequence.range;
    auto sliced = std::make_shared<Sequence>(*out.sequence());
    sliced->range = {first + range.start * by, first + range.stop * by, by * range.step};
    return sliced;
  }
  return out;
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
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
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Value add_strings(const Value& left, const Value& right, Limits& limits) {
  const bool markup = left.is_markup() || right.is_markup();
  BoundedText text(limits);
  text.append(markup && !left.is_markup() ? escape_html(left.text()) : left.text());
  text.append(markup && !right.is_markup() ? escape_html(right.text()) : right.text());
  return Value(text.take(), markup);
}

}  // namespace sizeup::jinja
