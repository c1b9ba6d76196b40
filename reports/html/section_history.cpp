#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/html/history_plot.h"
#include "reports/html/sections.h"

namespace sizeup {
namespace {

constexpr size_t kMostPlots = 6;  // more tasks stand in the table

const ReportTask& task_of(const ReportData& data, const ReportHistory& history) {
  return data.tasks[static_cast<size_t>(history.task)];
}

const std::string& name_of(const ReportData& data, const ReportHistory& history) {
  return data.models[static_cast<size_t>(history.model)].name;
}

std::string day(const std::string& created) {
  return created.substr(0, 10);
}

// The runs of a task's histories, oldest first: the places of the x axis.
std::vector<const ReportHistory::Point*> runs_of(const std::vector<const ReportHistory*>& histories) {
  std::vector<const ReportHistory::Point*> runs;
  for (const ReportHistory* history : histories) {
    for (const ReportHistory::Point& point : history->points) {
      const bool known =
          std::any_of(runs.begin(), runs.end(), [&](const auto* run) { return run->run == point.run; });
      if (!known) runs.push_back(&point);
    }
  }
  std::stable_sort(runs.begin(), runs.end(),
                   [](const auto* a, const auto* b) { return a->created < b->created; });
  return runs;
}

HistorySeries series_of(const ReportData& data, const ReportHistory& history,
                        const std::vector<const ReportHistory::Point*>& runs) {
  const ReportTask& task = task_of(data, history);
  const double scale = task.share ? 100.0 : 1.0;
  HistorySeries series;
  series.tone = tone_of(data, history.model);
  for (const ReportHistory::Point& point : history.points) {
    if (std::isnan(point.estimate.value)) continue;
    const auto place =
        std::find_if(runs.begin(), runs.end(), [&](const auto* run) { return run->run == point.run; });
    series.points.push_back({static_cast<size_t>(place - runs.begin()),
                             {scale * point.estimate.value, scale * point.estimate.lo,
                              scale * point.estimate.hi, point.estimate.n},
                             fmt::format("{}, {}: {} ({}), n = {}{}", name_of(data, history), point.run,
                                         score_text(task, point.estimate.value),
                                         score_range(task, point.estimate), format_count(point.estimate.n),
                                         point.other_weights ? "; other weights than before" : ""),
                             point.other_weights});
  }
  return series;
}

// First, middle and last: more dates than three meet each other on a narrow screen.
void label_runs(const std::vector<const ReportHistory::Point*>& runs, PlotFrame& frame) {
  frame.x.lo = 0.0;
  frame.x.hi = static_cast<double>(runs.size() - 1);
  std::vector<size_t> places{0};
  if (runs.size() > 4) places.push_back(runs.size() / 2);
  places.push_back(runs.size() - 1);
  for (const size_t place : places) {
    frame.x.ticks.push_back(static_cast<double>(place));
    frame.x_labels.push_back(day(runs[place]->created));
  }
  frame.x_name = "run";
}

Html plot_of(const ReportData& data, const std::vector<const ReportHistory*>& histories) {
  const ReportTask& task = task_of(data, *histories.front());
  const std::vector<const ReportHistory::Point*> runs = runs_of(histories);
  std::vector<HistorySeries> series;
  double lo = INFINITY;
  double hi = -INFINITY;
  for (const ReportHistory* history : histories) {
    series.push_back(series_of(data, *history, runs));
    for (const HistorySeries::Point& point : series.back().points) {
      for (const double end : {point.estimate.value, point.estimate.lo, point.estimate.hi}) {
        if (std::isnan(end)) continue;
        lo = std::min(lo, end);
        hi = std::max(hi, end);
      }
    }
  }
  if (!(lo <= hi)) return {};
  PlotFrame frame;
  frame.description = fmt::format("{} of {} over {} runs", task.metric, task.name, runs.size());
  frame.y = linear_axis(lo, hi, 6);
  for (const double tick : frame.y.ticks)
    frame.y_labels.push_back(task.share ? fmt::format("{:g}\u00a0%", tick) : fmt::format("{:g}", tick));
  frame.y_name = task.name + ", " + task.metric;
  label_runs(runs, frame);
  return html("<div>{}</div>", plot(frame, history_drawing(series, runs.size(), frame.y)));
}

Html table(const ReportData& data) {
  constexpr size_t kDigits = 12;  // of a fingerprint's 64; the whole is in the JSON
  std::vector<std::vector<Html>> rows;
  for (const ReportHistory& history : data.history) {
    const ReportTask& task = task_of(data, history);
    for (const ReportHistory::Point& point : history.points) {
      rows.push_back({html("{}, {}", boxed_text(task.name), model_name(data, history.model)),
                      html("{}<small>{}</small>", boxed_text(point.run), day(point.created)),
                      value(score_text(task, point.estimate.value)), value(score_range(task, point.estimate)),
                      value(format_count(point.estimate.n)),
                      html("{}{}", boxed_text(point.fingerprint.substr(0, kDigits)),
                           point.other_weights ? html(" ▲") : Html{})});
    }
  }
  return table_behind("history", {"task, model", "run", "score", "95\u00a0% interval", "n", "weights"}, rows);
}

std::string heading(const ReportData& data) {
  size_t most = 0;
  int64_t changes = 0;
  for (const ReportHistory& history : data.history) {
    most = std::max(most, history.points.size());
    int64_t own = 0;
    for (const ReportHistory::Point& point : history.points) own += point.other_weights;
    changes = std::max(changes, own);
  }
  if (changes == 0) return fmt::format("Scores over {} runs with the same weights", most);
  return fmt::format("Scores over {} runs; weights changed {}", most,
                     changes == 1 ? "once" : fmt::format("{} times", changes));
}

}  // namespace

std::optional<Section> history_section(const ReportData& data) {
  if (data.history.empty()) return std::nullopt;
  Section out;
  out.id = "history";
  out.link = "History";
  out.kicker = "Earlier runs of the same tasks";
  out.heading = html("{}", heading(data));
  out.side.push_back(html(
      "The band is the {} of each run. ▲ marks the first run with other weights under the same model name: "
      "what moved there may be the model. Steps without a mark come from the program or the machine, or are "
      "chance.",
      term("95\u00a0% interval", "interval")));
  std::vector<std::vector<const ReportHistory*>> by_task;
  int64_t left_out = 0;
  for (const ReportHistory& history : data.history) {
    if (by_task.empty() || by_task.back().front()->task != history.task) by_task.emplace_back();
    by_task.back().push_back(&history);
    left_out = std::max(left_out, history.left_out);
  }
  Html plots;
  for (size_t i = 0; i < std::min(by_task.size(), kMostPlots); ++i) plots += plot_of(data, by_task[i]);
  if (data.is_pair()) out.main = pair_legend(data);
  out.main += html("<div class=\"{}\">{}</div>", by_task.size() > 1 ? html("pair") : html("lone"), plots);
  out.main += table(data);
  std::string note = "Headline metric of each run, evenly spaced, oldest first.";
  if (left_out > 0)
    note +=
        fmt::format(" Runs with another definition, data, protocol or prompt are left out: {}.", left_out);
  if (by_task.size() > kMostPlots) note += " Further tasks are in the table.";
  out.main += caption(value(note));
  return out;
}

}  // namespace sizeup
