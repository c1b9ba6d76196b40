// Options that filters and metrics of a task file have in common.
#pragma once

#include <string>
#include <vector>

#include "tasks/text/python_regex.h"
#include "tasks/yaml.h"

namespace sizeup {

// An option that is true or false; `out` stays where it is not given.
Result<void> read_flag(const YamlNode& options, const char* key, bool& out);

// The list regexes_to_ignore; empty where it is not given.
Result<std::vector<PythonRegex>> read_ignored(const YamlNode& options);

// Of the filters that search by a regular expression.
struct RegexOptions {
  PythonRegex regex;
  int group_select = 0;  // which of the matches; from the end if negative
  std::string fallback = "[invalid]";
};

// regex_pattern, group_select and fallback with lm-evaluation-harness's defaults.
Result<RegexOptions> read_regex_options(const YamlNode& options);

}  // namespace sizeup
