#include "tasks/metrics/code.h"

#include <fmt/format.h>

#include "core/json/json.h"
#include "tasks/sandbox/python_check.h"

namespace sizeup {

// In this order of operations, so that the last bit agrees with Hugging Face's code_eval.
double pass_at_k(int64_t n, int64_t c, int64_t k) {
  if (n - c < k) return 1.0;
  double none_passes = 1.0;
  for (int64_t i = n - c + 1; i <= n; ++i)
    none_passes *= 1.0 - static_cast<double>(k) / static_cast<double>(i);
  return 1.0 - none_passes;
}

std::string pass_at_k_name(int k) {
  return fmt::format("pass@{}", k);
}

void score_pass_at_k(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out) {
  std::vector<std::string> sources;
  for (const std::string& answer : input.answers)
    sources.push_back(answer + "\n" + input.sample.accepted.front());
  Result<std::vector<PythonVerdict>> verdicts = check_python(*input.facts.sandbox, sources);
  if (!verdicts) return out.fail(verdicts.error());
  int64_t passed = 0;
  Json texts = Json::array();
  for (const PythonVerdict& verdict : *verdicts) {
    passed += verdict.passed ? 1 : 0;
    texts.push_back(verdict.text);
  }
  const auto answers = static_cast<int64_t>(verdicts->size());
  for (const int k : parameters.k) out.score(pass_at_k_name(k), pass_at_k(answers, passed, k));
  out.detail("outcome", answers == 1 ? verdicts->front().text : to_line(texts));
  out.detail("passed", std::to_string(passed));
  out.detail("answers", std::to_string(answers));
  out.detail("sandbox", describe(input.facts.sandbox->level()));
}

}  // namespace sizeup
