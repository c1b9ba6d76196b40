// Fields of hostile JSON objects: absent or of another type gives the default.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backends/engine/formats/sorted_json.h"

namespace sizeup {

// The member, or null where there is none (or `object` is no object).
inline const SortedJson& json_member(const SortedJson& object, const char* key) {
  static const SortedJson kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

inline std::string json_text(const SortedJson& object, const char* key, std::string_view otherwise = {}) {
  const SortedJson& value = json_member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string(otherwise);
}

inline bool json_flag(const SortedJson& object, const char* key, bool otherwise) {
  const SortedJson& value = json_member(object, key);
  return value.is_boolean() ? value.get<bool>() : otherwise;
}

}  // namespace sizeup
