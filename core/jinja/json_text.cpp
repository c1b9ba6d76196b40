#include "core/jinja/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/jinja/numbers.h"
#include "core/jinja/text.h"

namespace sizeup::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(const JsonStyle& style, Limits& limits) : style_(style), out_(limits) {}

  void write(const Value& value) {
    out_.limits().charge(1);
    if (value.is_string()) return write_string(value.text());
    if (const Dict* dict = value.dict()) return write_dict(*dict);
    if (const Sequence* sequence = value.sequence()) return write_sequence(value, *sequence);
    out_.append(scalar(value));
  }
  std::string take() { return out_.take(); }

 private:
  static std::string scalar(const Value& value) {
    if (value.is_none()) return "null";
    if (const bool* boolean = value.get<bool>()) return *boolean ? "true" : "false";
    if (const int64_t* integer = value.get<int64_t>()) return std::to_string(*integer);
    if (const double* real = value.get<double>()) {
      if (std::isnan(*real)) return "NaN";
      if (std::isinf(*real)) return *real < 0 ? "-Infinity" : "Infinity";
      return float_repr(*real);
    }
    if (value.is_undefined())
      fail(fmt::format("{} (tojson: not JSON serializable)", *value.get<Undefined>()->message));
    fail(fmt::format("Object of type {} is not JSON serializable", type_name(value)));
  }

  void write_string(std::string_view text) {
    std::string quoted = "\"";
    for (size_t i = 0; i < text.size();) {
      const CodePoint point = decode_at(text, i);
      append_escaped(quoted, point.value, text.substr(i, point.bytes));
      i += point.bytes;
    }
    out_.append(quoted += '"');
  }

  void append_escaped(std::string& out, char32_t c, std::string_view encoded) const {
    static constexpr std::string_view kSpecial = "\"\\\n\r\t\f\b";
    static constexpr std::string_view kLetters = "\"\\nrtfb";
    const size_t special = c < 0x80 ? kSpecial.find(static_cast<char>(c)) : std::string_view::npos;
    if (special != std::string_view::npos) {
      out += '\\';
      out += kLetters[special];
    } else if (c < 0x20 || (style_.ensure_ascii && c > 0x7F && c < 0x10000)) {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    } else if (style_.ensure_ascii && c >= 0x10000) {
      const auto offset = static_cast<uint32_t>(c) - 0x10000;
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (offset >> 10), 0xDC00 + (offset & 0x3FF));
    } else {
      out += encoded;
    }
  }

  void write_sequence(const Value& value, const Sequence& sequence) {
    if (sequence.kind != SequenceKind::list && sequence.kind != SequenceKind::tuple) {
      fail(fmt::format("Object of type {} is not JSON serializable", type_name(value)));
    }
    if (sequence.items.empty()) return out_.append("[]");
    out_.append("[");
    ++level_;
    for (size_t i = 0; i < sequence.items.size(); ++i) {
      begin_item(i == 0);
      write(sequence.items[i]);
    }
    end_items("]");
  }

  void write_dict(const Dict& dict) {
    if (dict.entries.empty()) return out_.append("{}");
    out_.append("{");
    ++level_;
    bool first = true;
    for (const auto* entry : ordered(dict)) {
      begin_item(first);
      first = false;
      write_key(entry->first);
      out_.append(style_.key_separator);
      write(entry->second);
    }
    end_items("}");
  }

  std::vector<const std::pair<Value, Value>*> ordered(const Dict& dict) {
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries) entries.push_back(&entry);
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(), [this](const auto* left, const auto* right) {
        return compare(left->first, right->first, "<", out_.limits()) < 0;
      });
    }
    return entries;
  }

  void write_key(const Value& key) {
    if (key.is_string()) return write_string(key.text());
    if (!key.is_number() && !key.is_none()) {
      fail(fmt::format("keys must be str, int, float, bool or None, not {}", type_name(key)));
    }
    write_string(scalar(key));
  }

  void begin_item(bool first) {
    if (!first) out_.append(style_.item_separator);
    if (style_.indent) new_line();
  }
  void end_items(std::string_view close) {
    --level_;
    if (style_.indent) new_line();
    out_.append(close);
  }
  void new_line() {
    out_.append("\n");
    for (int i = 0; i < level_; ++i) out_.append(*style_.indent);
  }

  const JsonStyle& style_;
  BoundedText out_;
  int level_ = 0;
};

}  // namespace

std::string to_json_text(const Value& value, const JsonStyle& style, Limits& limits) {
  JsonWriter writer(style, limits);
  writer.write(value);
  return writer.take();
}

}  // namespace sizeup::jinja
