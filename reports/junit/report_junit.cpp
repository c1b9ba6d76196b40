#include <fmt/format.h>

#include <cmath>

#include "core/io/file.h"
#include "reports/format.h"
#include "reports/junit/junit.h"
#include "reports/recommendation.h"
#include "reports/report.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

using Outcome = JunitCase::Outcome;

// Whether a model answered a task at all.
JunitCase answered(const ReportData& data, const ReportScore& score) {
  JunitCase out;
  out.class_name = "sizeup.report." + task_name(data, score.task);
  out.name = data.models[static_cast<size_t>(score.model)].name + " answers";
  const ReportTask& task = data.tasks[static_cast<size_t>(score.task)];
  const std::string value =
      task.share ? format_percent(score.headline.value) : format_significant(score.headline.value);
  out.message = fmt::format("{} {}, {} of {} samples answered", task.metric,
                            std::isnan(score.headline.value) ? "none" : value, score.answered - score.errors,
                            score.planned);
  if (score.errors == 0 && score.answered == score.planned) return out;
  out.outcome = Outcome::error;
  out.type = score.errors > 0 ? "failed samples" : "not finished";
  return out;
}

JunitCase enough(const ReportData& data, const ReportDifference& difference) {
  JunitCase out;
  out.class_name = "sizeup.report." + task_name(data, difference.task);
  const double margin = margin_of(data, difference);
  out.name =
      fmt::format("{} within {} points of {}", data.small().name, format_margin(margin), data.large().name);
  out.message = difference_text(difference, margin);
  out.type = verdict_word(difference.result.verdict);
  if (difference.result.verdict == Verdict::no) out.outcome = Outcome::failed;
  if (difference.result.verdict == Verdict::not_enough_data) out.outcome = Outcome::skipped;
  return out;
}

JunitCase met(const RequirementsReport& report, const Judged& judged, const std::string& large) {
  const RequirementWords words = requirement_words(report, judged, large);
  JunitCase out;
  out.class_name = "sizeup.requirements";
  out.name = words.text;
  out.message = fmt::format("{}: {} (limit {})", fit_word(judged.fit),
                            found_words(report, report.candidates.models.front(), judged), words.limit);
  out.type = fit_word(judged.fit);
  out.place = report.requirements.source;
  if (judged.fit == Fit::not_met) out.outcome = Outcome::failed;
  if (judged.fit != Fit::met && judged.fit != Fit::not_met) out.outcome = Outcome::skipped;
  return out;
}

}  // namespace

std::string to_junit(const ReportData& data) {
  std::vector<JunitCase> cases;
  for (const ReportScore& score : data.scores) cases.push_back(answered(data, score));
  for (const ReportDifference& difference : data.differences) cases.push_back(enough(data, difference));
  if (data.requirements) {
    for (const Judged& judged : data.requirements->result.models.front().requirements)
      cases.push_back(met(*data.requirements, judged, data.is_pair() ? data.large().name : ""));
  }
  return junit_document("sizeup report", data.run.name, cases);
}

Result<void> write_junit(const ReportData& data, const std::filesystem::path& path) {
  return write_file(path, to_junit(data));
}

}  // namespace sizeup
