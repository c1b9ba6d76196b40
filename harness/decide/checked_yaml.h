// The checks that files of people's decisions share: policies and requirements.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"
#include "tasks/yaml.h"

namespace sizeup {

// Thrown by these checks and by the readers of such files, who turn it into their Result.
struct RefusedYaml {
  Error error;
};

[[noreturn]] void refuse(const YamlNode& node, std::string message, std::string expected,
                         std::string hint = {});

// The entries of a mapping whose keys are all known; `what` names it in errors.
const std::vector<YamlEntry>& entries_of(const YamlNode& node, const std::string& what,
                                         std::span<const std::string_view> known);

// The number of a key, within bounds.
double number_of(const YamlNode& node, const std::string& key, double lowest, double highest);

// The text of a key; an empty one is refused.
std::string text_of(const YamlNode& node, const std::string& key);

}  // namespace sizeup
