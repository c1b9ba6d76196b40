// The checks that files which people write share: policies, requirements and prices.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/errors/result.h"
#include "tasks/yaml.h"

namespace sizeup {

// Thrown by these checks and by the readers of such files; read_checked turns it into their Result.
struct RefusedYaml {
  Error error;
};

// What `read(root, name)` makes of a file, or the error that it or a check threw.
template <class Read>
auto read_checked(const Result<YamlNode>& root, const std::string& name, Read&& read)
    -> Result<std::invoke_result_t<Read, const YamlNode&, const std::string&>> {
  if (!root) return tl::unexpected<Error>(root.error());
  try {
    return read(*root, name);
  } catch (RefusedYaml& refused) {
    return tl::unexpected<Error>(std::move(refused.error));
  }
}

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
