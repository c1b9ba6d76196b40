#include "tasks/own_data/record_schema.h"

#include <algorithm>

#include "tasks/own_data/fields.h"
#include "tasks/values/date.h"
#include "tasks/values/number.h"

namespace sizeup {
namespace {

constexpr int kMaxDepth = 5;  // of records in records; deeper ones are objects of any form

const char* comparison_of_texts(const std::vector<Json>& values) {
  const auto all = [&](bool (*holds)(const std::string&)) {
    bool any = false;
    for (const Json& value : values) {
      if (!value.is_string()) continue;
      if (!holds(value.get_ref<const std::string&>())) return false;
      any = true;
    }
    return any;
  };
  if (all([](const std::string& text) { return !read_date(text).empty(); })) return "date";
  if (all([](const std::string& text) { return !read_number(text).empty(); })) return "number";
  if (all([](const std::string& text) {
        const Money money = read_money(text);
        return !money.amount.empty() && !money.currency.empty();
      }))
    return "money";
  return "text";
}

Json schema_of(const std::vector<Json>& values, int depth) {
  std::vector<std::string> types;
  for (const Json& value : values) {
    const std::string type = value.is_number_integer() ? "integer" : value.type_name();
    if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
  }
  const auto has = [&](const char* type) {
    return std::find(types.begin(), types.end(), type) != types.end();
  };
  if (has("integer") && has("number")) std::erase(types, "integer");
  Json schema = Json::object();
  if (types.size() == 1) {
    schema["type"] = types.front();
  } else if (!types.empty()) {
    schema["type"] = types;
  }
  if (has("string")) schema["x-type"] = comparison_of_texts(values);
  if (!has("object") || depth == kMaxDepth) return schema;
  std::vector<std::string> names;
  for (const Json& value : values) {
    if (!value.is_object()) continue;
    for (const auto& item : value.items()) {
      if (std::find(names.begin(), names.end(), item.key()) == names.end()) names.push_back(item.key());
    }
  }
  Json required = Json::array();
  Json properties = Json::object();
  for (const std::string& name : names) {
    std::vector<Json> inner;
    for (const Json& value : values) {
      if (value.is_object() && value.contains(name)) inner.push_back(value[name]);
    }
    if (inner.size() == values.size()) required.push_back(name);
    properties[name] = schema_of(inner, depth + 1);
  }
  if (!required.empty()) schema["required"] = std::move(required);
  schema["properties"] = std::move(properties);
  return schema;
}

}  // namespace

Json schema_of_records(const std::vector<Json>& records) {
  std::vector<Json> objects;
  for (const Json& record : records) {
    if (record.is_object()) objects.push_back(record);
    if (!record.is_string()) continue;
    Result<Json> parsed = parse_json(record.get_ref<const std::string&>(), "");
    if (parsed && parsed->is_object()) objects.push_back(std::move(*parsed));
  }
  return schema_of(objects, 0);
}

}  // namespace sizeup
