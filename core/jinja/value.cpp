#include "core/jinja/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/jinja/numbers.h"
#include "core/jinja/text.h"
#include "core/json/json.h"

namespace sizeup::jinja {
namespace {

constexpr size_t kIndexFrom = 8;  // below this many entries a linear search is quicker than hashing

int depth_of(const Value& value) {
  if (const Sequence* sequence = value.sequence()) return sequence->depth;
  if (const Dict* dict = value.dict()) return dict->depth;
  return 0;
}

int checked_depth(int inner) {
  if (inner >= kMaxValueDepth)
    fail(fmt::format("values are nested too deeply (at most {} levels)", kMaxValueDepth));
  return inner + 1;
}

bool is_hashable(const Value& value) {
  if (const Sequence* sequence = value.sequence()) {
    if (sequence->kind == SequenceKind::list || sequence->kind == SequenceKind::items) return false;
    if (sequence->kind != SequenceKind::tuple) return true;
    return std::all_of(sequence->items.begin(), sequence->items.end(), is_hashable);
  }
  return value.dict() == nullptr;
}

// Equality of dict keys; these are hashable, so small and never exponentially shared.
bool equal_keys(const Value& left, const Value& right) {
  Limits unlimited(1'000'000, 1);
  return left.is_string() == right.is_string() && equal(left, right, unlimited);
}

bool equal_sequences(const Sequence& left, const Sequence& right, Limits& limits) {
  if (left.kind != right.kind || left.items.size() != right.items.size()) return false;
  for (size_t i = 0; i < left.items.size(); ++i) {
    if (!left.items[i].same_object(right.items[i]) && !equal(left.items[i], right.items[i], limits))
      return false;
  }
  return true;
}

bool equal_dicts(const Dict& left, const Dict& right, Limits& limits) {
  if (left.entries.size() != right.entries.size()) return false;
  for (const auto& [key, value] : left.entries) {
    const Value* other = right.find(key);
    if (other == nullptr || !(value.same_object(*other) || equal(value, *other, limits))) return false;
  }
  return true;
}

bool is_comparable_by_value(SequenceKind kind) {
  return kind == SequenceKind::list || kind == SequenceKind::tuple || kind == SequenceKind::range ||
         kind == SequenceKind::keys || kind == SequenceKind::items;
}

class ReprWriter {
 public:
  explicit ReprWriter(Limits& limits) : out_(limits) {}

  void write(const Value& value) {
    out_.limits().charge(1);
    if (value.is_string()) {
      write_string(value);
    } else if (const Sequence* sequence = value.sequence()) {
      write_sequence(*sequence);
    } else if (const Dict* dict = value.dict()) {
      write_dict(*dict);
    } else if (const Namespace* space = value.name_space()) {
      // Namespaces can contain themselves.
      if (++namespaces_ > kMaxValueDepth) fail("maximum recursion depth exceeded while printing a namespace");
      out_.append("<Namespace ");
      write_dict(space->attributes);
      out_.append(">");
      --namespaces_;
    } else {
      out_.append(scalar(value));
    }
  }
  std::string take() { return out_.take(); }

 private:
  void write_string(const Value& value) {
    if (value.is_markup()) out_.append("Markup(");
    out_.append(quote(value.text()));
    if (value.is_markup()) out_.append(")");
  }

  void write_sequence(const Sequence& sequence) {
    switch (sequence.kind) {
      case SequenceKind::list:
        return write_items("[", sequence.items, "]");
      case SequenceKind::tuple:
        return write_items("(", sequence.items, sequence.items.size() == 1 ? ",)" : ")");
      case SequenceKind::keys:
        return write_items("dict_keys([", sequence.items, "])");
      case SequenceKind::values:
        return write_items("dict_values([", sequence.items, "])");
      case SequenceKind::items:
        return write_items("dict_items([", sequence.items, "])");
      case SequenceKind::range: {
        const auto& [start, stop, step] = sequence.range;
        return out_.append(step == 1 ? fmt::format("range({}, {})", start, stop)
                                     : fmt::format("range({}, {}, {})", start, stop, step));
      }
      case SequenceKind::generator:
        fail("a generator has no text: use it with 'list', 'join' or in a loop");
    }
  }

  void write_items(std::string_view open, const std::vector<Value>& items, std::string_view close) {
    out_.append(open);
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_.append(", ");
      write(items[i]);
    }
    out_.append(close);
  }

  void write_dict(const Dict& dict) {
    out_.append("{");
    for (size_t i = 0; i < dict.entries.size(); ++i) {
      if (i > 0) out_.append(", ");
      write(dict.entries[i].first);
      out_.append(": ");
      write(dict.entries[i].second);
    }
    out_.append("}");
  }

  static std::string scalar(const Value& value) {
    if (value.is_none()) return "None";
    if (value.is_undefined()) return "Undefined";
    if (const bool* boolean = value.get<bool>()) return *boolean ? "True" : "False";
    if (const int64_t* integer = value.get<int64_t>()) return std::to_string(*integer);
    if (const double* real = value.get<double>()) return float_repr(*real);
    if (const Function* function = value.function()) {
      fail(fmt::format("'{}' is a function and has no text: call it", function->name));
    }
    fail("'loop' has no text: use one of its attributes");
  }

  BoundedText out_;
  int namespaces_ = 0;
};

int compare_sequences(const Sequence& left, const Sequence& right, std::string_view symbol, Limits& limits) {
  const size_t common = std::min(left.items.size(), right.items.size());
  for (size_t i = 0; i < common; ++i) {
    if (left.items[i].same_object(right.items[i]) || equal(left.items[i], right.items[i], limits)) continue;
    return compare(left.items[i], right.items[i], symbol, limits);
  }
  return left.items.size() < right.items.size() ? -1 : (left.items.size() > right.items.size() ? 1 : 0);
}

}  // namespace

const std::string& Value::text() const {
  const String* string = get<String>();
  require(string != nullptr, "Value::text() is called on strings only");
  return *string->text;
}

int64_t Value::integer() const {
  if (const bool* boolean = get<bool>()) return *boolean ? 1 : 0;
  const int64_t* value = get<int64_t>();
  require(value != nullptr, "Value::integer() is called on integers only");
  return *value;
}

double Value::real() const {
  const double* value = get<double>();
  return value != nullptr ? *value : static_cast<double>(integer());
}

bool Value::same_object(const Value& other) const {
  if (data_.index() != other.data_.index()) return false;
  if (is_none()) return true;
  if (const bool* boolean = get<bool>()) return *boolean == *other.get<bool>();
  if (const int64_t* integer = get<int64_t>()) return *integer == *other.get<int64_t>();
  if (const double* real = get<double>()) return std::memcmp(real, other.get<double>(), sizeof *real) == 0;
  if (const String* string = get<String>()) return string->text == other.get<String>()->text;
  if (sequence() != nullptr) return sequence() == other.sequence();
  if (dict() != nullptr) return dict() == other.dict();
  if (name_space() != nullptr) return name_space() == other.name_space();
  if (function() != nullptr) return function() == other.function();
  return loop() != nullptr && loop() == other.loop();
}

const Value* Dict::find(std::string_view key) const {
  if (entries.size() >= kIndexFrom) {
    const auto found = strings_.find(std::string(key));
    return found == strings_.end() ? nullptr : &entries[found->second].second;
  }
  for (const auto& [name, value] : entries) {
    if (name.is_string() && name.text() == key) return &value;
  }
  return nullptr;
}

const Value* Dict::find(const Value& key) const {
  if (key.is_string()) return find(std::string_view(key.text()));
  for (const auto& [name, value] : entries) {
    if (equal_keys(name, key)) return &value;
  }
  return nullptr;
}

void Dict::set(Value key, Value value) {
  if (!is_hashable(key)) fail(fmt::format("unhashable type: '{}'", type_name(key)));
  depth = std::max(depth, checked_depth(std::max(depth_of(key), depth_of(value))));
  if (const Value* existing = find(key)) {
    const_cast<Value&>(*existing) = std::move(value);  // NOLINT: an entry of ours, which is not const here
    return;
  }
  entries.emplace_back(std::move(key), std::move(value));
  if (entries.size() < kIndexFrom) return;
  if (entries.size() == kIndexFrom) {
    for (size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].first.is_string()) strings_.emplace(entries[i].first.text(), i);
    }
  } else if (entries.back().first.is_string()) {
    strings_.emplace(entries.back().first.text(), entries.size() - 1);
  }
}

Value make_sequence(SequenceKind kind, std::vector<Value> items) {
  auto out = std::make_shared<Sequence>();
  out->kind = kind;
  int inner = 0;
  for (const Value& item : items) inner = std::max(inner, depth_of(item));
  out->depth = checked_depth(inner);
  out->items = std::move(items);
  return out;
}

Value make_dict(std::vector<std::pair<Value, Value>> entries) {
  auto out = std::make_shared<Dict>();
  for (auto& [key, value] : entries) out->set(std::move(key), std::move(value));
  return out;
}

Value make_undefined(std::string message, bool strict) {
  return Undefined{std::make_shared<const std::string>(std::move(message)), strict};
}

Value from_json(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return Value();
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<int64_t>();
    case Json::value_t::number_unsigned:
      if (json.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) fail("an integer does not fit in 64 bits");
      return json.get<int64_t>();
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return json.get<std::string>();
    case Json::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(from_json(item));
      return make_list(std::move(items));
    }
    case Json::value_t::object: {
      auto dict = std::make_shared<Dict>();
      dict->entries.reserve(json.size());
      for (const auto& item : json.items()) dict->set(Value(item.key()), from_json(item.value()));
      return dict;
    }
    default:
      fail("a variable holds a JSON value that is neither data nor null");
  }
}

std::string type_name(const Value& value) {
  if (value.is_none()) return "NoneType";
  if (const Undefined* undefined = value.get<Undefined>())
    return undefined->strict ? "StrictUndefined" : "Undefined";
  if (value.get<bool>() != nullptr) return "bool";
  if (value.get<int64_t>() != nullptr) return "int";
  if (value.get<double>() != nullptr) return "float";
  if (value.is_string()) return value.is_markup() ? "Markup" : "str";
  if (value.dict() != nullptr) return "dict";
  if (value.name_space() != nullptr) return "Namespace";
  if (value.function() != nullptr) return "function";
  if (value.loop() != nullptr) return "LoopContext";
  switch (value.sequence()->kind) {
    case SequenceKind::list:
      return "list";
    case SequenceKind::tuple:
      return "tuple";
    case SequenceKind::range:
      return "range";
    case SequenceKind::generator:
      return "generator";
    case SequenceKind::keys:
      return "dict_keys";
    case SequenceKind::values:
      return "dict_values";
    case SequenceKind::items:
      return "dict_items";
  }
  throw InternalError("a sequence of no kind");
}

void fail_undefined(const Value& value) {
  fail(*value.get<Undefined>()->message);
}

bool truth(const Value& value) {
  if (const Undefined* undefined = value.get<Undefined>()) {
    if (undefined->strict) fail_undefined(value);
    return false;
  }
  if (value.is_none()) return false;
  if (value.is_integer()) return value.integer() != 0;
  if (const double* real = value.get<double>()) return *real != 0;
  if (value.is_string()) return !value.text().empty();
  if (const Dict* dict = value.dict()) return !dict->entries.empty();
  if (const Sequence* sequence = value.sequence()) {
    return sequence->kind == SequenceKind::generator || !sequence->items.empty();
  }
  return true;
}

bool equal(const Value& left, const Value& right, Limits& limits) {
  limits.charge(1);
  for (const Value* side : {&left, &right}) {
    const Undefined* undefined = side->get<Undefined>();
    if (undefined != nullptr && undefined->strict) fail_undefined(*side);
  }
  if (left.is_undefined() || right.is_undefined()) return left.is_undefined() && right.is_undefined();
  if (left.is_number() && right.is_number()) return compare_numbers(left, right) == 0;
  if (left.is_string() && right.is_string()) return left.text() == right.text();
  if (left.sequence() != nullptr && right.sequence() != nullptr &&
      is_comparable_by_value(left.sequence()->kind)) {
    return equal_sequences(*left.sequence(), *right.sequence(), limits);
  }
  if (left.dict() != nullptr && right.dict() != nullptr)
    return equal_dicts(*left.dict(), *right.dict(), limits);
  return left.same_object(right);
}

int compare(const Value& left, const Value& right, std::string_view symbol, Limits& limits) {
  limits.charge(1);
  if (left.is_undefined()) fail_undefined(left);
  if (right.is_undefined()) fail_undefined(right);
  if (left.is_number() && right.is_number()) {
    const auto order = compare_numbers(left, right);
    // NaN is unordered: no comparison with it holds, whichever way it is asked.
    return order ? *order : (symbol.substr(0, 1) == "<" ? 1 : -1);
  }
  if (left.is_string() && right.is_string()) {
    const int order = left.text().compare(right.text());
    return order < 0 ? -1 : (order > 0 ? 1 : 0);
  }
  const Sequence* a = left.sequence();
  const Sequence* b = right.sequence();
  if (a != nullptr && b != nullptr && a->kind == b->kind &&
      (a->kind == SequenceKind::list || a->kind == SequenceKind::tuple)) {
    return compare_sequences(*a, *b, symbol, limits);
  }
  fail(fmt::format("'{}' not supported between instances of '{}' and '{}'", symbol, type_name(left),
                   type_name(right)));
}

std::string to_text(const Value& value, Limits& limits) {
  if (value.is_string()) return value.text();
  if (const Undefined* undefined = value.get<Undefined>()) {
    if (undefined->strict) fail_undefined(value);
    return "";
  }
  return to_repr(value, limits);
}

std::string to_repr(const Value& value, Limits& limits) {
  ReprWriter writer(limits);
  writer.write(value);
  return writer.take();
}

std::string quote(std::string_view text) {
  const bool doubled = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char mark = doubled ? '"' : '\'';
  std::string out(1, mark);
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    const char32_t c = point.value;
    if (c == static_cast<unsigned char>(mark) || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_printable(c)) {
      out += text.substr(i, point.bytes);
    } else if (c < 0x100) {
      out += fmt::format("\\x{:02x}", static_cast<uint32_t>(c));
    } else {
      out += c < 0x10000 ? fmt::format("\\u{:04x}", static_cast<uint32_t>(c))
                         : fmt::format("\\U{:08x}", static_cast<uint32_t>(c));
    }
    i += point.bytes;
  }
  return out += mark;
}

std::vector<Value> take_items(const Value& value, Limits& limits) {
  if (const Undefined* undefined = value.get<Undefined>()) {
    if (undefined->strict) fail_undefined(value);
    return {};
  }
  std::vector<Value> out;
  if (const auto* sequence = value.get<std::shared_ptr<Sequence>>()) {
    limits.charge(static_cast<int64_t>((*sequence)->items.size()));
    if ((*sequence)->kind == SequenceKind::generator) return std::exchange((*sequence)->items, {});
    return (*sequence)->items;
  }
  if (const Dict* dict = value.dict()) {
    limits.charge(static_cast<int64_t>(dict->entries.size()));
    for (const auto& entry : dict->entries) out.push_back(entry.first);
    return out;
  }
  if (value.is_string()) {
    limits.charge(static_cast<int64_t>(value.text().size()));
    for (std::string_view character : split_characters(value.text()))
      out.emplace_back(std::string(character), value.is_markup());
    return out;
  }
  fail(fmt::format("'{}' object is not iterable", type_name(value)));
}

bool is_iterable(const Value& value) {
  if (value.get<Undefined>() != nullptr && value.get<Undefined>()->strict) fail_undefined(value);
  return value.is_undefined() || value.is_string() || value.sequence() != nullptr ||
         value.dict() != nullptr || value.loop() != nullptr;
}

int64_t length_of(const Value& value) {
  if (const Undefined* undefined = value.get<Undefined>()) {
    if (undefined->strict) fail_undefined(value);
    return 0;
  }
  if (value.is_string()) return static_cast<int64_t>(count_code_points(value.text()));
  if (const Dict* dict = value.dict()) return static_cast<int64_t>(dict->entries.size());
  const Sequence* sequence = value.sequence();
  if (sequence == nullptr || sequence->kind == SequenceKind::generator) {
    fail(fmt::format("object of type '{}' has no len()", type_name(value)));
  }
  return static_cast<int64_t>(sequence->items.size());
}

}  // namespace sizeup::jinja
