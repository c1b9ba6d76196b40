// JSON with keys in the order they were written: prompts and templates print objects, so order is content.
// nlohmann/json is slow to compile; headers use core/json/json_fwd.h and only .cpp files include this.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/errors/result.h"
#include "core/json/json_fwd.h"

namespace sizeup {

// Parses one JSON value. `place` ("run.json", "tickets.jsonl:12") goes into the error, which also names
// the line (for a multi-line text) and column. Files are hostile: more than 200 levels, objects of more than
// 10,000 members and numbers beyond a double are refused.
// Duplicate keys keep the last value, as Python's json does.
Result<Json> parse_json(std::string_view text, const std::string& place);

// One line, keys as stored, non-ASCII kept, invalid UTF-8 replaced by U+FFFD.
std::string to_line(const Json& value);

// Sorted keys, no white space, invalid UTF-8 replaced: equal values give equal bytes. For hashing only.
std::string to_canonical(const Json& value);

}  // namespace sizeup
