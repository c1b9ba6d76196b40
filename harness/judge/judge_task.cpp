#include "harness/judge/judge_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "harness/judge/answers_task.h"
#include "harness/judge/likelihood_task.h"
#include "harness/judge/stored_judging.h"
#include "harness/judge/verdict.h"
#include "harness/statistics/interval.h"

namespace sizeup {
namespace {

// A metric of verdicts: what each verdict's score counts.
struct VerdictMetric {
  const char* name;
  const char* description;
  bool higher_is_better;
  double (*value)(double score);
};

double itself(double score) {
  return score;
}
double unsupported(double score) {
  return 1.0 - score;
}
double correct(double score) {
  return score == 1.0 ? 1.0 : 0.0;
}
double incorrect(double score) {
  return score == 0.0 ? 1.0 : 0.0;
}
double attempted(double score) {
  return score == kNotAttempted ? 0.0 : 1.0;
}

constexpr std::array kScoreMetrics = {
    VerdictMetric{kJudgeScore, "the judge's verdict, from 0, the worst, to 1, the best", true, itself}};
constexpr std::array kPairMetrics = {VerdictMetric{
    kJudgeWinRate, "share of comparisons that the judge gives the model, a tie counts half", true, itself}};
constexpr std::array kClosedBookMetrics = {
    VerdictMetric{kJudgeCorrect, "closed book: answers that the judge calls correct", true, correct},
    VerdictMetric{kJudgeHallucination, "closed book: answers that the judge calls incorrect", false,
                  incorrect},
    VerdictMetric{kJudgeAttempted, "closed book: questions that the judge does not call declined", true,
                  attempted}};
constexpr std::array kClaimMetrics = {VerdictMetric{
    kJudgeUnsupported, "claims that the judge finds no support for in the source, of all claims", false,
    unsupported}};

std::span<const VerdictMetric> metrics_of(VerdictForm form) {
  switch (form) {
    case VerdictForm::scale:
    case VerdictForm::correct:
      return kScoreMetrics;
    case VerdictForm::closed_book:
      return kClosedBookMetrics;
    case VerdictForm::claims:
      return kClaimMetrics;
    case VerdictForm::pair:
      return kPairMetrics;
    case VerdictForm::likelihood:
      return {};
  }
  return {};
}

class JudgeTask : public AnswersTask {
 public:
  explicit JudgeTask(JudgeTaskSpec spec) : AnswersTask(std::move(spec)) {
    const JudgeQuestion& question = spec_.question;
    set_hashes(Json{{"verdict", name_of(question.form)},
                    {"prompt", judge_prompt(question, {})},
                    {"lowest", question.lowest},
                    {"highest", question.highest},
                    {"swapped", spec_.swapped},
                    {"repeats", spec_.repeats},
                    {"max_tokens", spec_.ask.max_tokens},
                    {"temperature", spec_.ask.temperature},
                    {"slices", spec_.slice_fields}});
    if (question.as_json) schema_ = verdict_schema(question);
  }

  OutputType output_type() const override { return OutputType::generate_until; }
  std::string answer_schema() const override { return schema_; }

  std::vector<MetricInfo> metrics() const override {
    // The rate of all claims is no mean over answers.
    const bool is_mean = spec_.question.form != VerdictForm::claims;
    std::vector<MetricInfo> out;
    for (const VerdictMetric& metric : metrics_of(spec_.question.form))
      out.push_back({metric.name, metric.description, metric.higher_is_better, is_mean});
    out.push_back(
        {kUnparsedRate, "replies of the judge without a verdict: they are in no score", false, true});
    return out;
  }

  Scored score(const Sample& sample, const std::vector<Reply>& replies) const override {
    Scored scored;
    scored.confidence = kNoNumber;
    const std::vector<std::string>& claims = sample.choices;
    Verdicts verdicts;
    std::vector<double> scores;
    for (const Reply& reply : replies) {
      std::optional<std::vector<double>>& verdict = verdicts.emplace_back(read(reply.text, claims.size()));
      if (verdict) scores.insert(scores.end(), verdict->begin(), verdict->end());
      scored.answer += (scored.answer.empty() ? "" : ", ") + text_of(verdict);
    }
    scored.no_answer = scores.empty();
    scored.details[kVerdicts] = verdicts_detail(verdicts);
    for (const VerdictMetric& metric : metrics_of(spec_.question.form)) {
      if (scores.empty()) break;
      std::vector<double> values;
      for (const double score : scores) values.push_back(metric.value(score));
      scored.scores[metric.name] = mean(values);
    }
    scored.scores[kUnparsedRate] =
        static_cast<double>(unparsed_in(verdicts)) / static_cast<double>(replies.size());
    return scored;
  }

  double aggregate(const std::string& name, const std::vector<const Scored*>& scored) const override {
    if (name != kJudgeUnsupported) return AnswersTask::aggregate(name, scored);
    const SetMetric set = set_metric(name, scored);
    return set.value(set.counts);
  }

  // Unsupported claims of all claims; of a claim that was judged several times the mean counts.
  SetMetric set_metric(const std::string&, const std::vector<const Scored*>& scored) const override {
    struct Part {
      double claims;
      double unsupported;
    };
    std::vector<Part> parts;
    for (const Scored* one : scored) {
      const Verdicts verdicts = verdicts_of(one->details);
      std::vector<double> scores;
      for (const auto& verdict : verdicts) {
        if (verdict) scores.insert(scores.end(), verdict->begin(), verdict->end());
      }
      const auto claims = static_cast<double>(parts_of(verdicts));
      if (!scores.empty()) parts.push_back({claims, claims * unsupported(mean(scores))});
    }
    SetMetric out;
    out.counts.assign(parts.size(), 1);
    out.value = [parts](std::span<const int64_t> counts) {
      double claims = 0.0;
      double without_support = 0.0;
      for (size_t i = 0; i < parts.size(); ++i) {
        claims += static_cast<double>(counts[i]) * parts[i].claims;
        without_support += static_cast<double>(counts[i]) * parts[i].unsupported;
      }
      return claims == 0.0 ? kNoNumber : without_support / claims;
    };
    return out;
  }

 private:
  std::string shown_of(const JudgedAnswer& answer) const override {
    JudgedTexts texts = answer.texts;
    if (spec_.swapped) {
      std::swap(texts.answer, texts.second);
      std::swap(texts.before, texts.second_before);
    }
    return judge_prompt(spec_.question, texts);
  }

  void ask(const JudgedAnswer& answer, Sample& sample) const override {
    // Both orders draw from streams of their own.
    sample.document_hash = sha256_hex(answer.document_hash + (spec_.swapped ? "/swapped" : "/straight"));
    sample.prompt.user = shown_of(answer);
    sample.asks.assign(static_cast<size_t>(spec_.repeats), spec_.ask);
    sample.choices = answer.texts.claims;
  }

  // One score, or one for each claim; of a pair the candidate's.
  std::optional<std::vector<double>> read(const std::string& reply, size_t claims) const {
    if (spec_.question.form == VerdictForm::claims) return read_claim_verdicts(spec_.question, claims, reply);
    const std::optional<double> verdict = read_verdict(spec_.question, reply);
    if (!verdict) return std::nullopt;
    return std::vector<double>{spec_.swapped ? 1.0 - *verdict : *verdict};
  }

  std::string text_of(const std::optional<std::vector<double>>& verdict) const {
    if (!verdict || spec_.question.form != VerdictForm::claims)
      return verdict_text(spec_.question, verdict ? std::optional(verdict->front()) : std::nullopt);
    return fmt::format("{} of {} claims supported", std::ranges::count(*verdict, 1.0), verdict->size());
  }

  std::string schema_;
};

}  // namespace

std::unique_ptr<Task> make_judge_task(JudgeTaskSpec spec) {
  if (spec.question.form == VerdictForm::likelihood) return make_likelihood_task(std::move(spec));
  return std::make_unique<JudgeTask>(std::move(spec));
}

}  // namespace sizeup
