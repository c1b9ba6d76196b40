// The JSON Schema of an extraction task: type (with null), properties, required, additionalProperties, items,
// enum, and our x-type, which says how a value is compared: text, number, money or date.
#pragma once

#include <string>
#include <vector>

#include "core/errors/result.h"
#include "core/json/json.h"
#include "tasks/yaml.h"

namespace sizeup {

enum class ValueType { text, number, money, date };

class Schema {
 public:
  // Errors: a keyword that is not supported, a type that JSON does not have, an unknown x-type.
  static Result<Schema> parse(const YamlNode& node);

  bool accepts(const Json& value) const;

  // How the value at a path (names and array indices) is compared: x-type, else by type (number, integer:
  // number; everything else: text).
  ValueType type_of(const std::vector<std::string>& path) const;

 private:
  Json schema_;
};

}  // namespace sizeup
