#include "tasks/metrics/selfcheck.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "core/jinja/text.h"
#include "tasks/metrics/bleu.h"

namespace sizeup {
namespace {

std::vector<std::string> tokens_of(const std::string& answer) {
  return bleu_words(jinja::to_lower(answer));
}

// An answer without tokens is checked by nothing.
void write(ScoreWriter& out, const char* metric, double value) {
  if (!std::isnan(value)) out.score(metric, value);
}

}  // namespace

SelfCheck selfcheck(std::span<const std::string> answers) {
  std::unordered_map<std::string, int64_t> counts;
  int64_t total = 0;
  for (const std::string& answer : answers) {
    for (std::string& token : tokens_of(answer)) {
      ++counts[std::move(token)];
      ++total;
    }
  }
  const std::vector<std::string> assessed = tokens_of(answers.front());
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (assessed.empty()) return {kNone, kNone};
  SelfCheck out;
  for (const std::string& token : assessed) {
    const double surprise = std::log(static_cast<double>(total) / static_cast<double>(counts[token]));
    out.mean += surprise / static_cast<double>(assessed.size());
    out.largest = std::max(out.largest, surprise);
  }
  return out;
}

void score_selfcheck_mean(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  write(out, "selfcheck_mean", selfcheck(input.answers).mean);
}

void score_selfcheck_max(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  write(out, "selfcheck_max", selfcheck(input.answers).largest);
}

}  // namespace sizeup
