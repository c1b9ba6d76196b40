#include "tasks/metrics/exact_match.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/jinja/text.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

// 1 if a text, which exact_match_text made, is that of an accepted answer.
double is_accepted(const ScoreInput& input, const std::string& text, const MetricParameters& parameters) {
  return best_of(input,
                 [&](const std::string& accepted) { return exact_match_text(accepted, parameters) == text; });
}

}  // namespace

std::string exact_match_text(std::string_view text, const MetricParameters& parameters) {
  std::string out(text);
  for (const PythonRegex& regex : parameters.regexes_to_ignore) out = regex.remove_from(out);
  if (parameters.ignore_case) out = jinja::to_lower(out);
  if (parameters.ignore_punctuation) std::erase_if(out, is_ascii_punctuation);
  if (parameters.ignore_numbers) std::erase_if(out, [](char c) { return c >= '0' && c <= '9'; });
  return out;
}

// One of several accepted answers is enough. For multiple_choice: whether a right choice is what the model
// would have written greedily.
void score_exact_match(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out) {
  if (input.facts.output_type == OutputType::multiple_choice) {
    bool right = false;
    for (const int choice : input.sample.gold) right |= input.replies[static_cast<size_t>(choice)].greedy;
    out.score("exact_match", right ? 1.0 : 0.0);
  } else {
    out.score("exact_match", is_accepted(input, exact_match_text(input.answer, parameters), parameters));
  }
}

void score_answered(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  const auto answered = std::count_if(input.replies.begin(), input.replies.end(),
                                      [](const Reply& reply) { return !python_strip(reply.text).empty(); });
  out.score("answered", static_cast<double>(answered) / static_cast<double>(input.replies.size()));
}

void score_maj_at_k(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out) {
  std::vector<std::string> answers;
  for (const std::string& answer : input.answers) answers.push_back(exact_match_text(answer, parameters));
  for (const int k : parameters.k) {
    const size_t considered = std::min(answers.size(), static_cast<size_t>(k));
    std::map<std::string_view, int> votes;
    for (size_t i = 0; i < considered; ++i) ++votes[answers[i]];
    const auto winner =
        std::max_element(answers.begin(), answers.begin() + static_cast<ptrdiff_t>(considered),
                         [&](const auto& a, const auto& b) { return votes[a] < votes[b]; });
    out.score(fmt::format("maj@{}", k), is_accepted(input, *winner, parameters));
    out.number(fmt::format("agreement@{}", k),
               static_cast<double>(votes[*winner]) / static_cast<double>(considered));
  }
}

void score_semantic_entropy(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out) {
  std::map<std::string, int> meanings;
  for (const std::string& answer : input.answers) ++meanings[exact_match_text(answer, parameters)];
  double entropy = 0.0;
  for (const auto& [meaning, count] : meanings) {
    const double share = static_cast<double>(count) / static_cast<double>(input.answers.size());
    entropy -= share * std::log(share);
  }
  out.score("semantic_entropy", std::max(0.0, entropy));  // -0.0 where all are the same
}

void score_pass_hat_k(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out) {
  const auto right =
      std::count_if(input.answers.begin(), input.answers.end(), [&](const std::string& answer) {
        return is_accepted(input, exact_match_text(answer, parameters), parameters) == 1.0;
      });
  const auto all = static_cast<double>(input.answers.size());
  for (const int k : parameters.k) {
    double chance = 1;  // drawn one after the other, none put back
    for (int drawn = 0; drawn < k; ++drawn)
      chance *= std::max(0.0, static_cast<double>(right) - drawn) / (all - drawn);
    out.score(fmt::format("pass^{}", k), chance);
  }
}

}  // namespace sizeup
