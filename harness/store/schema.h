// The text of schema.sql and of what later versions add, compiled in.
#pragma once

#include <array>

namespace sizeup {

// PRAGMA user_version of the files that kSchema makes.
constexpr int kSchemaVersion = 7;

// kSchema[v] takes a file from version v to version v + 1.
extern const std::array<const char*, kSchemaVersion> kSchema;

}  // namespace sizeup
