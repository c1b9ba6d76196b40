#include "tasks/span_filter.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "core/jinja/text.h"
#include "tasks/text/python_regex.h"
#include "tasks/text/split.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

// In the order in which the harness replaces them.
constexpr std::array kLabels = {
    std::pair{"person", "PER"},    std::pair{"location", "LOC"}, std::pair{"organization", "ORG"},
    std::pair{"counties", "LOC"},  std::pair{"places", "LOC"},   std::pair{"people", "PER"},
    std::pair{"persons", "PER"},   std::pair{"company", "ORG"},  std::pair{"country", "LOC"},
    std::pair{"continent", "LOC"}, std::pair{"time", "DATE"},    std::pair{"date", "DATE"},
    std::pair{"per", "PER"},       std::pair{"loc", "LOC"},      std::pair{"org", "ORG"},
};

PythonRegex compiled(const std::string& pattern) {
  Result<PythonRegex> regex = PythonRegex::compile(pattern, "format_span");
  require(regex.has_value(), "the patterns of format_span are regular expressions");
  return std::move(*regex);
}

struct Patterns {
  std::vector<std::pair<PythonRegex, std::string>> labels;
  PythonRegex entities = compiled(R"(\b(PER|LOC|ORG|DATE):\s*([^$]+))");

  Patterns() {
    for (const auto& [name, label] : kLabels)
      labels.emplace_back(compiled(fmt::format(R"(\b{}\s*:)", name)), fmt::format("{}:", label));
  }
};

}  // namespace

std::string format_span(const std::string& text) {
  static const Patterns kPatterns;
  std::string labelled = jinja::to_lower(text);
  for (const auto& [pattern, label] : kPatterns.labels) labelled = pattern.replace_in(labelled, label);
  labelled = jinja::replace_all(labelled, "$$", "$", -1);
  labelled = std::string(jinja::strip_right(labelled, "$"));
  labelled = jinja::replace_all(labelled, "\n", "$", -1);
  std::string out;
  for (const PythonRegex::Found& found : kPatterns.entities.find_all(python_strip(labelled))) {
    for (const std::string_view part : split_at(found[1], ",")) {
      const std::string_view entity = python_strip(part);
      if (jinja::to_lower(entity) == "none") continue;
      if (!out.empty()) out += " $ ";
      out += fmt::format("{}: {}", jinja::to_lower(found[0]), entity);
    }
  }
  return out;
}

}  // namespace sizeup
