// Python's `re` on top of PCRE2: patterns of task files are written for Python. Patterns are translated where
// the dialects differ, and patterns and texts are hostile: the work of one search is limited.
//
// Where a difference is left: \s knows U+001C..U+001F as white space in Python only; flags (?a), (?L), (?u)
// and \N{...} are refused; look-behinds of several lengths are accepted although Python refuses them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

class PythonRegex {
 public:
  // `place` ("task.yaml:12") goes into the error.
  static Result<PythonRegex> compile(std::string_view pattern, const std::string& place);

  // One element of re.findall: the groups' texts ("" where a group did not take part), or the whole match if
  // the pattern has no groups.
  using Found = std::vector<std::string>;

  // re.findall(text)[index], negative indices from the end. Nothing if there is no such match, or if the work
  // exceeds the limit. The text must be valid UTF-8.
  std::optional<Found> find(std::string_view text, int index) const;

  // re.findall(text); empty if the work exceeds the limit.
  std::vector<Found> find_all(std::string_view text) const;

  // re.sub(pattern, replacement, text) with a replacement that stands for itself; the text unchanged if the
  // work exceeds the limit.
  std::string replace_in(std::string_view text, std::string_view replacement) const;
  std::string remove_from(std::string_view text) const { return replace_in(text, ""); }

  PythonRegex(PythonRegex&&) noexcept;
  PythonRegex& operator=(PythonRegex&&) noexcept;
  ~PythonRegex();

 private:
  struct Code;
  explicit PythonRegex(std::unique_ptr<Code> code);

  // The groups of a match whose byte offsets these are.
  Found found_at(std::string_view text, const size_t* offsets) const;

  // Calls `visit` for each match with the byte offsets of all groups, as re.finditer goes on after empty
  // matches, until it returns false. False if the work exceeded the limit.
  bool scan(std::string_view text, const std::function<bool(const size_t* offsets)>& visit) const;

  std::unique_ptr<Code> code_;
};

// A Python pattern in PCRE2's dialect. Errors: constructs that Python does not know, or that we refuse.
Result<std::string> translate_python_pattern(std::string_view pattern, const std::string& place);

}  // namespace sizeup
