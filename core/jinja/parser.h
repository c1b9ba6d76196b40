// Tokens to a tree, with Jinja2's grammar (jinja2/parser.py).
#pragma once

#include <string_view>

#include "core/jinja/ast.h"
#include "core/jinja/template.h"

namespace sizeup::jinja {

// Throws TemplateError with the line.
Block parse_template(std::string_view source, const TemplateSettings& settings);

}  // namespace sizeup::jinja
