#include "tasks/judge_rule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>
#include <string_view>
#include <vector>

#include "tasks/keys.h"

namespace sizeup {
namespace {

constexpr int kMostRepeats = 100;
constexpr int kMostTokens = 1'000'000;
constexpr double kHottest = 10.0;

Result<void> refused(const YamlNode& node, std::string_view key, std::string expected) {
  return bad_input(node.place, fmt::format("'judge: {}' is '{:.100}'", key, node.text), std::move(expected),
                   "docs/judge.md");
}

Result<void> read_text(const YamlNode& node, std::string_view key, std::optional<std::string>& out) {
  if (!node.is_scalar() || node.text.empty()) return refused(node, key, "a text");
  out = node.text;
  return {};
}

Result<void> read_whole(const YamlNode& node, std::string_view key, int lowest, int highest, int& out) {
  if (node.kind != YamlNode::Kind::integer || node.integer < lowest || node.integer > highest)
    return refused(node, key, fmt::format("a whole number from {} to {}", lowest, highest));
  out = static_cast<int>(node.integer);
  return {};
}

Result<void> read_scale(const YamlNode& node, std::optional<std::array<int, 2>>& out) {
  constexpr int kFarthest = 1'000'000;
  constexpr const char* kForm = "[1, 5]: the worst and the best verdict";
  if (node.kind != YamlNode::Kind::list || node.items.size() != 2) return refused(node, "scale", kForm);
  std::array<int, 2> ends{};
  for (size_t i = 0; i < ends.size(); ++i) {
    if (auto read = read_whole(node.items[i], "scale", -kFarthest, kFarthest, ends[i]); !read) return read;
  }
  if (ends[0] >= ends[1]) return refused(node.items[1], "scale", kForm);
  out = ends;
  return {};
}

Result<void> read_key(const YamlNode& node, const std::string& key, JudgeRule& out) {
  if (key == "rubric") return read_text(node, key, out.rubric);
  if (key == "scale") return read_scale(node, out.scale);
  if (key == "verdict") {
    out.verdict = verdict_form(node.text);
    if (out.verdict && *out.verdict != VerdictForm::pair) return {};
    std::vector<std::string_view> names;
    for (const VerdictForm form : kFormsOfOneAnswer) names.push_back(name_of(form));
    return refused(node, key, fmt::format("one of {}", fmt::join(names, ", ")));
  }
  if (key == "reference") {
    if (node.kind != YamlNode::Kind::boolean) return refused(node, key, "true or false");
    out.reference = node.boolean;
    return {};
  }
  if (key == "temperature") {
    const bool number = node.kind == YamlNode::Kind::real || node.kind == YamlNode::Kind::integer;
    if (!number || !(node.real >= 0.0 && node.real <= kHottest))
      return refused(node, key, fmt::format("a number from 0 to {}", kHottest));
    out.temperature = node.real;
    return {};
  }
  std::optional<int>& count = key == "repeats" ? out.repeats : out.max_tokens;
  return read_whole(node, key, 1, key == "repeats" ? kMostRepeats : kMostTokens, count.emplace());
}

}  // namespace

Result<JudgeRule> read_judge_rule(const YamlNode& node) {
  Result<void> known = check_keys(
      node, "judge", {"rubric", "verdict", "scale", "reference", "repeats", "temperature", "max_tokens"});
  if (!known) return forward_error(known);
  JudgeRule out;
  for (const auto& [key, value] : node.entries) {
    if (Result<void> read = read_key(value, key, out); !read) return forward_error(read);
  }
  if (out.scale && out.verdict.value_or(VerdictForm::scale) != VerdictForm::scale) {
    return bad_input(node.find("scale")->place,
                     fmt::format("'judge' has a scale, and its verdict is '{}'", name_of(*out.verdict)),
                     "one of them", "leave out 'scale' or 'verdict'");
  }
  return out;
}

}  // namespace sizeup
