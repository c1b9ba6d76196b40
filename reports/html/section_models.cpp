#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/html/sections.h"
#include "reports/text.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

constexpr double kMiddle = 11.0;  // of a row 22 pixels high

bool has_accuracy(const ReportData& data) {
  return std::any_of(data.leaderboard.begin(), data.leaderboard.end(),
                     [](const ReportLeader& leader) { return !std::isnan(leader.accuracy.value); });
}

template <class Present>
bool any_leader(const ReportData& data, Present present) {
  return std::any_of(data.leaderboard.begin(), data.leaderboard.end(), present);
}

Axis accuracy_axis(const ReportData& data) {
  double lo = 100.0;
  double hi = 0.0;
  for (const ReportLeader& leader : data.leaderboard) {
    const Estimate& a = leader.accuracy;
    for (const double end : {a.value, a.lo, a.hi}) {
      if (std::isnan(end)) continue;
      lo = std::min(lo, 100.0 * end);
      hi = std::max(hi, 100.0 * end);
    }
  }
  return linear_axis(lo, hi, 5);
}

Html accuracy_cell(const ReportData& data, const ReportLeader& leader, const Axis& axis) {
  const Estimate& a = leader.accuracy;
  if (std::isnan(a.value)) return html("<td class=\"gfx\" data-v=\"\">{}</td>", kNone);
  const Tone tone = tone_of(data, leader.model);
  Html drawing = row_grid(axis, -8, 30);
  drawing += whisker(tone, axis, {100.0 * a.lo, 100.0 * a.hi}, kMiddle);
  drawing += row_mark(tone, axis, 100.0 * a.value, kMiddle);
  return html(
      "<td class=\"gfx\" data-v=\"{}\"><div class=\"nb\"><span>{}<small>{}</small></span><svg "
      "class=\"row-svg\" role=\"img\" "
      "aria-label=\"{}\">{}</svg></div></td>",
      fmt::format("{:.6f}", a.value), format_percent(a.value), format_percent_range(a.lo, a.hi),
      format_percent(a.value) + ", interval " + format_percent_range(a.lo, a.hi), drawing);
}

Html number_cell(const char* classes, std::optional<double> sort_key, const std::string& text) {
  const std::string key = sort_key && !std::isnan(*sort_key) ? fmt::format("{:.9g}", *sort_key) : "";
  return html("<td class=\"{}\" data-v=\"{}\">{}</td>", classes, key, text);
}

std::string duration_or_none(const Estimate& time) {
  return std::isnan(time.value) ? std::string(kNone) : format_duration(time.value);
}

std::string currency_of(const ReportData& data, int model) {
  for (const ReportCost& cost : data.cost) {
    if (cost.model == model && !cost.currency.empty()) return cost.currency;
  }
  return {};
}

class Leaderboard {
 public:
  explicit Leaderboard(const ReportData& data)
      : data_(data),
        cost_(!data.cost.empty()),
        time_(any_leader(data, [](const ReportLeader& l) { return !std::isnan(l.p50_ms.value); })),
        size_(std::any_of(data.models.begin(), data.models.end(),
                          [](const ReportModel& m) { return m.bytes > 0; })) {}

  Html table() const {
    const Axis axis = accuracy_axis(data_);
    Html head = html(
        "<th scope=\"col\">model</th><th scope=\"col\" data-sort=\"down\" aria-sort=\"descending\">{} "
        "(95\u00a0% "
        "interval)</th>"
        "<th scope=\"col\" class=\"n opt\" data-sort=\"up\">unusable</th>",
        data_.tasks.size() == 1 ? data_.tasks[0].metric : std::string("mean score, all tasks"));
    if (cost_) head += html("<th scope=\"col\" class=\"n\" data-sort=\"up\">cost of 1,000</th>");
    if (time_) {
      head += html(
          "<th scope=\"col\" class=\"n\" data-sort=\"up\">p50</th><th scope=\"col\" class=\"n\" "
          "data-sort=\"up\">p95</th>");
    }
    if (size_) head += html("<th scope=\"col\" class=\"n hide-s\" data-sort=\"up\">weights</th>");
    Html rows;
    for (const ReportLeader& leader : data_.leaderboard) rows += row(leader, axis);
    return scrolling("models", html("<table class=\"lb ctr sortable\"><caption "
                                    "class=\"vh\">Leaderboard</caption><thead><tr>{}</tr></thead>"
                                    "<tbody>{}</tbody><tfoot>{}</tfoot></table>",
                                    head, rows, foot(axis)));
  }

 private:
  Html row(const ReportLeader& leader, const Axis& axis) const {
    const ReportModel& model = data_.models[static_cast<size_t>(leader.model)];
    Html cells = html("<th scope=\"row\">{}<small>{}</small></th>", model_name(data_, leader.model),
                      model_facts(model));
    cells += accuracy_cell(data_, leader, axis);
    cells += number_cell("n opt", leader.unusable, format_percent(leader.unusable));
    if (cost_) {
      const std::string text = leader.cost_per_1000
                                   ? format_money(*leader.cost_per_1000, currency_of(data_, leader.model))
                                   : "unknown";
      cells += number_cell("n", leader.cost_per_1000, text);
    }
    if (time_) {
      cells += number_cell("n", leader.p50_ms.value, duration_or_none(leader.p50_ms));
      cells += number_cell("n", leader.p95_ms.value, duration_or_none(leader.p95_ms));
    }
    if (size_) {
      const std::optional<double> key =
          model.bytes > 0 ? std::optional(static_cast<double>(model.bytes)) : std::nullopt;
      cells += number_cell("n hide-s", key, model.bytes > 0 ? format_bytes(model.bytes) : std::string(kNone));
    }
    return html("<tr{}>{}</tr>",
                leader.model == data_.candidate && data_.models.size() > 2 ? html(" class=\"me\"") : Html{},
                cells);
  }

  Html foot(const Axis& axis) const {
    std::vector<std::string> labels;
    for (const double tick : axis.ticks) labels.push_back(fmt::format("{:g}\u00a0%", tick));
    Html cells =
        html("<th></th><td class=\"gfx\"><div class=\"nb\"><span></span>{}</div></td><td class=\"opt\"></td>",
             row_axis(axis, labels));
    if (cost_) cells += html("<td></td>");
    if (time_) cells += html("<td></td><td></td>");
    if (size_) cells += html("<td class=\"hide-s\"></td>");
    return html("<tr class=\"axr\">{}</tr>", cells);
  }

  const ReportData& data_;
  bool cost_;
  bool time_;
  bool size_;
};

Html every_task(const ReportData& data) {
  std::vector<std::string> columns = {"model"};
  for (const ReportTask& task : data.tasks)
    columns.push_back(fmt::format("{}, {} (n = {})", task.name, task.metric, format_count(task.n)));
  columns.push_back("unusable answers");
  std::vector<std::vector<Html>> rows;
  for (const ReportLeader& leader : data.leaderboard) {
    std::vector<Html> row = {model_name(data, leader.model)};
    for (size_t task = 0; task < data.tasks.size(); ++task) {
      const ReportScore* score = score_of(data, leader.model, static_cast<int>(task));
      row.push_back(score && !std::isnan(score->headline.value)
                        ? value(score_text(data.tasks[task], score->headline.value) + " (" +
                                score_range(data.tasks[task], score->headline) + ")")
                        : value(kNone));
    }
    row.push_back(value(format_percent(leader.unusable)));
    rows.push_back(std::move(row));
  }
  return table_behind("every model on every task", columns, rows);
}

// A group's row for every model, indented below the group that holds it.
Html every_group(const ReportData& data) {
  std::vector<std::vector<Html>> rows;
  for (const ReportGroup& group : data.groups) {
    std::string indent;
    for (int level = 0; level < group.depth; ++level) indent += "\u00a0\u00a0";
    const Estimate& e = group.estimate;
    rows.push_back({html("{}{}", indent, boxed_text(group.name)), model_name(data, group.model),
                    value(format_count(group.tasks)), boxed_text(group.metric),
                    value(format_significant(e.value, 4)),
                    value(e.has_interval() ? format_significant(e.lo, 4) + "…" + format_significant(e.hi, 4)
                                           : std::string("no interval")),
                    value(format_count(e.n))});
  }
  if (rows.empty()) return {};
  return number_table("groups of tasks",
                      {"group", "model", "tasks", "metric", "value", "95\u00a0% interval", "n"}, rows);
}

// What else the tasks measure, and what kept answers from counting.
Html every_metric(const ReportData& data) {
  constexpr size_t kMostRows = 150;  // the rest is in results.csv; a page of 57 tasks stays small
  std::vector<std::vector<Html>> rows;
  size_t left = 0;
  for (const ReportScore& score : data.scores) {
    const ReportTask& task = data.tasks[static_cast<size_t>(score.task)];
    for (const auto& [name, estimate] : score.metrics) {
      if (rows.size() == kMostRows) {
        ++left;
        continue;
      }
      const std::string range = estimate.has_interval() ? format_significant(estimate.lo, 4) + "…" +
                                                              format_significant(estimate.hi, 4)
                                                        : "no interval";
      rows.push_back({boxed_text(task.name), model_name(data, score.model), boxed_text(name),
                      value(format_significant(estimate.value, 4)), value(range),
                      value(format_count(estimate.n))});
    }
  }
  if (rows.empty()) return {};
  Html out = html(
      "<details class=\"tb\"><summary>Every metric of every task</summary>{}",
      number_table("every metric", {"task", "model", "metric", "value", "95\u00a0% interval", "n"}, rows));
  if (left > 0) out += caption(html("{} more rows are in results.csv.", left));
  return out += html("</details>");
}

Html heading(const ReportData& data) {
  const ReportLeader& first = data.leaderboard.front();
  const std::string& name = data.models[static_cast<size_t>(first.model)].name;
  if (std::isnan(first.accuracy.value)) return html("Every model on every task");
  if (data.leaderboard.size() == 1)
    return html("{} of {} on average", boxed_text(name), format_percent(first.accuracy.value));
  Html out = html("{} has the highest score, {}", boxed_text(name), format_percent(first.accuracy.value));
  if (data.is_pair() && first.model != data.candidate && data.overall) {
    out += html("; small differs from large by {} pp",
                format_points(data.overall->result.difference.difference));
  }
  return out;
}

Html single_heading(const ReportData& data) {
  const ReportLeader& only = data.leaderboard.front();
  if (std::isnan(only.accuracy.value)) return html("Every task");
  return html("{} reaches {}{}", boxed_text(data.small().name), format_percent(only.accuracy.value),
              data.tasks.size() > 1 ? html(" over all tasks, weighted by size") : Html{});
}

}  // namespace

std::optional<Section> models_section(const ReportData& data) {
  if (data.leaderboard.empty()) return std::nullopt;
  Section out;
  out.id = "models";
  out.link = "Models";
  out.kicker = data.models.size() > 1 ? "Leaderboard" : "Results";
  out.heading = data.models.size() > 1 ? heading(data) : single_heading(data);
  if (data.models.size() > 1) {
    out.side.push_back(html(
        "Sort by any column. Two overlapping bars do not mean a tie: for pairs read the differences above."));
  }
  out.side.push_back(
      html("{} answers (nothing found, no label, failed) count as wrong; the table shows how many.",
           term("Unusable", "unusable")));
  if (has_accuracy(data)) out.main += Leaderboard(data).table();
  out.main += every_group(data);
  out.main += every_task(data);
  out.main += every_metric(data);
  const bool timed = any_leader(data, [](const ReportLeader& l) { return !std::isnan(l.p50_ms.value); });
  out.main +=
      caption(html("Intervals: 95 %, Wilson for right or wrong, Student’s t for other scores; the mean over "
                   "tasks is weighted by "
                   "size with a pooled standard error.{}",
                   timed ? html(" Latency from scenario <i>{}</i>, {}.", data.latency_scenario,
                                load_in_words(data.latency_scenario))
                         : Html{}));
  return out;
}

}  // namespace sizeup
