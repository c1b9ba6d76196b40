// Whether a value fits a JSON Schema that Schema::parse has checked.
#pragma once

#include <map>
#include <string>

#include "core/json/json.h"
#include "tasks/text/python_regex.h"

namespace sizeup {

using SchemaPatterns = std::map<std::string, PythonRegex>;  // every `pattern` and key of `patternProperties`

// The schema that a schema stands for: itself, or what its $ref names. Null if there is no such place.
const Json* resolve_schema(const Json& root, const Json& schema);

// False also where the work exceeds a million steps: a schema that refers to itself under anyOf can ask for
// exponentially many of a deeply nested value.
bool schema_accepts(const Json& root, const SchemaPatterns& patterns, const Json& value);

}  // namespace sizeup
