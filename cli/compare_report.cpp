#include "cli/compare_report.h"

#include <fmt/format.h>

#include <cmath>

#include "cli/table.h"
#include "core/json/json.h"
#include "reports/format.h"
#include "reports/text.h"

namespace sizeup::cli {
namespace {

constexpr size_t kShownAnswer = 60;  // code points: both answers and the id on a terminal's line or two

Json finite(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json interval_json(const Interval& interval) {
  return {{"lo", finite(interval.lo)}, {"hi", finite(interval.hi)}};
}

Json side_json(const Evidence& side) {
  return {{"run", side.run},
          {"model", side.model},
          {"reference", side.reference},
          {"fingerprint", side.fingerprint},
          {"precision", side.precision},
          {"created", side.created},
          {"source", side.source}};
}

Json difference_json(const Difference& difference) {
  const PairedDifference& d = difference.result.difference;
  Json json = {{"n", d.n},
               {"candidate", finite(difference.candidate)},
               {"baseline", finite(difference.baseline)},
               {"difference", finite(d.difference)},
               {"lo", finite(d.lo)},
               {"hi", finite(d.hi)},
               {"confidence", d.confidence},
               {"method", d.method},
               {"wins", d.wins},
               {"ties", d.ties},
               {"losses", d.losses},
               {"p", finite(d.p)},
               {"verdict", verdict_name(difference.result.verdict)}};
  json["more_samples"] = difference.result.more ? Json(*difference.result.more) : Json(nullptr);
  return json;
}

Json whole_json(const Difference& difference) {
  Json json = difference_json(difference);
  json["retention"] = {{"value", finite(difference.kept.value)},
                       {"lo", finite(difference.kept.bootstrap.lo)},
                       {"hi", finite(difference.kept.bootstrap.hi)},
                       {"fieller", interval_json(difference.kept.fieller)}};
  return json;
}

Json task_json(const TaskComparison& task, const std::vector<ShownFlip>& flips, double margin) {
  Json json = {{"task", task.task}, {"metric", task.metric}};
  json.update(whole_json(task.difference));
  json["holm_p"] = finite(task.difference.holm_p);
  json["slices"] = Json::array();
  for (const SliceComparison& slice : task.slices) {
    Json row = {{"field", slice.field}, {"value", slice.value}};
    row.update(difference_json(slice.difference));
    row["widened"] = interval_json(slice.difference.widened);
    row["verdict"] = verdict_name(widened_verdict(slice.difference, margin));
    json["slices"].push_back(std::move(row));
  }
  json["flipped"] = task.flips.size();
  json["flips"] = Json::array();
  for (const ShownFlip& shown : flips) {
    json["flips"].push_back({{"document", shown.flip.document_id},
                             {"candidate_score", shown.flip.candidate},
                             {"baseline_score", shown.flip.baseline},
                             {"expected", shown.expected},
                             {"candidate_answer", shown.candidate_answer},
                             {"baseline_answer", shown.baseline_answer}});
  }
  return json;
}

std::string verdict_cell(const NonInferiority& result) {
  if (result.verdict != Verdict::not_enough_data || !result.more)
    return std::string(verdict_word(result.verdict));
  return fmt::format("not enough data, about {} more", format_count(*result.more));
}

std::string kept_cell(const Retention& kept) {
  if (std::isnan(kept.value)) return std::string(kNone);
  return fmt::format("{} ({})", format_percent(kept.value),
                     format_percent_range(kept.bootstrap.lo, kept.bootstrap.hi));
}

std::vector<std::string> difference_cells(const Difference& difference, const Interval& interval,
                                          double margin) {
  const PairedDifference& d = difference.result.difference;
  return {format_count(d.n),
          format_percent(difference.candidate),
          format_percent(difference.baseline),
          format_points(d.difference),
          format_points_range(interval.lo, interval.hi, margin),
          fmt::format("{}/{}/{}", d.wins, d.ties, d.losses)};
}

std::string tasks_text(const ComparisonReport& report) {
  Table table({"task", "metric", "n", "candidate", "baseline", "difference, pp", "95 % interval",
               "win/tie/loss", "kept", "Holm p",
               fmt::format("good enough at {} pp?", format_margin(report.margin))});
  const auto row = [&](const std::string& name, const std::string& metric, const Difference& difference) {
    const PairedDifference& d = difference.result.difference;
    std::vector<std::string> cells = {clean_name(name), clean_name(metric)};
    for (std::string& cell : difference_cells(difference, {d.lo, d.hi}, report.margin)) {
      cells.push_back(std::move(cell));
    }
    cells.push_back(kept_cell(difference.kept));
    cells.push_back(format_p(difference.holm_p));
    cells.push_back(verdict_cell(difference.result));
    table.add(std::move(cells));
  };
  for (const TaskComparison& task : report.comparison.tasks) row(task.task, task.metric, task.difference);
  if (report.comparison.overall) row("all samples", "", *report.comparison.overall);
  return table.to_text();
}

std::string slices_text(const ComparisonReport& report) {
  Table table({"task", "slice", "n", "candidate", "baseline", "difference, pp", "widened interval",
               "win/tie/loss", "good enough?"});
  bool any = false;
  for (const TaskComparison& task : report.comparison.tasks) {
    for (const SliceComparison& slice : task.slices) {
      any = true;
      std::vector<std::string> cells = {clean_name(task.task),
                                        clean_name(fmt::format("{} = {}", slice.field, slice.value))};
      for (std::string& cell : difference_cells(slice.difference, slice.difference.widened, report.margin)) {
        cells.push_back(std::move(cell));
      }
      cells.emplace_back(verdict_word(widened_verdict(slice.difference, report.margin)));
      table.add(std::move(cells));
    }
  }
  if (!any) return {};
  return "\nBy slice. The intervals are widened so that those of one task hold together with 95 %.\n" +
         table.to_text();
}

std::string flips_text(const ComparisonReport& report) {
  std::string out;
  for (size_t t = 0; t < report.flips.size(); ++t) {
    const TaskComparison& task = report.comparison.tasks[t];
    if (report.flips[t].empty()) continue;
    out += fmt::format("\n{}: {} samples flipped, {} shown, where the candidate lost first\n",
                       clean_name(task.task), format_count(static_cast<int64_t>(task.flips.size())),
                       report.flips[t].size());
    Table table({"document", "expected", "candidate", "score", "baseline", "score"});
    for (const ShownFlip& shown : report.flips[t]) {
      const auto text = [](const std::string& answer) { return clean_name(snippet(answer, kShownAnswer)); };
      table.add({clean_name(shown.flip.document_id), text(shown.expected), text(shown.candidate_answer),
                 format_significant(shown.flip.candidate), text(shown.baseline_answer),
                 format_significant(shown.flip.baseline)});
    }
    out += table.to_text();
  }
  return out;
}

std::string side_text(const char* what, const Evidence& side) {
  const std::string precision = side.precision.empty() ? "" : ", " + clean_name(side.precision);
  return fmt::format("{} {} (run {} of {}{})\n", what, clean_name(side.model), clean_name(side.run),
                     clean_name(side.created.substr(0, 10)), precision);
}

}  // namespace

Json comparison_to_json(const ComparisonReport& report) {
  const Comparison& comparison = report.comparison;
  Json json = {{"schema", "sizeup.compare/1"},
               {"candidate", side_json(*report.candidate)},
               {"baseline", side_json(*report.baseline)},
               {"margin", report.margin},
               {"verdict", verdict_name(comparison.verdict.verdict)},
               {"sentence", wording(comparison.verdict)},
               {"tasks", Json::array()},
               {"notes", comparison.notes}};
  for (size_t t = 0; t < comparison.tasks.size(); ++t) {
    json["tasks"].push_back(task_json(comparison.tasks[t], report.flips[t], report.margin));
  }
  json["overall"] = comparison.overall ? whole_json(*comparison.overall) : Json(nullptr);
  return json;
}

std::string comparison_to_text(const ComparisonReport& report) {
  std::string out =
      side_text("candidate", *report.candidate) + side_text("baseline ", *report.baseline) + "\n";
  out += tasks_text(report) + slices_text(report) + flips_text(report) + "\n";
  for (const std::string& note : report.comparison.notes) out += "note: " + clean_name(note) + "\n";
  return out + wording(report.comparison.verdict) + "\n";
}

}  // namespace sizeup::cli
