// JSON lines in, JSON lines out, in the same order: what score, generate, tokenize and render share.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <map>
#include <string>
#include <vector>

#include "cli/command.h"
#include "core/json/json.h"

namespace sizeup::cli {

// One input line: the object, or why it is none. `id` is the line's "id", or its number from 0.
struct InputLine {
  Json id;
  Result<Json> object;
};

// Reads FILE, or standard input for "-". Blank lines are skipped.
Result<std::vector<InputLine>> read_lines(const std::string& file);

// Prints lines in the order of their index although they arrive in any order; counts the bad ones.
class OrderedLines {
 public:
  void put(size_t index, const Json& line);
  void put_error(size_t index, const Json& id, const Error& error);  // {"id", "error"}
  int status() const { return bad_ == 0 ? 0 : 1; }

 private:
  void emit(size_t index, std::string text);

  std::map<size_t, std::string> waiting_;
  size_t next_ = 0;
  size_t bad_ = 0;
};

// A member of the wanted type, or an error that names the key and what was expected.
Result<std::string> string_member(const Json& object, const char* key);
// "prompt"/"context" as text, or "messages": [{"role", "content"}].
bool has_messages(const Json& object);

}  // namespace sizeup::cli
