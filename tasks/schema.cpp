#include "tasks/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "tasks/schema_accepts.h"
#include "tasks/text/nearest.h"

namespace sizeup {
namespace {

constexpr std::array<std::string_view, 7> kTypes = {"object",  "array",   "string", "number",
                                                    "integer", "boolean", "null"};

constexpr std::array kValueTypes = {
    std::pair{"text", ValueType::text},
    std::pair{"number", ValueType::number},
    std::pair{"money", ValueType::money},
    std::pair{"date", ValueType::date},
};

std::optional<ValueType> value_type(std::string_view name) {
  for (const auto& [known, type] : kValueTypes) {
    if (name == known) return type;
  }
  return std::nullopt;
}

enum class Form {
  remark,  // makes no difference to what is accepted
  type,    // a type's name, or a list of them
  any,     // a value
  values,  // a list of values
  names,   // a list of names
  name_lists,
  count,  // a whole number, not below 0
  number,
  positive,
  flag,
  pattern,
  reference,
  x_type,
  schema,
  schemas,         // a list of schemas
  schema_or_list,  // `items` of draft 7
  members,         // name -> schema
  patterns,        // regular expression -> schema
};

struct Keyword {
  std::string_view name;
  Form form;
  bool in_place = false;  // its schemas are about the same value
};

constexpr std::array kKeywords = {
    Keyword{"$schema", Form::remark},
    Keyword{"$id", Form::remark},
    Keyword{"$comment", Form::remark},
    Keyword{"title", Form::remark},
    Keyword{"description", Form::remark},
    Keyword{"default", Form::remark},
    Keyword{"examples", Form::remark},
    Keyword{"format", Form::remark},
    Keyword{"deprecated", Form::remark},
    Keyword{"readOnly", Form::remark},
    Keyword{"writeOnly", Form::remark},
    Keyword{"x-type", Form::x_type},
    Keyword{"type", Form::type},
    Keyword{"enum", Form::values},
    Keyword{"const", Form::any},
    Keyword{"minimum", Form::number},
    Keyword{"maximum", Form::number},
    Keyword{"exclusiveMinimum", Form::number},
    Keyword{"exclusiveMaximum", Form::number},
    Keyword{"multipleOf", Form::positive},
    Keyword{"minLength", Form::count},
    Keyword{"maxLength", Form::count},
    Keyword{"pattern", Form::pattern},
    Keyword{"items", Form::schema_or_list},
    Keyword{"prefixItems", Form::schemas},
    Keyword{"additionalItems", Form::schema},
    Keyword{"minItems", Form::count},
    Keyword{"maxItems", Form::count},
    Keyword{"uniqueItems", Form::flag},
    Keyword{"contains", Form::schema},
    Keyword{"minContains", Form::count},
    Keyword{"maxContains", Form::count},
    Keyword{"properties", Form::members},
    Keyword{"patternProperties", Form::patterns},
    Keyword{"additionalProperties", Form::schema},
    Keyword{"propertyNames", Form::schema},
    Keyword{"minProperties", Form::count},
    Keyword{"maxProperties", Form::count},
    Keyword{"required", Form::names},
    Keyword{"dependentRequired", Form::name_lists},
    Keyword{"dependentSchemas", Form::members, true},
    Keyword{"allOf", Form::schemas, true},
    Keyword{"anyOf", Form::schemas, true},
    Keyword{"oneOf", Form::schemas, true},
    Keyword{"not", Form::schema, true},
    Keyword{"if", Form::schema, true},
    Keyword{"then", Form::schema, true},
    Keyword{"else", Form::schema, true},
    Keyword{"$defs", Form::members},
    Keyword{"definitions", Form::members},
    Keyword{"$ref", Form::reference},
};

const Keyword* find_keyword(std::string_view name) {
  const auto found = std::find_if(kKeywords.begin(), kKeywords.end(),
                                  [&](const Keyword& keyword) { return keyword.name == name; });
  return found == kKeywords.end() ? nullptr : &*found;
}

bool is_number(const YamlNode& node) {
  return node.kind == YamlNode::Kind::integer || node.kind == YamlNode::Kind::real;
}

bool is_list_of_names(const YamlNode& node) {
  return node.kind == YamlNode::Kind::list &&
         std::all_of(node.items.begin(), node.items.end(),
                     [](const YamlNode& item) { return item.kind == YamlNode::Kind::text; });
}

// Checks a schema as it is written, so that errors name lines.
class SchemaChecker {
 public:
  explicit SchemaChecker(const Json& root) : root_(root) {}

  Result<void> check(const YamlNode& node) {
    if (node.kind == YamlNode::Kind::boolean) return {};
    if (node.kind != YamlNode::Kind::map)
      return bad_input(node.place, "a schema is not a map", "keywords of JSON Schema, true or false");
    for (const auto& [name, value] : node.entries) {
      const Keyword* keyword = find_keyword(name);
      if (keyword == nullptr) return unknown_keyword(name, value);
      if (Result<void> checked = check_value(*keyword, value); !checked) return checked;
    }
    return {};
  }

  SchemaPatterns take_patterns() { return std::move(patterns_); }

 private:
  static tl::unexpected<Error> unknown_keyword(const std::string& name, const YamlNode& value) {
    std::vector<std::string> names;
    for (const Keyword& keyword : kKeywords) names.emplace_back(keyword.name);
    const std::string hint = did_you_mean(name, names);
    return bad_input(value.place, fmt::format("unknown key '{}' in schema", name),
                     hint.empty() ? fmt::format("one of {}", fmt::join(names, ", ")) : std::string(),
                     hint.empty() ? "other keywords of JSON Schema are not supported yet" : hint);
  }

  static Result<void> expect(bool holds, const Keyword& keyword, const YamlNode& value,
                             const char* expected) {
    if (holds) return {};
    return bad_input(value.place, fmt::format("'{}' of a schema has the wrong value", keyword.name),
                     expected);
  }

  Result<void> check_value(const Keyword& keyword, const YamlNode& value) {
    switch (keyword.form) {
      case Form::remark:
      case Form::any:
        return {};
      case Form::type:
        return check_types(keyword, value);
      case Form::x_type:
        return check_x_type(value);
      case Form::values:
        return expect(value.kind == YamlNode::Kind::list, keyword, value, "a list");
      case Form::names:
        return expect(is_list_of_names(value), keyword, value, "a list of names");
      case Form::name_lists:
        return expect(value.kind == YamlNode::Kind::map &&
                          std::all_of(value.entries.begin(), value.entries.end(),
                                      [](const YamlEntry& entry) { return is_list_of_names(entry.value); }),
                      keyword, value, "a list of names for each name");
      case Form::count:
        return expect(value.kind == YamlNode::Kind::integer && value.integer >= 0, keyword, value,
                      "a whole number of at least 0");
      case Form::number:
        return expect(is_number(value), keyword, value, "a number");
      case Form::positive:
        return expect(is_number(value) && value.real > 0.0, keyword, value, "a number above 0");
      case Form::flag:
        return expect(value.kind == YamlNode::Kind::boolean, keyword, value, "true or false");
      case Form::pattern:
        if (value.kind != YamlNode::Kind::text) return expect(false, keyword, value, "a regular expression");
        return add_pattern(value.text, value.place);
      case Form::reference:
        return check_reference(value);
      case Form::schema:
        return check(value);
      case Form::schemas:
        return check_list(keyword, value);
      case Form::schema_or_list:
        return value.kind == YamlNode::Kind::list ? check_list(keyword, value) : check(value);
      case Form::members:
      case Form::patterns:
        return check_members(keyword, value);
    }
    return {};
  }

  static Result<void> check_types(const Keyword& keyword, const YamlNode& value) {
    if (value.kind == YamlNode::Kind::map) return expect(false, keyword, value, "a type or a list of types");
    const std::vector<YamlNode> one = {value};
    for (const YamlNode& name : value.is_scalar() ? one : value.items) {
      if (name.kind == YamlNode::Kind::null) continue;
      if (std::find(kTypes.begin(), kTypes.end(), name.text) != kTypes.end()) continue;
      return bad_input(name.place, fmt::format("'{}' is no type of JSON", name.text),
                       fmt::format("one of {}", fmt::join(kTypes, ", ")));
    }
    return {};
  }

  static Result<void> check_x_type(const YamlNode& type) {
    if (value_type(type.text)) return {};
    return bad_input(type.place, fmt::format("unknown x-type '{}'", type.text),
                     "text, number, money or date");
  }

  Result<void> check_list(const Keyword& keyword, const YamlNode& value) {
    if (value.kind != YamlNode::Kind::list) return expect(false, keyword, value, "a list of schemas");
    for (const YamlNode& item : value.items) {
      if (Result<void> checked = check(item); !checked) return checked;
    }
    return {};
  }

  Result<void> check_members(const Keyword& keyword, const YamlNode& value) {
    if (value.kind != YamlNode::Kind::map)
      return bad_input(value.place, fmt::format("'{}' of a schema is not a map", keyword.name));
    for (const auto& [name, member] : value.entries) {
      if (keyword.form == Form::patterns) {
        if (Result<void> added = add_pattern(name, member.place); !added) return added;
      }
      if (Result<void> checked = check(member); !checked) return checked;
    }
    return {};
  }

  Result<void> add_pattern(const std::string& pattern, const std::string& place) {
    Result<PythonRegex> regex = PythonRegex::compile(pattern, place);
    if (!regex) return forward_error(regex);
    patterns_.insert_or_assign(pattern, std::move(*regex));
    return {};
  }

  Result<void> check_reference(const YamlNode& value) {
    const Json reference = {{"$ref", value.kind == YamlNode::Kind::text ? value.text : std::string()}};
    const Json* target = resolve_schema(root_, reference);
    if (target != nullptr && (target->is_object() || target->is_boolean())) return {};
    return bad_input(value.place, fmt::format("'$ref' names '{}', where there is no schema", value.text),
                     "a place of this schema: #/$defs/NAME");
  }

  const Json& root_;
  SchemaPatterns patterns_;
};

// Whether a schema leads to itself without going into the value: then nothing would ever be decided. All
// keywords and references are checked.
bool is_circular(const Json& root, const Json& schema, std::vector<const Json*>& above,
                 std::set<const Json*>& done) {
  if (!schema.is_object() || done.contains(&schema)) return false;
  if (std::find(above.begin(), above.end(), &schema) != above.end()) return true;
  above.push_back(&schema);
  bool circular = schema.contains("$ref") && is_circular(root, *resolve_schema(root, schema), above, done);
  for (const auto& [name, value] : schema.items()) {
    const Keyword* keyword = find_keyword(name);
    if (circular || keyword == nullptr || !keyword->in_place) continue;
    if (keyword->form == Form::schema) {
      circular = is_circular(root, value, above, done);
    } else {
      for (const Json& part : value) circular = circular || is_circular(root, part, above, done);
    }
  }
  above.pop_back();
  if (!circular) done.insert(&schema);
  return circular;
}

// Every schema below one, itself included. A visit may take remarks out of a schema that is not const.
template <class SomeJson, class Visit>
void for_each_schema(SomeJson& schema, Visit&& visit) {
  if (!schema.is_object()) return;
  visit(schema);
  for (auto member = schema.begin(); member != schema.end(); ++member) {
    const Keyword* keyword = find_keyword(member.key());
    if (keyword == nullptr) continue;
    SomeJson& value = *member;
    const bool list_or_map = keyword->form == Form::schemas || keyword->form == Form::members ||
                             keyword->form == Form::patterns ||
                             (keyword->form == Form::schema_or_list && value.is_array());
    if (keyword->form == Form::schema || (keyword->form == Form::schema_or_list && !list_or_map)) {
      for_each_schema(value, visit);
    } else if (list_or_map) {
      for (SomeJson& part : value) for_each_schema(part, visit);
    }
  }
}

// The parts of a schema that are about the same value, where a member or a type may be described.
constexpr std::array kCombinations = {"allOf", "anyOf", "oneOf"};

const Json* member_schema(const Json& root, const Json& schema, const std::string& step) {
  if (!schema.is_object()) return nullptr;
  if (schema.contains("$ref")) {
    if (const Json* found = member_schema(root, *resolve_schema(root, schema), step)) return found;
  }
  if (const auto properties = schema.find("properties");
      properties != schema.end() && properties->contains(step))
    return &(*properties)[step];
  if (const auto items = schema.find("items"); items != schema.end() && items->is_object()) return &*items;
  for (const char* combination : kCombinations) {
    if (!schema.contains(combination)) continue;
    for (const Json& part : schema[combination]) {
      if (const Json* found = member_schema(root, part, step)) return found;
    }
  }
  return nullptr;
}

std::optional<ValueType> own_type(const Json& root, const Json& schema) {
  if (!schema.is_object()) return std::nullopt;
  if (const auto type = schema.find("x-type"); type != schema.end())
    return value_type(type->get_ref<const std::string&>());
  if (const auto type = schema.find("type"); type != schema.end()) {
    const auto is_numeric = [](const Json& name) { return name == "number" || name == "integer"; };
    const bool number =
        type->is_array() ? std::any_of(type->begin(), type->end(), is_numeric) : is_numeric(*type);
    if (number) return ValueType::number;
    if (!type->is_null()) return ValueType::text;
  }
  if (schema.contains("$ref")) return own_type(root, *resolve_schema(root, schema));
  for (const char* combination : kCombinations) {
    if (!schema.contains(combination)) continue;
    for (const Json& part : schema[combination]) {
      const std::optional<ValueType> found = own_type(root, part);
      if (found && *found != ValueType::text) return found;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Schema> Schema::parse(const YamlNode& node) {
  Schema schema;
  schema.schema_ = to_json(node);
  SchemaChecker checker(schema.schema_);
  if (Result<void> checked = checker.check(node); !checked) return forward_error(checked);
  bool circular = false;
  std::set<const Json*> done;
  for_each_schema(std::as_const(schema.schema_), [&](const Json& part) {
    std::vector<const Json*> above;
    circular = circular || is_circular(schema.schema_, part, above, done);
  });
  if (circular) return bad_input(node.place, "a '$ref' of the schema leads back to itself");
  schema.patterns_ = std::make_shared<const SchemaPatterns>(checker.take_patterns());
  return schema;
}

bool Schema::accepts(const Json& value) const {
  return schema_accepts(schema_, *patterns_, value);
}

ValueType Schema::type_of(const std::vector<std::string>& path) const {
  const Json* at = &schema_;
  for (const std::string& step : path) {
    at = member_schema(schema_, *at, step);
    if (at == nullptr) return ValueType::text;
  }
  return own_type(schema_, *at).value_or(ValueType::text);
}

Json Schema::standard() const {
  Json copy = schema_;
  for_each_schema(copy, [](Json& part) { part.erase("x-type"); });
  return copy;
}

}  // namespace sizeup
