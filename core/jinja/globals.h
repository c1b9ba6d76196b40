// Functions that every template can call.
#pragma once

#include <optional>
#include <string_view>

#include "core/jinja/template.h"
#include "core/jinja/value.h"

namespace sizeup::jinja {

std::optional<Value> find_global(std::string_view name, const TemplateSettings& settings);

// Throws for names that transformers refuses on a namespace.
void check_namespace_attribute(std::string_view name, const TemplateSettings& settings);

}  // namespace sizeup::jinja
