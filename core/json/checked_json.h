// JSON files that a program wrote and somebody may have edited: each value knows where it stands, and what is
// not as expected is an error with file, path and expectation. Only .cpp files include this, as json.h.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/errors/result.h"
#include "core/json/json.h"

namespace sizeup {

// Thrown by CheckedJson and by the readers of such files; read_checked_json turns it into their Result.
struct RefusedJson {
  Error error;
};

// A value and its path: "tasks[2].samples[17].score". Lives no longer than the file's name and its JSON.
class CheckedJson {
 public:
  // `origin` is what writes such files: "a file that `sizeup baseline save` wrote".
  CheckedJson(const Json& json, const std::string& file, const char* origin)
      : CheckedJson(json, file, origin, "") {}

  [[noreturn]] void refuse(const std::string& message, const std::string& expected,
                           const std::string& hint = {}) const;

  CheckedJson at(const char* key) const;
  bool has(const char* key) const;
  bool is_null() const;
  std::vector<CheckedJson> items() const;  // of a list
  std::string text() const;                // at most 4096 bytes: names and hashes
  bool boolean() const;
  int64_t count() const;  // from 0 to 2^53, what a JSON number holds exactly
  double number(double lowest, double highest) const;
  double number_or(double otherwise, double lowest, double highest) const;  // otherwise: null
  std::vector<std::pair<std::string, CheckedJson>> members() const;         // of an object

 private:
  CheckedJson(const Json& json, const std::string& file, const char* origin, std::string path)
      : json_(&json), file_(&file), origin_(origin), path_(std::move(path)) {}

  const Json* json_;
  const std::string* file_;
  const char* origin_;
  std::string path_;  // empty: the file
};

// What `read(root)` makes of a file, or the error that it threw.
template <class Read>
auto read_checked_json(const Result<Json>& parsed, const std::string& file, const char* origin, Read&& read)
    -> Result<std::invoke_result_t<Read, const CheckedJson&>> {
  if (!parsed) return tl::unexpected<Error>(parsed.error());
  try {
    return read(CheckedJson(*parsed, file, origin));
  } catch (RefusedJson& refused) {
    return tl::unexpected<Error>(std::move(refused.error));
  }
}

}  // namespace sizeup
