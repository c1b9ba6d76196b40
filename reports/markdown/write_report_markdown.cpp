#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/io/file.h"
#include "reports/calibration_text.h"
#include "reports/format.h"
#include "reports/judging_text.h"
#include "reports/markdown/markdown.h"
#include "reports/recommendation.h"
#include "reports/report.h"
#include "reports/robustness_text.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

const std::string& model_name(const ReportData& data, int model) {
  return data.models[static_cast<size_t>(model)].name;
}

std::string difference_row(const ReportData& data, const ReportDifference& difference) {
  const PairedDifference& d = difference.result.difference;
  const double margin = margin_of(data, difference);
  std::string verdict(verdict_word(difference.result.verdict));
  if (difference.result.verdict == Verdict::not_enough_data && difference.result.more)
    verdict += fmt::format(", about {} more", format_count(*difference.result.more));
  return markdown_row({markdown_text(task_name(data, difference.task)), format_percent(difference.candidate),
                       format_percent(difference.baseline), difference_text(difference, margin),
                       format_margin(margin) + "\u00a0pp", fmt::format("{} / {}", d.wins, d.losses),
                       format_count(d.n), verdict});
}

std::string differences(const ReportData& data) {
  if (data.differences.empty()) return {};
  std::string out =
      "\n## Differences\n\n" + markdown_header({"task", "small", "large", "difference (95\u00a0% interval)",
                                                "margin", "only small / only large right", "n", "enough?"});
  for (const ReportDifference& difference : data.differences) out += difference_row(data, difference);
  if (data.overall) out += difference_row(data, *data.overall);
  return out;
}

std::string requirements(const RequirementsReport& report) {
  const std::vector<ModelJudgement>& models = report.result.models;
  std::vector<std::string> names{"requirement", "limit", "small"};
  if (models.size() > 2) names.push_back(report.candidates.models[1].name);
  if (models.size() > 1) names.emplace_back("large");
  std::string out = fmt::format("\n## Requirements, from {}\n\n", markdown_text(report.requirements.source)) +
                    markdown_header(names);
  for (size_t row = 0; row < models.front().requirements.size(); ++row) {
    const RequirementWords words = requirement_words(report, models.front().requirements[row], "large");
    std::vector<std::string> cells{markdown_text(words.text), markdown_text(words.limit)};
    for (size_t model = 0; model < models.size(); ++model) {
      const Judged& judged = models[model].requirements[row];
      cells.push_back(
          fmt::format("{}: {}", fit_word(judged.fit),
                      markdown_text(found_words(report, report.candidates.models[model], judged))));
    }
    out += markdown_row(cells);
  }
  return out;
}

std::string judging(const ReportData& data) {
  if (!data.judging) return {};
  const auto& [judged, summary] = *data.judging;
  std::string out = "\n## Judges\n\n" + markdown_text(judging_title(judged)) + ".\n\n";
  out += markdown_header(judging_columns(judged));
  for (std::vector<std::string>& row : judging_rows(judged, summary)) {
    for (std::string& cell : row) cell = markdown_text(cell);
    out += markdown_row(row);
  }
  out += "\n";
  for (const std::string& sentence : judging_sentences(judged, summary))
    out += "- " + markdown_text(sentence) + ".\n";
  return out;
}

std::string robustness(const ReportData& data) {
  const std::vector<std::string> sentences = robustness_sentences(data);
  if (sentences.empty()) return {};
  std::string out = "\n## Robustness\n\n";
  for (const std::string& sentence : sentences) out += "- " + markdown_text(sentence) + "\n";
  bool first = true;
  for (const ReportRobustness& entry : data.robustness) {
    if (!entry.variants) continue;
    if (first) {
      out +=
          "\n" + markdown_header({"task", "model", "asked", "score",
                                  "minus original, pp (95\u00a0% interval)", "now wrong / right", "Holm p"});
    }
    first = false;
    for (const VariantCells& cells : variant_cells(entry)) {
      out += markdown_row({markdown_text(task_name(data, entry.task)),
                           markdown_text(model_name(data, entry.model)), markdown_text(cells.name),
                           cells.score, cells.difference, cells.flips, cells.holm_p});
    }
  }
  return out;
}

std::string calibration(const ReportData& data) {
  if (data.calibration.empty()) return {};
  std::string out = "\n## Confidence\n\n" +
                    markdown_header({"model", "confidence", "n", "surer than right, pp", "ECE (by chance)",
                                     "Brier", "AUROC", "temperature", "ECE scaled"});
  for (const ReportCalibration& entry : data.calibration) {
    if (entry.task >= 0) continue;
    const Estimate& over = entry.overconfidence;
    std::string area = format_significant(entry.auroc.value);
    if (entry.auroc.has_interval()) {
      area += fmt::format(" ({}…{})", format_significant(entry.auroc.lo), format_significant(entry.auroc.hi));
    }
    out += markdown_row(
        {markdown_text(model_name(data, entry.model)), entry.kind, format_count(entry.n),
         fmt::format("{} ({})", format_points(over.value), format_points_range(over.lo, over.hi, 0.0)),
         fmt::format("{} ({})", format_percent(entry.ece.value), format_percent(entry.chance_ece)),
         format_significant(entry.brier.value), area, temperature_text(entry.temperature.value),
         format_percent(entry.scaled_ece)});
  }
  return out;
}

std::string routing(const ReportData& data) {
  if (!data.routing) return {};
  std::string out = fmt::format("\n## Small first\n\n**{}.**", routing_finding(data));
  for (const std::string& sentence : routing_sentences(data)) out += " " + sentence;
  return out + "\n";
}

std::string duration(const Estimate& ms) {
  return std::isnan(ms.value) ? std::string(kNone) : format_duration(ms.value);
}

std::string leaderboard(const ReportData& data) {
  std::string out = "\n## Models\n\n" + markdown_header({"model", "mean score (95\u00a0% interval)",
                                                         "1,000 requests", "median", "p95", "unusable"});
  for (const ReportLeader& leader : data.leaderboard) {
    std::string cost = "unknown";
    for (const ReportCost& one : data.cost) {
      if (one.model == leader.model && one.task < 0 && one.per_1000)
        cost = format_money(*one.per_1000, one.currency);
    }
    std::string score(kNone);
    if (!std::isnan(leader.accuracy.value)) {
      score = format_percent(leader.accuracy.value);
      if (leader.accuracy.has_interval())
        score += fmt::format(" ({})", format_percent_range(leader.accuracy.lo, leader.accuracy.hi));
    }
    out += markdown_row({markdown_text(model_name(data, leader.model)), score, markdown_text(cost),
                         duration(leader.p50_ms), duration(leader.p95_ms), format_percent(leader.unusable)});
  }
  return out;
}

std::string notes(const ReportData& data) {
  std::string out = "\n## Notes\n\n";
  const auto note = [&](const std::string& text) { out += "- " + markdown_text(text) + "\n"; };
  note(fmt::format("Run {}, started {}, {}; protocol {}; {}.", data.run.name, data.run.created,
                   data.run.finished.empty() ? "not finished" : "finished " + data.run.finished,
                   data.run.protocol, data.run.program));
  if (data.is_pair()) {
    note(fmt::format("Small is {}, large is {}. Differences are small minus large on the same samples.",
                     data.small().name, data.large().name));
  }
  for (const std::string& sentence : ladder_sentences(data)) note(sentence);
  for (const std::string& warning : data.old_prices) note(warning);
  for (const std::string& line : data.missing) note(line);
  if (data.redacted) note("Parts of names were masked.");
  return out;
}

}  // namespace

std::string to_markdown(const ReportData& data) {
  std::string out = fmt::format("# Is {} enough?\n\n**{}**\n", markdown_text(data.small().name),
                                markdown_text(verdict_sentence(data)));
  out += judging(data);
  out += differences(data);
  if (data.requirements) out += requirements(*data.requirements);
  out += leaderboard(data);
  out += robustness(data);
  out += calibration(data);
  out += routing(data);
  return out + notes(data);
}

Result<void> write_markdown(const ReportData& data, const std::filesystem::path& path) {
  return write_file(path, to_markdown(data));
}

}  // namespace sizeup
