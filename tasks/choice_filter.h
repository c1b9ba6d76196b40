// lm-evaluation-harness's multi_choice_regex: the letter of the choice that an answer names.
#pragma once

#include "tasks/filters.h"

namespace sizeup {

// A match of regex_pattern; else the letter in brackets, "(B)", of a choice whose text the answer has, both
// after regexes_to_ignore, ignore_case and ignore_punctuation; else that of a letter after a colon; else the
// fallback. group_select says which match; where the harness ends with an IndexError, a search found nothing.
Result<Filter> multi_choice_filter(const YamlNode& node);

}  // namespace sizeup
