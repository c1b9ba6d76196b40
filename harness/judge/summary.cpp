#include "harness/judge/summary.h"

#include <cmath>
#include <map>

#include "harness/judge/verdict.h"

namespace sizeup {
namespace {

// How far apart verdicts are: of a scale and of pairs only their order means something. Means of several are
// quantities.
RatingLevel level_of(VerdictForm form) {
  const bool ordered = form == VerdictForm::scale || form == VerdictForm::pair;
  return ordered ? RatingLevel::ordinal : RatingLevel::nominal;
}

// 1 for each verdict that is this one, 0 for others.
std::vector<JudgedDocument> saying(std::vector<JudgedDocument> documents, double verdict) {
  for (JudgedDocument& document : documents) {
    for (JudgedCell& cell : document.cells) {
      for (double& score : cell.scores) score = score == verdict ? 1.0 : 0.0;
    }
  }
  return documents;
}

// What counts for the mean. A question that was not attempted is not half right.
std::vector<JudgedDocument> scored_documents(const Judging& judging) {
  const bool closed_book = judging.question.form == VerdictForm::closed_book;
  return closed_book ? saying(judging.documents, 1.0) : judging.documents;
}

ClosedBookSummary closed_book_summary(const Judging& judging, double correct) {
  ClosedBookSummary out;
  out.incorrect = judged_mean(saying(judging.documents, 0.0), JudgedAs::alone);
  out.not_attempted = judged_mean(saying(judging.documents, kNotAttempted), JudgedAs::alone);
  const double attempted = correct + out.incorrect.mean.value;
  if (attempted > 0.0) out.accuracy_given_attempted = correct / attempted;
  out.f_score = 2.0 * correct / (attempted + 1.0);
  return out;
}

Estimate share(int64_t hits, int64_t of) {
  if (of == 0) return {};
  const auto [lo, hi] = wilson_interval(hits, of);
  return {static_cast<double>(hits) / static_cast<double>(of), lo, hi, of};
}

std::vector<JudgedDocument> only(std::span<const JudgedDocument> documents, size_t judge) {
  std::vector<JudgedDocument> out;
  for (const JudgedDocument& document : documents) {
    JudgedDocument& one = out.emplace_back(JudgedDocument{document.id, document.cluster, {}});
    for (const JudgedCell& cell : document.cells) {
      if (cell.judge == judge) one.cells.push_back(cell);
    }
  }
  return out;
}

JudgeSummary summary_of(const Judging& judging, std::span<const JudgedDocument> scored, size_t judge) {
  const JudgeWork& work = judging.judges[judge];
  JudgeSummary out;
  out.mean = judged_mean(only(scored, judge), judging.as());
  out.unparsed = share(work.unparsed, work.unparsed + work.verdicts);
  out.repeats = alpha_estimate(repeated_ratings(judging.documents, judge), level_of(judging.question.form));
  if (judging.as() == JudgedAs::alone) return out;
  out.position = position_bias(judging.documents, judge);
  out.same_in_both_orders = same_in_both_orders(judging.documents, judge);
  return out;
}

std::optional<HumanSummary> human_summary(const Judging& judging, std::span<const JudgedDocument> scored) {
  HumanSummary out;
  std::map<size_t, double> human;
  std::vector<UnitRatings> people;
  for (const HumanJudgement& one : judging.human) {
    human[one.document] = mean(one.scores);
    people.push_back(one.scores);
  }
  std::vector<double> unlabelled, human_scores, judged_scores;
  std::vector<LabelledScore> labelled;
  std::vector<UnitRatings> both;
  for (size_t d = 0; d < scored.size(); ++d) {
    const double judged = document_score(scored[d], judging.as());
    if (std::isnan(judged)) continue;
    const auto found = human.find(d);
    if (found == human.end()) {
      unlabelled.push_back(judged);
      continue;
    }
    labelled.push_back({judged, found->second});
    human_scores.push_back(found->second);
    judged_scores.push_back(judged);
    both.push_back({judged, found->second});
  }
  if (labelled.empty()) return std::nullopt;
  out.documents = static_cast<int64_t>(labelled.size());
  out.human = mean_estimate(human_scores);
  out.judged = mean_estimate(judged_scores);
  out.agreement = alpha_estimate(both, RatingLevel::interval);
  out.among_people = alpha_estimate(people, RatingLevel::interval);
  out.corrected = prediction_powered_mean(unlabelled, labelled);
  return out;
}

}  // namespace

JudgingSummary summarize(const Judging& judging) {
  JudgingSummary out;
  const std::vector<JudgedDocument> scored = scored_documents(judging);
  out.mean = judged_mean(scored, judging.as());
  if (judging.question.form == VerdictForm::closed_book)
    out.closed_book = closed_book_summary(judging, out.mean.mean.value);
  const size_t judges = judging.judges.size();
  if (judges > 1) {
    out.among_judges = alpha_estimate(judges_ratings(scored, judges, judging.as()), RatingLevel::interval);
  }
  for (size_t judge = 0; judge < judges; ++judge) out.judges.push_back(summary_of(judging, scored, judge));
  out.human = human_summary(judging, scored);
  return out;
}

}  // namespace sizeup
