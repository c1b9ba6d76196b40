// What a task says of judging its answers (key `judge`), which `sizeup judge` goes by.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "core/errors/result.h"
#include "tasks/verdict_form.h"
#include "tasks/yaml.h"

namespace sizeup {

// Nothing: not said.
struct JudgeRule {
  std::optional<std::string> rubric;        // what makes an answer good
  std::optional<VerdictForm> verdict;       // no scale goes with any but that form
  std::optional<std::array<int, 2>> scale;  // the worst and the best verdict
  std::optional<bool> reference;            // the judge sees the expected answer
  std::optional<int> repeats;               // of each answer, of pairs of each order
  std::optional<double> temperature;        // of the judge's replies
  std::optional<int> max_tokens;            // of a reply
};

// bad_input with the place for unknown keys, wrong types and numbers out of range.
Result<JudgeRule> read_judge_rule(const YamlNode& node);

}  // namespace sizeup
