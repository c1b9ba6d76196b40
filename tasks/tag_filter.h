// lm-evaluation-harness's regex_pos: part-of-speech tags of tagged words.
#pragma once

#include "core/errors/result.h"
#include "tasks/filters.h"

namespace sizeup {

// The second of each pair "('word', 'TAG')" of a response, as Python writes a list: "['NOUN', 'VERB']";
// without a pair the fallback (["invalid"]). Options as the harness has them.
Result<Filter> tag_filter(const YamlNode& node);

}  // namespace sizeup
