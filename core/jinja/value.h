// The values a template computes with, and what Python does with each: print, compare, test for truth.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "core/jinja/limits.h"
#include "core/json/json_fwd.h"

namespace sizeup::jinja {

class Evaluator;
class Value;
struct Sequence;
struct Dict;
struct Namespace;
struct Function;
struct Loop;

// What an unknown name, key or attribute gives. Prints as "" (plain) or fails when used (strict).
struct Undefined {
  std::shared_ptr<const std::string> message;
  bool strict = false;
};

struct None {};

// UTF-8. `markup` is markupsafe's Markup: "+" and joins escape the other side.
struct String {
  std::shared_ptr<const std::string> text;
  bool markup = false;
};

class Value {
 public:
  Value() = default;  // None
  Value(Undefined undefined) : data_(std::move(undefined)) {}
  Value(bool boolean) : data_(boolean) {}
  Value(int64_t integer) : data_(integer) {}
  Value(double real) : data_(real) {}
  Value(std::string text, bool markup = false)
      : data_(String{std::make_shared<const std::string>(std::move(text)), markup}) {}
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(const char* text) : Value(std::string(text)) {}
  Value(String string) : data_(std::move(string)) {}
  Value(std::shared_ptr<Sequence> sequence) : data_(std::move(sequence)) {}
  Value(std::shared_ptr<Dict> dict) : data_(std::move(dict)) {}
  Value(std::shared_ptr<Namespace> space) : data_(std::move(space)) {}
  Value(std::shared_ptr<Function> function) : data_(std::move(function)) {}
  Value(std::shared_ptr<Loop> loop) : data_(std::move(loop)) {}

  template <class T>
  const T* get() const {
    return std::get_if<T>(&data_);
  }
  const Sequence* sequence() const { return pointee<Sequence>(); }
  const Dict* dict() const { return pointee<Dict>(); }
  Namespace* name_space() const { return pointee<Namespace>(); }
  Function* function() const { return pointee<Function>(); }
  Loop* loop() const { return pointee<Loop>(); }

  bool is_none() const { return get<None>() != nullptr; }
  bool is_undefined() const { return get<Undefined>() != nullptr; }
  bool is_string() const { return get<String>() != nullptr; }
  bool is_markup() const { return is_string() && get<String>()->markup; }
  bool is_integer() const { return get<int64_t>() != nullptr || get<bool>() != nullptr; }  // bool is an int
  bool is_number() const { return is_integer() || get<double>() != nullptr; }

  // Only after the matching is_...(); otherwise InternalError.
  const std::string& text() const;
  int64_t integer() const;
  double real() const;

  // Identity as in Python's "is", where equal numbers of one type count as the same object.
  bool same_object(const Value& other) const;

 private:
  template <class T>
  T* pointee() const {
    const auto* pointer = std::get_if<std::shared_ptr<T>>(&data_);
    return pointer ? pointer->get() : nullptr;
  }

  std::variant<None, Undefined, bool, int64_t, double, String, std::shared_ptr<Sequence>,
               std::shared_ptr<Dict>, std::shared_ptr<Namespace>, std::shared_ptr<Function>,
               std::shared_ptr<Loop>>
      data_;
};

enum class SequenceKind { list, tuple, range, generator, keys, values, items };

// Every iterable that is not a string or a dict. A generator is computed at once but, as in Python, can be
// read only once: see take_items.
struct Sequence {
  SequenceKind kind = SequenceKind::list;
  std::vector<Value> items;
  std::array<int64_t, 3> range{};  // start, stop, step; printed by a range
  int depth = 1;                   // of nesting, at most kMaxValueDepth
};

// In insertion order; keys equal as Python's keys are (1 == 1.0 == True).
struct Dict {
  std::vector<std::pair<Value, Value>> entries;
  int depth = 1;

  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  void set(Value key, Value value);  // throws on an unhashable key

 private:
  std::unordered_map<std::string, size_t> strings_;  // string key -> entry, once there are many
};

struct Namespace {
  Dict attributes;
};

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keyword;
};

// A macro, a bound method or a global function.
struct Function {
  std::string name;  // as printed in errors
  std::function<Value(Evaluator&, Arguments&)> call;
};

Value make_sequence(SequenceKind kind, std::vector<Value> items);
inline Value make_list(std::vector<Value> items) {
  return make_sequence(SequenceKind::list, std::move(items));
}
inline Value make_tuple(std::vector<Value> items) {
  return make_sequence(SequenceKind::tuple, std::move(items));
}
Value make_dict(std::vector<std::pair<Value, Value>> entries);
Value make_undefined(std::string message, bool strict);
Value from_json(const Json& json);

// Python's type name: "int", "NoneType", "dict", "Undefined".
std::string type_name(const Value& value);

// The operations below charge `limits`, since hostile values can be exponentially large when walked.
// They throw RenderError where Python raises.
bool truth(const Value& value);
bool equal(const Value& left, const Value& right, Limits& limits);
// <0, 0, >0; `symbol` ("<") is for the error when the two cannot be ordered.
int compare(const Value& left, const Value& right, std::string_view symbol, Limits& limits);
std::string to_text(const Value& value, Limits& limits);  // str(value)
std::string to_repr(const Value& value, Limits& limits);  // repr(value)
std::string quote(std::string_view text);                 // repr of a string

// The items of any iterable (characters of a string, keys of a dict); a generator is emptied.
std::vector<Value> take_items(const Value& value, Limits& limits);
bool is_iterable(const Value& value);
// len(): throws for what has none.
int64_t length_of(const Value& value);

[[noreturn]] void fail_undefined(const Value& value);

}  // namespace sizeup::jinja
