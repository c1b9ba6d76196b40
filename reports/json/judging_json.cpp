#include "reports/json/judging_json.h"

#include "reports/json/estimate_json.h"

namespace sizeup {
namespace {

Json mean_json(const JudgedMean& mean) {
  return {{"mean", estimate_json(mean.mean)},
          {"noise_share", number(mean.noise_share)},
          {"without_score", mean.without_score}};
}

}  // namespace

Json judging_json(const Judging& judging, const JudgingSummary& summary) {
  Json out = {{"schema", "sizeup.judging/1"},   {"run", judging.run},
              {"candidate", judging.candidate}, {"task", judging.task},
              {"repeats", judging.repeats},     {"left_out", judging.left_out},
              {"all", mean_json(summary.mean)}, {"judges", Json::array()}};
  out["verdict"] = name_of(judging.question.form);
  if (summary.closed_book) {
    const ClosedBookSummary& closed = *summary.closed_book;
    out["closed_book"] = {{"hallucination_rate", mean_json(closed.incorrect)},
                          {"not_attempted", mean_json(closed.not_attempted)},
                          {"accuracy_given_attempted", number(closed.accuracy_given_attempted)},
                          {"f_score", number(closed.f_score)}};
  }
  if (!judging.baseline.empty()) out["baseline"] = judging.baseline;
  if (judging.judges.size() > 1) out["among_judges"] = estimate_json(summary.among_judges);
  for (size_t j = 0; j < judging.judges.size(); ++j) {
    const JudgeWork& work = judging.judges[j];
    const JudgeSummary& one = summary.judges[j];
    Json row = {{"judge", work.name},
                {"score", mean_json(one.mean)},
                {"verdicts", work.verdicts},
                {"unparsed", work.unparsed},
                {"unparsed_rate", estimate_json(one.unparsed)},
                {"failed", work.failed},
                {"first_error", work.failed > 0 ? Json(work.error) : Json()},
                {"alpha_of_repeats", estimate_json(one.repeats)},
                {"input_tokens", work.input_tokens},
                {"output_tokens", work.output_tokens},
                {"cost", number(work.cost.total)},
                {"currency", work.cost.currency ? Json(*work.cost.currency) : Json()},
                {"cost_basis", work.cost.basis}};
    if (judging.as() == JudgedAs::pairs) {
      row["position_bias"] = estimate_json(one.position);
      row["same_in_both_orders"] = estimate_json(one.same_in_both_orders);
    }
    out["judges"].push_back(std::move(row));
  }
  if (summary.human) {
    const HumanSummary& human = *summary.human;
    out["people"] = {{"documents", human.documents},
                     {"human", estimate_json(human.human)},
                     {"judged", estimate_json(human.judged)},
                     {"alpha", estimate_json(human.agreement)},
                     {"alpha_among_people", estimate_json(human.among_people)},
                     {"corrected", estimate_json(human.corrected.mean)},
                     {"weight_of_judges", human.corrected.weight}};
  }
  return out;
}

}  // namespace sizeup
