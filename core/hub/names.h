// Names that come from users and servers, before they become parts of paths and addresses.
#pragma once

#include <string>
#include <string_view>

namespace sizeup {

// "Org/Name" or "Name" by the hub's rule: letters, digits, '-', '_', '.'; at most 96 characters; no "--" or
// "..", neither '-' nor '.' at an end.
bool is_repository_name(std::string_view name);

// A repository's name as a folder's, as the hub's caches have it: "Org--Name".
std::string folder_name(std::string_view repository);

// A relative path that stays below its folder: no empty, "." or ".." part, no backslash, no control
// character.
bool is_safe_path(std::string_view path);

// 40 lower-case hexadecimal digits.
bool is_commit(std::string_view revision);

// Lower-case hexadecimal digits, `length` of them.
bool is_hex(std::string_view text, size_t length);

// Percent-encoded for an address; '/' too unless it is to stay.
std::string url_encoded(std::string_view text, bool keep_slashes);

}  // namespace sizeup
