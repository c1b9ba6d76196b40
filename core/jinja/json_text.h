// Python's json.dumps.
#pragma once

#include <optional>
#include <string>

#include "core/jinja/value.h"

namespace sizeup::jinja {

struct JsonStyle {
  bool ensure_ascii = false;
  std::optional<std::string> indent;  // one level's indentation; nullopt: all on one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
};

std::string to_json_text(const Value& value, const JsonStyle& style, Limits& limits);

}  // namespace sizeup::jinja
