// The JSON Schema of an extraction task: drafts 7 to 2020-12 within one document, and our x-type, which says
// how a value is compared: text, number, money or date.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "core/json/json.h"
#include "tasks/text/python_regex.h"
#include "tasks/yaml.h"

namespace sizeup {

enum class ValueType { text, number, money, date };

class Schema {
 public:
  // Errors: keywords that are not supported ($anchor, $dynamicRef, unevaluatedProperties, ...), types that
  // JSON does not have, wrong values of keywords, references to other documents, to nothing or in a circle,
  // patterns that are no regular expressions, an unknown x-type. `format` is a remark, as the standard has it
  // by default.
  static Result<Schema> parse(const YamlNode& node);

  bool accepts(const Json& value) const;

  // How the value at a path (names and array indices) is compared: x-type, else by type (number, integer:
  // number; everything else: text).
  ValueType type_of(const std::vector<std::string>& path) const;

  // The schema as others understand it, without x-type.
  Json standard() const;

 private:
  Json schema_;
  std::shared_ptr<const std::map<std::string, PythonRegex>> patterns_;
};

}  // namespace sizeup
