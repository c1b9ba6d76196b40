#include "tasks/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tasks/keys.h"

namespace sizeup {
namespace {

constexpr std::array<std::string_view, 7> kTypes = {"object",  "array",   "string", "number",
                                                    "integer", "boolean", "null"};

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

Result<void> check_types(const YamlNode& node) {
  const YamlNode* type = node.find("type");
  if (type == nullptr) return {};
  const auto check = [](const YamlNode& name) -> Result<void> {
    if (std::find(kTypes.begin(), kTypes.end(), name.text) != kTypes.end()) return {};
    return bad_input(name.place, fmt::format("'{}' is no type of JSON", name.text),
                     fmt::format("one of {}", fmt::join(kTypes, ", ")));
  };
  if (type->is_scalar()) return check(*type);
  for (const YamlNode& name : type->items) {
    if (Result<void> checked = check(name); !checked) return checked;
  }
  return {};
}

Result<void> check_schema(const YamlNode& node) {
  if (Result<void> known = check_keys(node, "schema",
                                      {"type", "properties", "required", "additionalProperties", "items",
                                       "enum", "x-type", "description", "title"});
      !known) {
    if (known.error().hint.empty())
      known.error().hint = "other keywords of JSON Schema are not supported yet";
    return known;
  }
  if (Result<void> types = check_types(node); !types) return types;
  if (const YamlNode* type = node.find("x-type")) {
    const bool valid =
        type->text == "text" || type->text == "number" || type->text == "money" || type->text == "date";
    if (!valid)
      return bad_input(type->place, fmt::format("unknown x-type '{}'", type->text),
                       "text, number, money or date");
  }
  for (const char* key : {"required", "enum"}) {
    const YamlNode* list = node.find(key);
    if (list != nullptr && list->kind != YamlNode::Kind::list) {
      return bad_input(list->place, fmt::format("'{}' of a schema is not a list", key));
    }
  }
  if (const YamlNode* more = node.find("additionalProperties");
      more != nullptr && more->kind != YamlNode::Kind::boolean) {
    return bad_input(more->place, "'additionalProperties' other than true or false is not supported yet");
  }
  if (const YamlNode* items = node.find("items")) {
    if (Result<void> checked = check_schema(*items); !checked) return checked;
  }
  const YamlNode* properties = node.find("properties");
  if (properties == nullptr) return {};
  if (properties->kind != YamlNode::Kind::map)
    return bad_input(properties->place, "'properties' of a schema is not a map");
  for (const auto& [name, property] : properties->entries) {
    if (Result<void> checked = check_schema(property); !checked) return checked;
  }
  return {};
}

// `type: null` in YAML is the value null, not the name: both are meant.
std::string type_name(const Json& type) {
  return type.is_null() ? "null" : type.get<std::string>();
}

bool type_accepts(const Json& schema, const Json& value) {
  const auto type = schema.find("type");
  if (type == schema.end()) return true;
  if (!type->is_array()) return has_type(value, type_name(*type));
  return std::any_of(type->begin(), type->end(),
                     [&](const Json& name) { return has_type(value, type_name(name)); });
}

bool object_accepts(const Json& schema, const Json& value);

bool schema_accepts(const Json& schema, const Json& value) {
  if (!type_accepts(schema, value)) return false;
  if (const auto choices = schema.find("enum"); choices != schema.end()) {
    if (std::find(choices->begin(), choices->end(), value) == choices->end()) return false;
  }
  if (value.is_object()) return object_accepts(schema, value);
  const auto items = schema.find("items");
  if (!value.is_array() || items == schema.end()) return true;
  return std::all_of(value.begin(), value.end(),
                     [&](const Json& item) { return schema_accepts(*items, item); });
}

bool object_accepts(const Json& schema, const Json& value) {
  if (const auto required = schema.find("required"); required != schema.end()) {
    for (const Json& name : *required) {
      if (!name.is_string() || !value.contains(name.get_ref<const std::string&>())) return false;
    }
  }
  const Json empty = Json::object();
  const Json& properties = schema.contains("properties") ? schema["properties"] : empty;
  const bool closed = schema.contains("additionalProperties") && !schema["additionalProperties"].get<bool>();
  for (const auto& [name, member] : value.items()) {
    const auto property = properties.find(name);
    if (property == properties.end()) {
      if (closed) return false;
    } else if (!schema_accepts(*property, member)) {
      return false;
    }
  }
  return true;
}

ValueType own_type(const Json& schema) {
  if (const auto type = schema.find("x-type"); type != schema.end()) {
    if (*type == "number") return ValueType::number;
    if (*type == "money") return ValueType::money;
    if (*type == "date") return ValueType::date;
    return ValueType::text;
  }
  const auto type = schema.find("type");
  if (type == schema.end()) return ValueType::text;
  const auto is_number = [](const Json& name) { return name == "number" || name == "integer"; };
  const bool number =
      type->is_array() ? std::any_of(type->begin(), type->end(), is_number) : is_number(*type);
  return number ? ValueType::number : ValueType::text;
}

}  // namespace

Result<Schema> Schema::parse(const YamlNode& node) {
  if (Result<void> checked = check_schema(node); !checked) return forward_error(checked);
  Schema schema;
  schema.schema_ = to_json(node);
  return schema;
}

bool Schema::accepts(const Json& value) const {
  return schema_accepts(schema_, value);
}

ValueType Schema::type_of(const std::vector<std::string>& path) const {
  const Json* at = &schema_;
  for (const std::string& step : path) {
    const auto properties = at->find("properties");
    if (properties != at->end() && properties->contains(step)) {
      at = &(*properties)[step];
    } else if (at->contains("items")) {
      at = &(*at)["items"];
    } else {
      return ValueType::text;
    }
  }
  return own_type(*at);
}

}  // namespace sizeup
