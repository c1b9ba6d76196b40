#include "cli/load_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "cli/table.h"
#include "core/json/json.h"

namespace sizeup::cli {
namespace {

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json number_or_null(const std::optional<double>& value) {
  return value ? number_or_null(*value) : Json(nullptr);
}

Json limits_to_json(const LatencyLimits& limits) {
  return {{"ttft_ms", number_or_null(limits.ttft)},
          {"tpot_ms", number_or_null(limits.tpot)},
          {"total_ms", number_or_null(limits.total)}};
}

Json quantity_to_json(const LoadQuantity& quantity) {
  Json json = {{"quantity", quantity.name},
               {"meaning", quantity.meaning},
               {"n", quantity.n},
               {"mean_ms", number_or_null(quantity.mean)}};
  for (const LoadPercentile& one : quantity.percentiles) {
    json[fmt::format("p{}", one.percent)] = {{"ms", number_or_null(one.estimate.value)},
                                             {"lo", number_or_null(one.estimate.lo)},
                                             {"hi", number_or_null(one.estimate.hi)},
                                             {"enough_queries", one.supported},
                                             {"queries_needed", one.needed}};
  }
  return json;
}

Json summary_to_json(const LoadSummary& summary) {
  Json json = {{"scenario", name_of(summary.scenario)},
               {"requests", summary.requests},
               {"failed", summary.failed},
               {"seconds", summary.seconds},
               {"requests_per_second", summary.requests_per_second},
               {"prompt_tokens_per_second", summary.prompt_tokens_per_second},
               {"completion_tokens_per_second", summary.completion_tokens_per_second},
               {"limits", limits_to_json(summary.limits)},
               {"goodput", number_or_null(summary.goodput)},
               {"latencies", Json::array()},
               {"histogram", Json::array()},
               {"windows", Json::array()}};
  for (const LoadQuantity& quantity : summary.quantities)
    json["latencies"].push_back(quantity_to_json(quantity));
  for (const HistogramBar& bar : summary.histogram)
    json["histogram"].push_back({{"from_ms", bar.from}, {"to_ms", bar.to}, {"count", bar.count}});
  for (const LoadWindow& window : summary.windows) {
    json["windows"].push_back({{"begin_s", window.begin_s},
                               {"end_s", window.end_s},
                               {"due", window.due},
                               {"finished", window.finished},
                               {"median_ttft_ms", number_or_null(window.median_ttft)},
                               {"median_total_ms", number_or_null(window.median_total)}});
  }
  return json;
}

const char* name_of(Meets meets) {
  switch (meets) {
    case Meets::yes:
      return "yes";
    case Meets::no:
      return "no";
    case Meets::not_enough:
      return "not enough queries";
  }
  throw InternalError("unknown Meets");
}

std::string milliseconds(double value) {
  return fmt::format("{:.{}f}", value, value < 100.0 ? 1 : 0);
}

std::string percentile_cell(const LoadPercentile& one) {
  if (!one.supported) return fmt::format("not enough queries, {} needed", one.needed);
  const Estimate& estimate = one.estimate;
  if (!estimate.has_interval()) return milliseconds(estimate.value);
  return fmt::format("{} [{}, {}]", milliseconds(estimate.value), milliseconds(estimate.lo),
                     milliseconds(estimate.hi));
}

std::string rates_table(const LoadReport& report) {
  Table table({"scenario", "requests", "failed", "seconds", "requests/s", "prompt tok/s", "answer tok/s",
               "goodput/s"});
  for (const LoadSummary& summary : report.summaries) {
    table.add({name_of(summary.scenario), fmt::format("{}", summary.requests),
               fmt::format("{}", summary.failed), number(summary.seconds, 1),
               number(summary.requests_per_second, 2), number(summary.prompt_tokens_per_second, 0),
               number(summary.completion_tokens_per_second, 0),
               summary.goodput ? number(*summary.goodput, 2) : "no limit"});
  }
  return table.to_text();
}

std::string latency_table(const LoadReport& report) {
  Table table({"scenario", "ms", "n", "mean", "p50 [95 %]", "p90", "p95", "p99"});
  bool any = false;
  for (const LoadSummary& summary : report.summaries) {
    for (const LoadQuantity& quantity : summary.quantities) {
      if (quantity.n == 0) continue;
      std::vector<std::string> cells = {name_of(summary.scenario), quantity.meaning,
                                        fmt::format("{}", quantity.n), milliseconds(quantity.mean)};
      for (const LoadPercentile& one : quantity.percentiles) cells.push_back(percentile_cell(one));
      table.add(std::move(cells));
      any = true;
    }
  }
  return any ? table.to_text() : "";
}

std::string pictures(const LoadReport& report) {
  std::string out;
  for (const LoadSummary& summary : report.summaries) {
    if (summary.histogram.empty()) continue;
    std::vector<int64_t> waits;
    for (const LoadWindow& window : summary.windows) {
      waits.push_back(std::isnan(window.median_total) ? 0
                                                      : static_cast<int64_t>(window.median_total * 1000.0));
    }
    out += fmt::format("{}: full answers by time, {} to {} ms (each bar 2^(1/4) wider)  |{}|\n",
                       name_of(summary.scenario), milliseconds(summary.histogram.front().from),
                       milliseconds(summary.histogram.back().to), bars_of(summary.histogram));
    out += fmt::format("{}: median time to them while {:.1f} s went by                 |{}|\n",
                       name_of(summary.scenario), summary.seconds, bars_of(waits));
  }
  return out;
}

std::string limits_in_words(const LatencyLimits& limits) {
  std::vector<std::string> parts;
  if (limits.ttft) parts.push_back(fmt::format("first token within {} ms", *limits.ttft));
  if (limits.tpot) parts.push_back(fmt::format("each token within {} ms", *limits.tpot));
  if (limits.total) parts.push_back(fmt::format("full answer within {} ms", *limits.total));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string sweep_to_text(const LoadReport& report) {
  if (!report.sweep) return "";
  const Sweep& sweep = *report.sweep;
  Table table(
      {"arrivals/s", "within the limits", "requests/s", "goodput/s", "p95 first token", "p95 full answer"});
  std::vector<const SweepPoint*> points;
  for (const SweepPoint& point : sweep.points) points.push_back(&point);
  std::ranges::sort(points, {}, [](const SweepPoint* point) { return point->qps; });
  for (const SweepPoint* point : points) {
    const LoadSummary& summary = point->summary;
    const auto p95 = [&](size_t quantity) {
      return percentile_cell(summary.quantities[quantity].percentiles[2]);
    };
    table.add({number(point->qps, 2), name_of(point->meets), number(summary.requests_per_second, 2),
               number(summary.goodput.value_or(0.0), 2), p95(0), p95(3)});
  }
  const std::string what =
      fmt::format("{} of {} % of the requests", limits_in_words(report.goal->limits), report.goal->percent);
  std::string out = table.to_text() + "\n";
  if (!sweep.highest) return out + fmt::format("No rate that was tried met the limits: {}.\n", what);
  out += fmt::format("Highest rate that met the limits ({}): {:.2f} arrivals a second", what, *sweep.highest);
  return out + (sweep.bounded ? ".\n" : "; higher ones were not bracketed.\n");
}

}  // namespace

Json load_to_json(const LoadReport& report) {
  Json json = {{"model", report.model.name},
               {"fingerprint", report.model.fingerprint},
               {"backend", report.model.backend},
               {"device", report.model.device},
               {"precision", report.model.precision},
               {"date", report.date},
               {"machine", Json::parse(report.machine)},
               {"prompts", report.prompts},
               {"warm_up", report.warm_up},
               {"scenarios", Json::array()}};
  for (const LoadSummary& summary : report.summaries) json["scenarios"].push_back(summary_to_json(summary));
  if (!report.sweep) return json;
  Json points = Json::array();
  for (const SweepPoint& point : report.sweep->points) {
    points.push_back(
        {{"qps", point.qps}, {"meets", name_of(point.meets)}, {"load", summary_to_json(point.summary)}});
  }
  json["sweep"] = {{"limits", limits_to_json(report.goal->limits)},
                   {"percent", report.goal->percent},
                   {"points", std::move(points)},
                   {"highest_qps", number_or_null(report.sweep->highest)},
                   {"bounded", report.sweep->bounded}};
  return json;
}

std::string load_to_text(const LoadReport& report) {
  std::string out =
      fmt::format("{} ({}{}{}), {}\nprompts: {}; {} requests before each measurement\n\n", report.model.name,
                  report.model.backend, report.model.device.empty() ? "" : " on ", report.model.device,
                  report.date, report.prompts, report.warm_up);
  if (!report.summaries.empty()) out += rates_table(report) + "\n";
  if (const std::string latencies = latency_table(report); !latencies.empty())
    out += latencies + "\n" + pictures(report) + "\n";
  return out + sweep_to_text(report);
}

}  // namespace sizeup::cli
