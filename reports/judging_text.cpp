#include "reports/judging_text.h"

#include <fmt/format.h>

#include <cmath>

#include "reports/format.h"

namespace sizeup {
namespace {

std::string plain(double value, int decimals) {
  return fmt::format("{:.{}f}", value, decimals);
}

// "0.58 (0.51…0.65)"
std::string with_interval(const Estimate& estimate, int decimals = 3) {
  if (std::isnan(estimate.value)) return std::string(kNone);
  if (!estimate.has_interval()) return plain(estimate.value, decimals);
  return fmt::format("{} ({}…{})", plain(estimate.value, decimals), plain(estimate.lo, decimals),
                     plain(estimate.hi, decimals));
}

// A score on the scale that the judge was given; of claims the share that is not supported.
Estimate on_scale(const Judging& judging, Estimate estimate) {
  if (judging.question.form == VerdictForm::claims)
    return {1.0 - estimate.value, 1.0 - estimate.hi, 1.0 - estimate.lo, estimate.n};
  if (judging.question.form != VerdictForm::scale) return estimate;
  const double lowest = judging.question.lowest;
  const double range = judging.question.highest - judging.question.lowest;
  for (double* end : {&estimate.value, &estimate.lo, &estimate.hi}) *end = lowest + range * *end;
  return estimate;
}

std::string score_name(const Judging& judging) {
  switch (judging.question.form) {
    case VerdictForm::scale:
      return fmt::format("score, {} to {}", judging.question.lowest, judging.question.highest);
    case VerdictForm::correct:
    case VerdictForm::closed_book:
      return "share correct";
    case VerdictForm::claims:
      return "unsupported claims";
    case VerdictForm::likelihood:
      return "source gain, nats a token";
    case VerdictForm::pair:
      return "win rate";
  }
  return {};
}

std::string_view counted(const Judging& judging) {
  return judging.question.form == VerdictForm::claims ? "claims" : "documents";
}

// Why documents were not judged.
std::string_view left_out_because(const Judging& judging) {
  switch (judging.question.form) {
    case VerdictForm::scale:
    case VerdictForm::correct:
      return "there is no answer";
    case VerdictForm::closed_book:
      return "there is no answer or no expected answer, or it rests on a source";
    case VerdictForm::claims:
      return "there is no answer from a source, or it declines or claims nothing";
    case VerdictForm::likelihood:
      return "there is no answer, or no source in its prompt";
    case VerdictForm::pair:
      return "an answer is missing, or they differ";
  }
  return {};
}

void say_closed_book(const ClosedBookSummary& summary, std::vector<std::string>& out) {
  out.push_back(fmt::format("incorrect, which is the hallucination rate: {}; not attempted: {}",
                            with_interval(summary.incorrect.mean),
                            with_interval(summary.not_attempted.mean)));
  if (!std::isnan(summary.accuracy_given_attempted))
    out.push_back(
        fmt::format("of those attempted {} are correct; F, the harmonic mean of that and the share "
                    "correct of all, is {}",
                    plain(summary.accuracy_given_attempted, 3), plain(summary.f_score, 3)));
}

}  // namespace

std::string judging_title(const Judging& judging) {
  return fmt::format("{}{} on {}, judged {} time{}{}", judging.candidate,
                     judging.baseline.empty() ? "" : " against " + judging.baseline, judging.task,
                     judging.repeats, judging.repeats == 1 ? "" : "s",
                     judging.baseline.empty() ? "" : " in each order");
}

std::vector<std::string> judging_columns(const Judging& judging) {
  std::vector<std::string> out = {"judge",  score_name(judging), "verdicts", "unparsed",
                                  "failed", "alpha of repeats"};
  if (judging.as() == JudgedAs::pairs) out.insert(out.end(), {"favours the first", "same in both orders"});
  out.insert(out.end(), {"tokens in", "tokens out", "cost"});
  return out;
}

std::vector<std::vector<std::string>> judging_rows(const Judging& judging, const JudgingSummary& summary) {
  const bool pairs = judging.as() == JudgedAs::pairs;
  std::vector<std::vector<std::string>> rows;
  for (size_t j = 0; j < judging.judges.size(); ++j) {
    const JudgeWork& work = judging.judges[j];
    const JudgeSummary& one = summary.judges[j];
    std::vector<std::string> cells = {
        work.name,
        with_interval(on_scale(judging, one.mean.mean)),
        format_count(work.verdicts),
        fmt::format("{} ({})", work.unparsed, format_percent(one.unparsed.value)),
        format_count(work.failed),
        with_interval(one.repeats)};
    if (pairs) {
      cells.push_back(with_interval(one.position));
      cells.push_back(format_percent(one.same_in_both_orders.value, 0));
    }
    cells.push_back(format_count(work.input_tokens));
    cells.push_back(format_count(work.output_tokens));
    cells.push_back(work.cost.total && work.cost.currency
                        ? format_money(*work.cost.total, *work.cost.currency)
                        : "unknown");
    rows.push_back(std::move(cells));
  }
  return rows;
}

std::vector<std::string> judging_sentences(const Judging& judging, const JudgingSummary& summary) {
  std::vector<std::string> out;
  const JudgedMean& mean = summary.mean;
  const bool likelihood = judging.question.form == VerdictForm::likelihood;
  out.push_back(
      fmt::format("{}: {} over {} {}; {}", score_name(judging), with_interval(on_scale(judging, mean.mean)),
                  format_count(mean.mean.n), counted(judging),
                  likelihood ? "0: the source changed nothing, 1: each token is 2.7 times as probable with it"
                             : "the interval holds the judges' own noise"));
  if (summary.closed_book) say_closed_book(*summary.closed_book, out);
  if (!std::isnan(mean.noise_share))
    out.push_back(fmt::format("{} of the interval's variance is that noise, which more repeats make less",
                              format_percent(mean.noise_share, 0)));
  if (mean.without_score > 0)
    out.push_back(fmt::format("{} documents have no score: no judge gave {}",
                              format_count(mean.without_score),
                              judging.as() == JudgedAs::pairs ? "a verdict in both orders" : "a verdict"));
  for (const JudgeWork& work : judging.judges) {
    if (work.failed > 0)
      out.push_back(fmt::format("{} requests to {} failed, the first with: {}", format_count(work.failed),
                                work.name, work.error));
  }
  if (judging.left_out > 0)
    out.push_back(fmt::format("{} documents were not judged: {}", format_count(judging.left_out),
                              left_out_because(judging)));
  if (judging.judges.size() > 1)
    out.push_back(
        fmt::format("the judges agree with each other at alpha {}", with_interval(summary.among_judges)));
  for (size_t j = 0; j < judging.judges.size(); ++j) {
    const Estimate& position = summary.judges[j].position;
    if (position.lo > 0.0 || position.hi < 0.0)
      out.push_back(fmt::format(
          "{} prefers the answer that is shown {}: {}; both orders were asked, so the win "
          "rate does not lean",
          judging.judges[j].name, position.lo > 0.0 ? "first" : "second", with_interval(position)));
  }
  if (likelihood) return out;
  if (judging.question.form == VerdictForm::claims) {
    out.emplace_back("people label answers, not claims, so nothing says whether the judges are right");
    return out;
  }
  if (!summary.human) {
    out.emplace_back(
        "nobody has labelled these answers, so nothing says whether the judges are right "
        "(sizeup db import-labels)");
    return out;
  }
  const HumanSummary& human = *summary.human;
  out.push_back(fmt::format("people scored {} of these documents {}, the judges {}; alpha between them {}",
                            format_count(human.documents), with_interval(on_scale(judging, human.human)),
                            with_interval(on_scale(judging, human.judged)), with_interval(human.agreement)));
  if (!std::isnan(human.among_people.value))
    out.push_back(
        fmt::format("the annotators agree with each other at alpha {}", with_interval(human.among_people)));
  out.push_back(fmt::format("corrected by them: {}, if the labelled documents are a random part of all",
                            with_interval(on_scale(judging, human.corrected.mean))));
  return out;
}

}  // namespace sizeup
