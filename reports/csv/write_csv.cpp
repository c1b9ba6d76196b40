#include <system_error>

#include "core/io/file.h"
#include "reports/csv/csv.h"
#include "reports/format.h"
#include "reports/ladder_text.h"
#include "reports/report.h"
#include "reports/samples_index.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

const std::string& model_name(const ReportData& data, int model) {
  return data.models[static_cast<size_t>(model)].name;
}

// "" for the whole run, so that a filter on the column finds it.
std::string task_cell(const ReportData& data, int task) {
  return task < 0 ? std::string() : data.tasks[static_cast<size_t>(task)].name;
}

std::string results(const ReportData& data) {
  CsvTable table({"model", "task", "metric", "headline", "value", "lo", "hi", "n", "scenario", "planned",
                  "answered", "no_answer", "invalid", "truncated", "errors"});
  for (const ReportScore& score : data.scores) {
    const ReportTask& task = data.tasks[static_cast<size_t>(score.task)];
    for (const auto& [metric, estimate] : score.metrics) {
      table.text(model_name(data, score.model))
          .text(task.name)
          .text(metric)
          .integer(metric == task.metric ? 1 : 0);
      table.number(estimate.value)
          .number(estimate.lo)
          .number(estimate.hi)
          .integer(estimate.n)
          .text(score.scenario);
      table.integer(score.planned).integer(score.answered).integer(score.no_answer).integer(score.invalid);
      table.integer(score.truncated).integer(score.errors);
    }
  }
  return table.content();
}

std::string groups(const ReportData& data) {
  CsvTable table({"model", "group", "tasks", "metric", "value", "lo", "hi", "n"});
  for (const ReportGroup& group : data.groups) {
    table.text(model_name(data, group.model)).text(group.name).integer(group.tasks).text(group.metric);
    table.number(group.estimate.value)
        .number(group.estimate.lo)
        .number(group.estimate.hi)
        .integer(group.estimate.n);
  }
  return table.content();
}

void difference_row(CsvTable& table, const ReportDifference& difference) {
  const PairedDifference& d = difference.result.difference;
  table.integer(d.n).integer(d.wins).integer(d.losses).integer(d.ties);
  table.number(difference.candidate)
      .number(difference.baseline)
      .number(d.difference)
      .number(d.lo)
      .number(d.hi);
}

std::string differences(const ReportData& data) {
  CsvTable table({"task",
                  "candidate",
                  "baseline",
                  "n",
                  "win",
                  "loss",
                  "tie",
                  "candidate_score",
                  "baseline_score",
                  "difference",
                  "lo",
                  "hi",
                  "p",
                  "holm_p",
                  "margin",
                  "verdict",
                  "more_samples",
                  "retention",
                  "retention_lo",
                  "retention_hi",
                  "method"});
  const auto add = [&](const ReportDifference& difference) {
    table.text(task_cell(data, difference.task)).text(data.small().name).text(data.large().name);
    difference_row(table, difference);
    table.number(difference.result.difference.p)
        .number(difference.holm_p)
        .number(margin_of(data, difference));
    table.text(verdict_class(difference.result.verdict)).integer(difference.result.more);
    table.number(difference.kept.value)
        .number(difference.kept.bootstrap.lo)
        .number(difference.kept.bootstrap.hi);
    table.text(difference.result.difference.method);
  };
  for (const ReportDifference& difference : data.differences) add(difference);
  if (data.overall) add(*data.overall);
  return table.content();
}

std::string slices(const ReportData& data) {
  CsvTable table({"task", "field", "value", "n", "win", "loss", "tie", "candidate_score", "baseline_score",
                  "difference", "lo", "hi", "wide_lo", "wide_hi"});
  for (const ReportDifference& slice : data.slices) {
    table.text(task_cell(data, slice.task)).text(slice.slice_field).text(slice.slice_value);
    difference_row(table, slice);
    table.number(slice.widened.lo).number(slice.widened.hi);
  }
  return table.content();
}

CsvTable& of_calibration(CsvTable& table, const ReportData& data, const ReportCalibration& entry) {
  return table.text(model_name(data, entry.model)).text(entry.kind).text(task_cell(data, entry.task));
}

std::string calibration(const ReportData& data) {
  CsvTable table({"model",
                  "confidence",
                  "task",
                  "n",
                  "right",
                  "mean_confidence",
                  "overconfidence",
                  "overconfidence_lo",
                  "overconfidence_hi",
                  "ece",
                  "ece_lo",
                  "ece_hi",
                  "ece_by_chance",
                  "ece_scaled",
                  "brier",
                  "brier_lo",
                  "brier_hi",
                  "brier_scaled",
                  "auroc",
                  "auroc_lo",
                  "auroc_hi",
                  "temperature",
                  "temperature_lo",
                  "temperature_hi",
                  "risk_coverage_area"});
  const auto estimate = [&](const Estimate& e) { table.number(e.value).number(e.lo).number(e.hi); };
  for (const ReportCalibration& entry : data.calibration) {
    of_calibration(table, data, entry).integer(entry.n).integer(entry.right).number(entry.confidence);
    estimate(entry.overconfidence);
    estimate(entry.ece);
    table.number(entry.chance_ece).number(entry.scaled_ece);
    estimate(entry.brier);
    table.number(entry.scaled_brier);
    estimate(entry.auroc);
    table.number(entry.temperature.value).number(entry.temperature.interval.lo);
    table.number(entry.temperature.interval.hi).number(entry.risk_area);
  }
  return table.content();
}

std::string calibration_bins(const ReportData& data) {
  CsvTable table(
      {"model", "confidence", "task", "bin", "n", "right", "mean_confidence", "share_right", "lo", "hi"});
  for (const ReportCalibration& entry : data.calibration) {
    for (size_t i = 0; i < entry.bins.size(); ++i) {
      const ReliabilityBin& bin = entry.bins[i];
      of_calibration(table, data, entry).integer(static_cast<int64_t>(i + 1)).integer(bin.n);
      table.integer(bin.right).number(bin.confidence).number(bin.share_right());
      table.number(bin.interval.lo).number(bin.interval.hi);
    }
  }
  return table.content();
}

std::string risk_coverage(const ReportData& data) {
  CsvTable table({"model", "confidence", "task", "coverage", "risk", "answered", "wrong", "confidence_from"});
  for (const ReportCalibration& entry : data.calibration) {
    for (const RiskPoint& point : entry.curve) {
      of_calibration(table, data, entry)
          .number(static_cast<double>(point.answered) / static_cast<double>(entry.n))
          .number(point.risk());
      table.integer(point.answered).integer(point.wrong).number(point.confidence);
    }
  }
  return table.content();
}

std::string routing(const ReportData& data) {
  CsvTable table({"percent", "share", "threshold", "accuracy", "lo", "hi", "difference", "difference_lo",
                  "difference_hi", "cost_per_1000", "p95_ms", "oracle"});
  const RoutingFrontier& frontier = data.routing->frontier;
  for (size_t i = 0; i < frontier.points.size(); ++i) {
    const RoutePoint& point = frontier.points[i];
    table.integer(static_cast<int64_t>(i)).number(point.share).number(point.threshold);
    table.number(point.accuracy.value).number(point.accuracy.lo).number(point.accuracy.hi);
    table.number(point.against_large.difference).number(point.against_large.lo);
    table.number(point.against_large.hi).number(1000.0 * point.cost).number(point.p95_ms);
    table.number(frontier.oracle[i]);
  }
  return table.content();
}

std::string latency(const ReportData& data) {
  CsvTable table({"model", "quantity", "percent", "ms", "lo", "hi", "n", "queries_needed"});
  for (const ReportLatency& row : data.latency) {
    for (const ReportPercentile& percentile : row.percentiles) {
      const Estimate estimate = percentile.supported ? percentile.estimate : Estimate{};
      table.text(model_name(data, row.model)).text(row.quantity).number(percentile.percent);
      table.number(estimate.value)
          .number(estimate.lo)
          .number(estimate.hi)
          .integer(row.n)
          .integer(percentile.needed);
    }
  }
  return table.content();
}

std::string latency_histogram(const ReportData& data) {
  CsvTable table({"model", "quantity", "from_ms", "to_ms", "requests"});
  for (const ReportLatency& row : data.latency) {
    for (const HistogramBar& bar : row.histogram) {
      table.text(model_name(data, row.model)).text(row.quantity).number(bar.from).number(bar.to);
      table.integer(bar.count);
    }
  }
  return table.content();
}

std::string cost(const ReportData& data) {
  CsvTable table({"model", "task", "currency", "per_1000", "per_1000_correct", "total", "basis", "measured"});
  for (const ReportCost& row : data.cost) {
    table.text(model_name(data, row.model)).text(task_cell(data, row.task)).text(row.currency);
    table.number(row.per_1000)
        .number(row.per_1000_correct)
        .number(row.total)
        .text(row.basis)
        .text(row.measured);
  }
  return table.content();
}

void rung_cells(CsvTable& table, const ReportData& data, const ReportLadder& ladder, const ReportRung& rung) {
  const ReportModel& model = data.models[static_cast<size_t>(rung.model)];
  const auto known = [](int64_t bytes) { return bytes > 0 ? std::optional(bytes) : std::nullopt; };
  table.text(model.name).text(rung_label(data, ladder, rung)).text(model.weight_format);
  table.text(model.precision).number(bits_per_weight(model));
  table.integer(known(model.bytes)).integer(known(model.packed_bytes));
  table.number(rung.prompt_rate.value).number(rung.generation_rate.value).number(rung.offline_rate);
  table.number(rung.cost_per_1000);
}

const ReportDifference* difference_on(const ReportRung& rung, int task) {
  for (const ReportDifference& difference : rung.differences) {
    if (difference.task == task) return &difference;
  }
  return nullptr;
}

void rung_row(CsvTable& table, const ReportData& data, size_t ladder, const ReportRung& rung, int task,
              const Estimate& score) {
  table.integer(static_cast<int64_t>(ladder) + 1);
  rung_cells(table, data, data.ladders[ladder], rung);
  table.text(task_cell(data, task)).number(score.value).number(score.lo).number(score.hi);
  const ReportDifference* difference = difference_on(rung, task);
  if (difference == nullptr) {
    table.integer(score.n);
    for (int empty = 0; empty < 11; ++empty) table.text("");
    return;
  }
  const PairedDifference& d = difference->result.difference;
  table.integer(d.n).integer(d.wins).integer(d.losses).integer(d.ties).number(difference->baseline);
  table.number(d.difference).number(d.lo).number(d.hi);
  table.number(difference->widened.lo).number(difference->widened.hi).number(d.p);
  table.text(verdict_class(ladder_verdict(data, *difference)));
}

// A row for each rung and task, and one for all tasks. The first rung of a ladder has no differences.
std::string ladder(const ReportData& data) {
  CsvTable table({"ladder",
                  "model",
                  "label",
                  "format",
                  "precision",
                  "bits_per_weight",
                  "bytes",
                  "packed_bytes",
                  "prompt_tokens_s",
                  "generated_tokens_s",
                  "offline_tokens_s",
                  "cost_per_1000",
                  "task",
                  "score",
                  "score_lo",
                  "score_hi",
                  "n",
                  "win",
                  "loss",
                  "tie",
                  "base_score",
                  "difference",
                  "lo",
                  "hi",
                  "wide_lo",
                  "wide_hi",
                  "p",
                  "verdict"});
  for (size_t index = 0; index < data.ladders.size(); ++index) {
    const ReportLadder& ladder = data.ladders[index];
    for (const ReportRung& rung : ladder.rungs) {
      for (const ReportScore& score : data.scores) {
        if (score.model == rung.model) {
          rung_row(table, data, index, rung, score.task, score.headline);
        }
      }
      if (data.tasks.size() > 1) rung_row(table, data, index, rung, -1, rung.accuracy);
    }
  }
  return table.content();
}

std::string history(const ReportData& data) {
  CsvTable table({"task", "model", "metric", "run", "created", "fingerprint", "value", "lo", "hi", "n"});
  for (const ReportHistory& history : data.history) {
    for (const ReportHistory::Point& point : history.points) {
      table.text(task_cell(data, history.task)).text(model_name(data, history.model));
      table.text(data.tasks[static_cast<size_t>(history.task)].metric);
      table.text(point.run).text(point.created).text(point.fingerprint).number(point.estimate.value);
      table.number(point.estimate.lo).number(point.estimate.hi).integer(point.estimate.n);
    }
  }
  return table.content();
}

void answer_cells(CsvTable& table, const ReportData& data, const ReportAnswer& answer) {
  table.number(answer.score).text(answer.status).number(answer.confidence).number(answer.total_ms);
  if (data.texts) table.text(answer.text).text(answer.extracted);
}

std::string samples(const ReportData& data) {
  const std::vector<SliceColumn> fields = slice_columns(data);
  std::vector<std::string_view> header = {
      "id", "task", "outcome", "candidate_score", "candidate_status", "candidate_confidence", "candidate_ms"};
  if (data.texts) header.insert(header.end(), {"candidate_text", "candidate_extracted"});
  if (data.is_pair()) {
    header.insert(header.end(), {"baseline_score", "baseline_status", "baseline_confidence", "baseline_ms"});
    if (data.texts) header.insert(header.end(), {"baseline_text", "baseline_extracted"});
  }
  if (data.texts) header.insert(header.end(), {"input", "expected", "source"});
  for (const SliceColumn& field : fields) header.push_back(field.column);
  CsvTable table(header);
  for (const ReportSample& sample : data.samples) {
    table.text(sample.id).text(task_cell(data, sample.task)).text(outcome_of(sample, data.is_pair()));
    answer_cells(table, data, sample.candidate);
    if (data.is_pair()) answer_cells(table, data, sample.baseline);
    if (data.texts) table.text(sample.input).text(sample.expected).text(sample.source);
    for (const SliceColumn& field : fields) {
      const auto value = sample.slices.find(field.field);
      table.text(value == sample.slices.end() ? std::string() : value->second);
    }
  }
  return table.content();
}

}  // namespace

Result<void> write_csv(const ReportData& data, const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) return unavailable(folder.string(), "the folder cannot be made: " + failure.message());
  const auto write = [&](const char* name, const std::string& content) {
    return write_file(folder / name, content);
  };
  if (auto done = write("results.csv", results(data)); !done) return done;
  if (!data.groups.empty()) {
    if (auto done = write("groups.csv", groups(data)); !done) return done;
  }
  if (data.is_pair()) {
    if (auto done = write("differences.csv", differences(data)); !done) return done;
    if (auto done = write("slices.csv", slices(data)); !done) return done;
  }
  if (!data.calibration.empty()) {
    if (auto done = write("calibration.csv", calibration(data)); !done) return done;
    if (auto done = write("calibration_bins.csv", calibration_bins(data)); !done) return done;
    if (auto done = write("risk_coverage.csv", risk_coverage(data)); !done) return done;
  }
  if (data.routing) {
    if (auto done = write("routing.csv", routing(data)); !done) return done;
  }
  if (auto done = write("latency.csv", latency(data)); !done) return done;
  if (auto done = write("latency_histogram.csv", latency_histogram(data)); !done) return done;
  if (auto done = write("cost.csv", cost(data)); !done) return done;
  if (!data.ladders.empty()) {
    if (auto done = write("ladder.csv", ladder(data)); !done) return done;
  }
  if (!data.history.empty()) {
    if (auto done = write("history.csv", history(data)); !done) return done;
  }
  return write("samples.csv", samples(data));
}

}  // namespace sizeup
