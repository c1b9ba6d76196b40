// The text of schema.sql, compiled in.
#pragma once

namespace sizeup {

extern const char* const kSchema;

// PRAGMA user_version of the files that kSchema makes.
constexpr int kSchemaVersion = 1;

}  // namespace sizeup
