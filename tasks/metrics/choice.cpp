#include "tasks/metrics/choice.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/text/utf8.h"

namespace sizeup {
namespace {

double length_of(const std::string& choice, ChoiceNorm norm) {
  switch (norm) {
    case ChoiceNorm::none:
      return 1.0;
    case ChoiceNorm::code_points:
      return static_cast<double>(count_code_points(choice));
    case ChoiceNorm::bytes:
      return static_cast<double>(choice.size());
  }
  return 1.0;
}

void score_choice(const ScoreInput& input, ChoiceNorm norm, const char* metric, ScoreWriter& out) {
  const auto chosen = static_cast<int>(best_choice(input.sample, input.replies, norm));
  const std::vector<int>& gold = input.sample.gold;
  out.score(metric, std::find(gold.begin(), gold.end(), chosen) != gold.end() ? 1.0 : 0.0);
}

}  // namespace

const std::string& choice_text(const Sample& sample, size_t choice) {
  return choice_of(std::get<AskScore>(sample.asks.at(choice)));
}

size_t best_choice(const Sample& sample, std::span<const Reply> replies, ChoiceNorm norm) {
  size_t best = 0;
  double best_value = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < replies.size(); ++i) {
    const double value = replies[i].logprob / length_of(choice_text(sample, i), norm);
    if (value > best_value) {
      best = i;
      best_value = value;
    }
  }
  return best;
}

double choice_probability(std::span<const Reply> replies, size_t choice) {
  double largest = -std::numeric_limits<double>::infinity();
  for (const Reply& reply : replies) largest = std::max(largest, reply.logprob);
  if (!std::isfinite(largest)) return std::numeric_limits<double>::quiet_NaN();
  double total = 0.0;
  for (const Reply& reply : replies) total += std::exp(reply.logprob - largest);
  return std::exp(replies[choice].logprob - largest) / total;
}

// In a loglikelihood task acc says whether the model would have written the continuation greedily.
void score_acc(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  if (input.facts.output_type == OutputType::loglikelihood) {
    out.score("acc", input.replies[0].greedy ? 1.0 : 0.0);
  } else {
    score_choice(input, ChoiceNorm::none, "acc", out);
  }
}

void score_acc_norm(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  score_choice(input, ChoiceNorm::code_points, "acc_norm", out);
}

void score_acc_bytes(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  score_choice(input, ChoiceNorm::bytes, "acc_bytes", out);
}

// TruthfulQA's MC2: how much of the choices' probability is on right ones.
void score_mc2(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  double right = 0.0;
  for (const int gold : input.sample.gold)
    right += choice_probability(input.replies, static_cast<size_t>(gold));
  out.score("mc2", right);
}

void score_brier(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  double total = 0.0;
  for (size_t i = 0; i < input.replies.size(); ++i) {
    const double right = input.sample.gold.front() == static_cast<int>(i) ? 1.0 : 0.0;
    const double off = choice_probability(input.replies, i) - right;
    total += off * off;
  }
  out.score("brier_score", total);
}

}  // namespace sizeup
