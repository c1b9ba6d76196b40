// lm-evaluation-harness's format_span: named entities in one form.
#pragma once

#include <string>

namespace sizeup {

// Every "label: entity, entity" of a text as "label: entity $ label: entity", in lower case: labels in their
// short forms (per, org, loc, date), "none" left out. Entities end at a new line or a $.
std::string format_span(const std::string& text);

}  // namespace sizeup
