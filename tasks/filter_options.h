// What the filters that search by a regular expression have in common.
#pragma once

#include "tasks/text/python_regex.h"
#include "tasks/yaml.h"

namespace sizeup {

struct RegexOptions {
  PythonRegex regex;
  int group_select = 0;  // which of the matches; from the end if negative
  std::string fallback = "[invalid]";
};

// regex_pattern, group_select and fallback with lm-evaluation-harness's defaults.
Result<RegexOptions> read_regex_options(const YamlNode& node);

}  // namespace sizeup
