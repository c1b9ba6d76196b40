// What a task says of judging its answers (key `judge`), which `sizeup judge` goes by.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/errors/result.h"
#include "tasks/yaml.h"

namespace sizeup {

// What a judge's verdict on an answer is.
enum class VerdictForm : uint8_t {
  scale,        // a whole number from lowest to highest
  correct,      // correct or incorrect
  closed_book,  // correct, incorrect or not attempted, beside the expected answer
  claims,       // of each claim of an answer from a source: supported or unsupported
  likelihood,   // no verdict: how much more probable its source makes an answer
  pair,         // A, B or tie
};

// As task files, the command line and the store name it.
std::string_view name_of(VerdictForm form);
std::optional<VerdictForm> verdict_form(std::string_view name);

// What a task file may say: pairs follow from naming two models.
std::span<const VerdictForm> forms_of_one_answer();

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
