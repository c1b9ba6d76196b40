#include "harness/judge/likelihood_task.h"

#include <fmt/format.h>

#include <cmath>

#include "core/errors/result.h"
#include "core/json/json.h"
#include "harness/judge/answers_task.h"
#include "harness/judge/stored_judging.h"
#include "harness/statistics/interval.h"

namespace sizeup {
namespace {

class LikelihoodTask : public AnswersTask {
 public:
  explicit LikelihoodTask(JudgeTaskSpec spec) : AnswersTask(std::move(spec)) {
    set_hashes(Json{{"verdict", name_of(spec_.question.form)}, {"slices", spec_.slice_fields}});
  }

  OutputType output_type() const override { return OutputType::loglikelihood; }

  std::vector<MetricInfo> metrics() const override {
    return {{kJudgeSourceGain,
             "mean log-probability of the answer's tokens given the source, minus without it, in nats", true,
             true}};
  }

  Scored score(const Sample&, const std::vector<Reply>& replies) const override {
    const double with = mean_of(replies.at(0));
    const double without = mean_of(replies.at(1));
    Scored scored;
    scored.confidence = kNoNumber;
    scored.no_answer = !std::isfinite(with - without);
    scored.details[kVerdicts] = verdicts_detail({std::nullopt});
    if (scored.no_answer) return scored;
    scored.answer = fmt::format("{:.3f}", with - without);
    scored.scores[kJudgeSourceGain] = with - without;
    scored.details[kVerdicts] = verdicts_detail({std::vector{with - without}});
    scored.details["with_source"] = fmt::format("{}", with);
    scored.details["without_source"] = fmt::format("{}", without);
    return scored;
  }

  SetMetric set_metric(const std::string&, const std::vector<const Scored*>&) const override {
    throw InternalError("a mean is no set metric");
  }

 private:
  static double mean_of(const Reply& reply) { return reply.logprob / static_cast<double>(reply.tokens); }

  std::string shown_of(const JudgedAnswer& answer) const override {
    return to_line(Json{answer.texts.prompt, answer.texts.source, answer.texts.answer});
  }

  void ask(const JudgedAnswer& answer, Sample& sample) const override {
    // The answer follows the prompt as it was written, its white space included.
    for (const std::string& prompt : {answer.texts.prompt, without_source(answer.texts).value_or("")})
      sample.asks.emplace_back(AskScore{"", answer.texts.answer, prompt});
    sample.source = answer.texts.source;
  }
};

}  // namespace

std::unique_ptr<Task> make_likelihood_task(JudgeTaskSpec spec) {
  return std::make_unique<LikelihoodTask>(std::move(spec));
}

std::optional<std::string> without_source(const JudgedTexts& texts) {
  const size_t at = texts.prompt.find(texts.source);
  if (texts.source.empty() || at == std::string::npos) return std::nullopt;
  std::string out = texts.prompt;
  out.erase(at, texts.source.size());
  return out;
}

}  // namespace sizeup
