#include "tasks/metrics/exact_match.h"

#include <algorithm>

#include "core/jinja/text.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

// Python's string.punctuation.
constexpr std::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

}  // namespace

std::string exact_match_text(std::string_view text, const MetricParameters& parameters) {
  std::string out(text);
  for (const PythonRegex& regex : parameters.regexes_to_ignore) out = regex.remove_from(out);
  if (parameters.ignore_case) out = jinja::to_lower(out);
  if (parameters.ignore_punctuation) {
    std::erase_if(out, [](char c) { return kPunctuation.find(c) != std::string_view::npos; });
  }
  if (parameters.ignore_numbers) std::erase_if(out, [](char c) { return c >= '0' && c <= '9'; });
  return out;
}

// One of several accepted answers is enough. For multiple_choice: whether a right choice is what the model
// would have written greedily.
void score_exact_match(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out) {
  bool right = false;
  if (input.facts.output_type == OutputType::multiple_choice) {
    for (const int choice : input.sample.gold) right |= input.replies[static_cast<size_t>(choice)].greedy;
  } else {
    const std::string answer = exact_match_text(input.answer, parameters);
    right = std::any_of(
        input.sample.accepted.begin(), input.sample.accepted.end(),
        [&](const std::string& accepted) { return exact_match_text(accepted, parameters) == answer; });
  }
  out.score("exact_match", right ? 1.0 : 0.0);
}

void score_answered(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  const auto answered = std::count_if(input.replies.begin(), input.replies.end(),
                                      [](const Reply& reply) { return !python_strip(reply.text).empty(); });
  out.score("answered", static_cast<double>(answered) / static_cast<double>(input.replies.size()));
}

}  // namespace sizeup
