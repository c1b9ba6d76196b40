#include "tasks/schema_accepts.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/text/utf8.h"
#include "tasks/text/split.h"

namespace sizeup {
namespace {

// A number as it is: every integer and double of JSON fits.
long double number(const Json& value) {
  if (value.is_number_unsigned()) return static_cast<long double>(value.get<uint64_t>());
  if (value.is_number_integer()) return static_cast<long double>(value.get<int64_t>());
  return static_cast<long double>(value.get<double>());
}

// 1.0 becomes 1, which it equals.
void make_whole(nlohmann::json& value) {
  if (value.is_structured()) {
    for (nlohmann::json& part : value) make_whole(part);
  }
  if (!value.is_number_float()) return;
  constexpr double kBeyondIntegers = 0x1p63;
  const auto real = value.get<double>();
  if (real == std::trunc(real) && std::abs(real) < kBeyondIntegers) value = static_cast<int64_t>(real);
}

// Equal values have equal texts: members are sorted by name.
std::string comparable(const Json& value) {
  nlohmann::json sorted(value);
  make_whole(sorted);
  return sorted.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool equal(const Json& a, const Json& b) {
  return a.is_string() || b.is_string() ? a == b : comparable(a) == comparable(b);
}

bool has_type(const Json& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  return value.is_number_integer() ||
         (value.is_number_float() && value.get<double>() == std::floor(value.get<double>()));
}

// `type: null` in YAML is the value null, not the name: both are meant.
bool has_named_type(const Json& value, const Json& name) {
  return has_type(value, name.is_null() ? "null" : name.get_ref<const std::string&>());
}

// Of a step that binary fractions hold inexactly, like 0.01, a value is a multiple where their quotient is
// whole.
bool is_multiple(const Json& value, const Json& step) {
  if (step.is_number_float()) {
    const double quotient = value.get<double>() / step.get<double>();
    if (std::isfinite(quotient)) return quotient == std::trunc(quotient);
  }
  return std::fmod(number(value), number(step)) == 0.0L;
}

bool is_unique(const Json& items) {
  std::set<std::string> seen;
  return std::all_of(items.begin(), items.end(),
                     [&](const Json& item) { return seen.insert(comparable(item)).second; });
}

class Evaluation {
 public:
  Evaluation(const Json& root, const SchemaPatterns& patterns) : root_(root), patterns_(patterns) {}

  bool accepts(const Json& schema, const Json& value) {
    constexpr int64_t kMostSteps = 1'000'000;
    if (++steps_ > kMostSteps) return false;
    if (schema.is_boolean()) return schema.get<bool>();
    if (schema.contains("$ref") && !accepts(*resolve_schema(root_, schema), value)) return false;
    if (!has_right_type(schema, value) || !is_right_value(schema, value)) return false;
    if (!combinations_accept(schema, value)) return false;
    if (value.is_number()) return number_fits(schema, value);
    if (value.is_string()) return text_fits(schema, value.get_ref<const std::string&>());
    if (value.is_array()) return array_fits(schema, value);
    return !value.is_object() || object_fits(schema, value);
  }

 private:
  // The keyword's value in the schema, or null.
  static const Json* get(const Json& schema, const char* keyword) {
    const auto found = schema.find(keyword);
    return found == schema.end() ? nullptr : &*found;
  }

  static bool has_right_type(const Json& schema, const Json& value) {
    const auto type = schema.find("type");
    if (type == schema.end()) return true;
    if (!type->is_array()) return has_named_type(value, *type);
    return std::any_of(type->begin(), type->end(),
                       [&](const Json& name) { return has_named_type(value, name); });
  }

  static bool is_right_value(const Json& schema, const Json& value) {
    const auto is_value = [&](const Json& other) { return equal(other, value); };
    const Json* choices = get(schema, "enum");
    if (choices != nullptr && std::none_of(choices->begin(), choices->end(), is_value)) return false;
    const Json* constant = get(schema, "const");
    return constant == nullptr || is_value(*constant);
  }

  bool combinations_accept(const Json& schema, const Json& value) {
    const auto fits = [&](const Json& part) { return accepts(part, value); };
    if (const Json* all = get(schema, "allOf");
        all != nullptr && !std::all_of(all->begin(), all->end(), fits))
      return false;
    if (const Json* any = get(schema, "anyOf");
        any != nullptr && std::none_of(any->begin(), any->end(), fits))
      return false;
    if (const Json* one = get(schema, "oneOf");
        one != nullptr && std::count_if(one->begin(), one->end(), fits) != 1)
      return false;
    if (const Json* other = get(schema, "not"); other != nullptr && fits(*other)) return false;
    const Json* condition = get(schema, "if");
    if (condition == nullptr) return true;
    const Json* consequence = get(schema, fits(*condition) ? "then" : "else");
    return consequence == nullptr || fits(*consequence);
  }

  static bool number_fits(const Json& schema, const Json& value) {
    const Json* least = get(schema, "minimum");
    const Json* most = get(schema, "maximum");
    const Json* above = get(schema, "exclusiveMinimum");
    const Json* below = get(schema, "exclusiveMaximum");
    const Json* step = get(schema, "multipleOf");
    const long double real = number(value);
    return (least == nullptr || real >= number(*least)) && (most == nullptr || real <= number(*most)) &&
           (above == nullptr || real > number(*above)) && (below == nullptr || real < number(*below)) &&
           (step == nullptr || is_multiple(value, *step));
  }

  // Whether a count is within the two limits, where there are any.
  static bool within(const Json& schema, const char* least, const char* most, size_t count) {
    const Json* low = get(schema, least);
    const Json* high = get(schema, most);
    return (low == nullptr || static_cast<double>(count) >= low->get<double>()) &&
           (high == nullptr || static_cast<double>(count) <= high->get<double>());
  }

  bool matches(const std::string& pattern, const std::string& text) const {
    return patterns_.at(pattern).find(text, 0).has_value();
  }

  bool text_fits(const Json& schema, const std::string& text) const {
    const Json* pattern = get(schema, "pattern");
    return within(schema, "minLength", "maxLength", count_code_points(text)) &&
           (pattern == nullptr || matches(pattern->get_ref<const std::string&>(), text));
  }

  // A list of schemas is one for each place, under its older name `items` or its newer one `prefixItems`.
  bool array_fits(const Json& schema, const Json& value) {
    if (!within(schema, "minItems", "maxItems", value.size())) return false;
    const Json* items = get(schema, "items");
    const bool old_form = items != nullptr && items->is_array();
    const Json* places = old_form ? items : get(schema, "prefixItems");
    const Json* rest = old_form ? get(schema, "additionalItems") : items;
    for (size_t i = 0; i < value.size(); ++i) {
      const Json* item = places != nullptr && i < places->size() ? &(*places)[i] : rest;
      if (item != nullptr && !accepts(*item, value[i])) return false;
    }
    if (const Json* wanted = get(schema, "contains")) {
      const auto found =
          std::count_if(value.begin(), value.end(), [&](const Json& item) { return accepts(*wanted, item); });
      const bool may_be_none = get(schema, "minContains") != nullptr;
      if (!may_be_none && found == 0) return false;
      if (!within(schema, "minContains", "maxContains", static_cast<size_t>(found))) return false;
    }
    const Json* unique = get(schema, "uniqueItems");
    return unique == nullptr || !unique->get<bool>() || is_unique(value);
  }

  bool object_fits(const Json& schema, const Json& value) {
    if (!within(schema, "minProperties", "maxProperties", value.size())) return false;
    const auto has = [&](const Json& name) { return value.contains(name.get_ref<const std::string&>()); };
    if (const Json* required = get(schema, "required");
        required != nullptr && !std::all_of(required->begin(), required->end(), has))
      return false;
    for (const auto& [name, member] : value.items()) {
      if (!member_fits(schema, name, member)) return false;
      if (const Json* others = dependent(schema, "dependentRequired", name);
          others != nullptr && !std::all_of(others->begin(), others->end(), has))
        return false;
      if (const Json* other = dependent(schema, "dependentSchemas", name);
          other != nullptr && !accepts(*other, value))
        return false;
    }
    return true;
  }

  static const Json* dependent(const Json& schema, const char* keyword, const std::string& name) {
    const Json* all = get(schema, keyword);
    return all == nullptr ? nullptr : get(*all, name.c_str());
  }

  bool member_fits(const Json& schema, const std::string& name, const Json& member) {
    if (const Json* names = get(schema, "propertyNames"); names != nullptr && !accepts(*names, Json(name)))
      return false;
    bool described = false;
    if (const Json* properties = get(schema, "properties")) {
      const auto property = properties->find(name);
      described = property != properties->end();
      if (described && !accepts(*property, member)) return false;
    }
    if (const Json* by_pattern = get(schema, "patternProperties")) {
      for (const auto& [pattern, property] : by_pattern->items()) {
        if (!matches(pattern, name)) continue;
        described = true;
        if (!accepts(property, member)) return false;
      }
    }
    const Json* others = get(schema, "additionalProperties");
    return described || others == nullptr || accepts(*others, member);
  }

  const Json& root_;
  const SchemaPatterns& patterns_;
  int64_t steps_ = 0;
};

}  // namespace

const Json* resolve_schema(const Json& root, const Json& schema) {
  if (!schema.is_object()) return &schema;
  const auto reference = schema.find("$ref");
  if (reference == schema.end()) return &schema;
  if (!reference->is_string()) return nullptr;
  const auto& text = reference->get_ref<const std::string&>();
  if (text == "#") return &root;
  if (!text.starts_with("#/")) return nullptr;
  const Json* at = &root;
  for (const std::string_view step : split_at(std::string_view(text).substr(2), "/")) {
    if (!at->is_object()) return nullptr;
    const auto found = at->find(step);
    if (found == at->end()) return nullptr;
    at = &*found;
  }
  return at;
}

bool schema_accepts(const Json& root, const SchemaPatterns& patterns, const Json& value) {
  return Evaluation(root, patterns).accepts(root, value);
}

}  // namespace sizeup
