#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/calibration_text.h"
#include "reports/format.h"
#include "reports/html/reliability.h"
#include "reports/html/sections.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

// Shares of fewer answers jump about and would set the axis.
constexpr int64_t kFewestDrawn = 20;

std::string_view role_of(const ReportData& data, int model) {
  if (!data.is_pair()) return "";
  return model == data.candidate ? "small" : "large";
}

// A row's model without its colour: these tables are long.
std::string side_of(const ReportData& data, int model) {
  return data.is_pair() ? std::string(role_of(data, model)) : data.models[static_cast<size_t>(model)].name;
}

// The entries of a kind for all tasks together: small, then large.
std::vector<const ReportCalibration*> pooled(const ReportData& data, std::string_view kind) {
  std::vector<const ReportCalibration*> out;
  for (const int model : {data.candidate, data.baseline}) {
    if (const ReportCalibration* found = calibration_of(data, kind, model)) out.push_back(found);
  }
  return out;
}

std::vector<std::string> percent_labels(const Axis& axis) {
  std::vector<std::string> labels;
  for (const double tick : axis.ticks) labels.push_back(fmt::format("{:g}\u00a0%", tick));
  return labels;
}

Html reliability_plot(const ReportData& data, const std::vector<const ReportCalibration*>& entries) {
  double least = 1.0;
  double most = 0.0;
  double lo = 1.0;
  double hi = 0.0;
  std::vector<ReliabilitySeries> series;
  for (const ReportCalibration* entry : entries) {
    series.push_back({tone_of(data, entry->model), std::string(role_of(data, entry->model)), entry->bins});
    least = std::min(least, entry->bins.front().confidence);
    most = std::max(most, entry->bins.back().confidence);
    for (const ReliabilityBin& bin : entry->bins) {
      lo = std::min(lo, bin.interval.lo);
      hi = std::max(hi, bin.interval.hi);
    }
  }
  PlotFrame frame;
  frame.description = fmt::format("share right against stated confidence, {}", entries.front()->kind);
  frame.x = linear_axis(least, most, 6);
  frame.y = linear_axis(100.0 * lo, 100.0 * hi, 6);
  for (const double tick : frame.x.ticks) frame.x_labels.push_back(fmt::format("{:.6g}", tick));
  frame.y_labels = percent_labels(frame.y);
  frame.x_name = "stated confidence";
  frame.y_name = "share right";
  return html("<div>{}</div>", plot(frame, reliability_drawing(series, frame.x, frame.y)));
}

double coverage(const ReportCalibration& entry, const RiskPoint& point) {
  return 100.0 * static_cast<double>(point.answered) / static_cast<double>(entry.n);
}

Html risk_line(const ReportCalibration& entry, Tone tone, const Axis& y) {
  std::vector<std::pair<double, double>> points;
  for (const RiskPoint& point : entry.curve) {
    if (point.answered >= kFewestDrawn)
      points.emplace_back(coverage(entry, point), 100.0 - y.at(100.0 * point.risk()));
  }
  return curve(html("{} w2", line_class(tone)), points);
}

// What each has wrong when it answers everything.
Html risk_end(const ReportCalibration& entry, Tone tone, const Axis& y) {
  const Percent top{100.0 - y.at(100.0 * entry.curve.back().risk())};
  if (tone == Tone::large) {
    return html(
        "<rect class=\"f-large\" x=\"100%\" y=\"{}\" width=\"9\" height=\"9\" transform=\"translate(-4.5 "
        "-4.5)\"/>",
        top);
  }
  return html("<circle class=\"{}\" cx=\"100%\" cy=\"{}\" r=\"4.5\"/>", fill_class(tone), top);
}

// Large's level across the plot, and where small's line meets it.
Html level_of_large(const ReportData& data, const ReportCalibration& small, const Axis& y) {
  const ReportCalibration* large = calibration_of(data, small.kind, data.baseline);
  if (large == nullptr) return {};
  const Percent level{100.0 - y.at(100.0 * (1.0 - large->share_right()))};
  Html out =
      html("<line class=\"s-large dash ci\" x1=\"0%\" x2=\"100%\" y1=\"{}\" y2=\"{}\"/>", level, level);
  if (const RiskPoint* point = as_safe_as_large(data, small.kind)) {
    out += html("<circle class=\"s-small f-paper\" data-tip=\"{}\" cx=\"{}\" cy=\"{}\" r=\"4.5\"/>",
                fmt::format("{} of small’s answers, its surest, are wrong no more often than all of large’s",
                            format_percent(coverage(small, *point) / 100.0)),
                Percent{coverage(small, *point)}, Percent{100.0 - y.at(100.0 * point->risk())});
  }
  return out;
}

Html risk_plot(const ReportData& data, const std::vector<const ReportCalibration*>& entries) {
  double hi = 0.0;
  for (const ReportCalibration* entry : entries) {
    for (const RiskPoint& point : entry->curve) {
      if (point.answered >= kFewestDrawn) hi = std::max(hi, 100.0 * point.risk());
    }
  }
  PlotFrame frame;
  frame.description =
      fmt::format("share wrong against share answered, surest first, {}", entries.front()->kind);
  frame.x.hi = 100.0;
  frame.x.ticks = {0, 25, 50, 75, 100};
  frame.x_labels = percent_labels(frame.x);
  frame.y = linear_axis(0.0, hi, 6);
  frame.y_labels = percent_labels(frame.y);
  frame.x_name = "share answered, surest first";
  frame.y_name = "share wrong";
  Html content;
  for (const ReportCalibration* entry : entries) {
    if (data.is_pair() && entry->model == data.candidate) content += level_of_large(data, *entry, frame.y);
  }
  for (const ReportCalibration* entry : entries)
    content += risk_line(*entry, tone_of(data, entry->model), frame.y);
  for (const ReportCalibration* entry : entries)
    content += risk_end(*entry, tone_of(data, entry->model), frame.y);
  return html("<div>{}</div>", plot(frame, content));
}

Html with_range(const std::string& number, const std::string& range) {
  return html("{}<small>{}</small>", number, range);
}

std::string ratio_range(double lo, double hi) {
  return lo <= hi ? format_significant(lo) + "…" + format_significant(hi) : std::string("no interval");
}

// All the numbers of some entries; the first column says whose.
std::vector<std::vector<Html>> number_rows(const ReportData& data,
                                           const std::vector<const ReportCalibration*>& entries) {
  std::vector<std::vector<Html>> rows;
  for (const ReportCalibration* entry : entries) {
    const Estimate& over = entry->overconfidence;
    const Html who = entry->task < 0 ? model_name(data, entry->model)
                                     : html("{}<small>{}</small>", boxed_text(task_name(data, entry->task)),
                                            model_name(data, entry->model));
    rows.push_back(
        {who, value(format_count(entry->n)), value(format_significant(entry->confidence)),
         value(format_percent(entry->share_right())),
         with_range(format_points(over.value), format_points_range(over.lo, over.hi, 0.0)),
         with_range(format_percent(entry->ece.value), format_percent_range(entry->ece.lo, entry->ece.hi)),
         value(format_percent(entry->chance_ece)),
         with_range(format_significant(entry->brier.value), ratio_range(entry->brier.lo, entry->brier.hi)),
         with_range(format_significant(entry->auroc.value), ratio_range(entry->auroc.lo, entry->auroc.hi)),
         with_range(temperature_text(entry->temperature.value),
                    ratio_range(entry->temperature.interval.lo, entry->temperature.interval.hi)),
         value(format_percent(entry->scaled_ece)), value(format_significant(entry->scaled_brier))});
  }
  return rows;
}

const std::vector<std::string>& number_columns() {
  static const std::vector<std::string> columns = {"model (95\u00a0% intervals)",
                                                   "n",
                                                   "mean confidence",
                                                   "share right",
                                                   "surer than right, pp",
                                                   "ECE",
                                                   "ECE by chance",
                                                   "Brier",
                                                   "AUROC",
                                                   "T",
                                                   "ECE scaled",
                                                   "Brier scaled"};
  return columns;
}

Html bins_table(const ReportData& data, const std::vector<const ReportCalibration*>& entries) {
  std::vector<std::vector<Html>> rows;
  for (const ReportCalibration* entry : entries) {
    for (size_t i = 0; i < entry->bins.size(); ++i) {
      const ReliabilityBin& bin = entry->bins[i];
      rows.push_back({html("{}, bin {}", side_of(data, entry->model), i + 1), value(format_count(bin.n)),
                      value(format_significant(bin.confidence)), value(format_percent(bin.share_right())),
                      value(format_percent_range(bin.interval.lo, bin.interval.hi))});
    }
  }
  return table_behind(fmt::format("calibration bins, {}", entries.front()->kind),
                      {"model, bin", "n", "mean confidence", "share right", "95\u00a0% interval"}, rows);
}

Html risk_table(const ReportData& data, const std::vector<const ReportCalibration*>& entries) {
  std::vector<std::vector<Html>> rows;
  for (const ReportCalibration* entry : entries) {
    int64_t before = 0;
    for (int percent = 20; percent <= 100; percent += 20) {
      const RiskPoint& point = point_at_coverage(entry->curve, percent / 100.0);
      if (point.answered == before) continue;  // equal confidences are answered together
      before = point.answered;
      const Interval interval = wilson_interval(point.wrong, point.answered);
      rows.push_back(
          {html("{}, {}", side_of(data, entry->model), format_percent(coverage(*entry, point) / 100.0)),
           value(format_count(point.answered)), value(format_significant(point.confidence)),
           value(format_count(point.wrong)), value(format_percent(point.risk())),
           value(format_percent_range(interval.lo, interval.hi))});
    }
  }
  return table_behind(
      fmt::format("risk and coverage, {}", entries.front()->kind),
      {"model, share answered", "answered", "confidence from", "wrong", "share wrong", "95\u00a0% interval"},
      rows);
}

Html tasks_table(const ReportData& data, std::string_view kind) {
  std::vector<const ReportCalibration*> entries;
  for (const ReportCalibration& entry : data.calibration) {
    if (entry.kind == kind && entry.task >= 0) entries.push_back(&entry);
  }
  if (entries.empty()) return {};
  return table_behind(fmt::format("each task with {} answers or more, {}", kFewestCalibrated, kind),
                      number_columns(), number_rows(data, entries));
}

Html conditions(const ReportData& data, const ConfidenceKind& kind, const ReportCalibration& first) {
  return html(
      "Confidence is the {}: {}. An answer is right from a score of 0.5 on. Bins hold a tenth of the answers "
      "each, about {}, equal confidences together; bars are Wilson 95\u00a0% intervals. ECE by chance: what "
      "as many answers of a perfectly calibrated model would show. T: fitted on all of these answers; ECE "
      "and "
      "Brier scaled: each answer by a T that was fitted on the other nine tenths. The line of share wrong "
      "begins at {} answers{}.",
      kind.name, kind.meaning, format_count(first.n / static_cast<int64_t>(first.bins.size())), kFewestDrawn,
      data.is_pair() ? html("; dashed is what large gets wrong of all") : Html{});
}

Html block(const ReportData& data, const ConfidenceKind& kind,
           const std::vector<const ReportCalibration*>& entries, bool with_finding) {
  Html out;
  if (with_finding) {
    out += html("<h3>Confidence as {}: {}</h3>", kind.name, calibration_finding(data, *entries.front()));
  }
  out += html("<div class=\"pair\">{}{}</div>", reliability_plot(data, entries), risk_plot(data, entries));
  out +=
      number_table(fmt::format("calibration, {}", kind.name), number_columns(), number_rows(data, entries));
  out += tasks_table(data, kind.name);
  out += bins_table(data, entries);
  out += risk_table(data, entries);
  out += caption(conditions(data, kind, *entries.front()));
  return out;
}

}  // namespace

std::optional<Section> calibration_section(const ReportData& data) {
  if (data.calibration.empty()) return std::nullopt;
  std::vector<std::pair<ConfidenceKind, std::vector<const ReportCalibration*>>> kinds;
  for (const ConfidenceKind& kind : kConfidenceKinds) {
    std::vector<const ReportCalibration*> entries = pooled(data, kind.name);
    if (!entries.empty()) kinds.emplace_back(kind, std::move(entries));
  }
  const bool several = kinds.size() > 1;
  Section out;
  out.id = "confidence";
  out.link = "Confidence";
  out.kicker = several ? "Confidence" : fmt::format("Confidence: {}", kinds.front().first.name);
  out.heading = several ? html("How far stated confidence can be trusted")
                        : html("{}", calibration_finding(data, *kinds.front().second.front()));
  out.side.push_back(
      html("Marks below the dashed line: surer than right. {} is the mean distance to the line, {} counts it "
           "answer by answer, {} says whether right answers get higher confidence than wrong ones, {} is one "
           "number that would correct the confidence.",
           term("ECE", "ece"), term("Brier", "brier"), term("AUROC", "auroc"), term("T", "temperature")));
  for (const auto& [kind, entries] : kinds) {
    const RiskPoint* safe = as_safe_as_large(data, kind.name);
    if (safe == nullptr) continue;
    out.side.push_back(
        html("If small gave only its surest {} of these answers ({}), it would be wrong no more often than "
             "large is on all of its own.",
             format_percent(coverage(*entries.front(), *safe) / 100.0), kind.name));
  }
  out.main = pair_legend(data);
  for (const auto& [kind, entries] : kinds) out.main += block(data, kind, entries, several);
  return out;
}

}  // namespace sizeup
