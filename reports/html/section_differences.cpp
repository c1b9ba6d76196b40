#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/html/forest.h"
#include "reports/html/sections.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

// With more tasks, the row of each one's lowest slice is left out: the heat-map has them.
constexpr size_t kMostTasksWithSlices = 12;
constexpr size_t kMostNames = 3;

std::vector<std::string> names_with(const ReportData& data, Verdict verdict) {
  std::vector<std::string> out;
  for (const ReportDifference& difference : data.differences) {
    if (difference.result.verdict == verdict) out.push_back(task_name(data, difference.task));
  }
  return out;
}

std::string some(const std::vector<std::string>& names) {
  return names.size() <= kMostNames ? listed(names, "and") : fmt::format("{} tasks", names.size());
}

Html heading(const ReportData& data) {
  const std::vector<std::string> yes = names_with(data, Verdict::yes);
  const std::vector<std::string> no = names_with(data, Verdict::no);
  const std::vector<std::string> open = names_with(data, Verdict::not_enough_data);
  std::vector<std::string> parts;
  const auto verb = [](const std::vector<std::string>& names, const char* one, const char* many) {
    return names.size() == 1 ? std::string(one) : std::string(many);
  };
  if (!yes.empty())
    parts.push_back(some(yes) + verb(yes, " stays inside the margin", " stay inside the margin"));
  if (!no.empty()) parts.push_back(some(no) + verb(no, " falls outside it", " fall outside it"));
  if (yes.empty() && !no.empty())
    parts.back() = some(no) + verb(no, " falls outside the margin", " fall outside the margin");
  if (!open.empty()) parts.push_back("for " + some(open) + " there are too few samples to say");
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z' && yes.empty() && no.empty())
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return boxed_text(text);
}

const ReportDifference* lowest_slice(const ReportData& data, int task, size_t& looked_at) {
  const ReportDifference* lowest = nullptr;
  looked_at = 0;
  for (const ReportDifference& slice : data.slices) {
    if (slice.task != task) continue;
    ++looked_at;
    if (!(slice.widened.lo <= slice.widened.hi)) continue;
    if (!lowest || slice.widened.lo < lowest->widened.lo) lowest = &slice;
  }
  return lowest;
}

Html flips(const ReportData& data, const ReportDifference& difference) {
  const PairedDifference& d = difference.result.difference;
  const std::string text = fmt::format("{} / {}", format_count(d.wins), format_count(d.losses));
  if (data.samples.empty()) return value(text);
  return html("<a href=\"{}\">{}</a>",
              sample_link({difference.task < 0 ? "" : task_name(data, difference.task),
                           difference.slice_field,
                           difference.slice_value,
                           "any",
                           {}}),
              text);
}

Html task_row(const ReportData& data, const ReportDifference& difference, const Axis& axis) {
  const PairedDifference& d = difference.result.difference;
  const double margin = margin_of(data, difference);
  ForestRow row;
  row.tone = difference.task < 0 ? Tone::both : Tone::small;
  row.difference = d.difference;
  row.interval = {d.lo, d.hi};
  row.margin = margin;
  const Html name =
      difference.task < 0 ? html("All tasks, by size") : boxed_text(task_name(data, difference.task));
  return html(
      "<tr><th scope=\"row\">{}<small>n = {}</small></th><td class=\"gfx\">{}</td><td "
      "class=\"dv\">{}</td><td class=\"n x\">{}"
      "</td><td class=\"vd\">{}</td></tr>",
      name, format_count(d.n), forest_row(row, axis),
      format_points(d.difference) + " (" + format_points_range(d.lo, d.hi, margin) + ")",
      flips(data, difference), verdict_mark(difference.result.verdict));
}

Html slice_row(const ReportData& data, const ReportDifference& slice, size_t looked_at, const Axis& axis) {
  const PairedDifference& d = slice.result.difference;
  const double margin = margin_of(data, slice);
  ForestRow row;
  row.tone = Tone::other;
  row.difference = d.difference;
  row.interval = slice.widened;
  row.margin = margin;
  return html(
      "<tr class=\"sub\"><th scope=\"row\">{} {}<small>lowest of {} slices, n = {}</small></th><td "
      "class=\"gfx\">{}</td>"
      "<td class=\"dv\">{}</td><td class=\"n x\">{}</td><td class=\"vd\"></td></tr>",
      boxed_text(slice.slice_field), boxed_text(slice.slice_value), looked_at, format_count(d.n),
      forest_row(row, axis),
      format_points(d.difference) + " (" + format_points_range(slice.widened.lo, slice.widened.hi, margin) +
          ")",
      flips(data, slice));
}

std::vector<Html> table_row(const ReportData& data, const ReportDifference& difference) {
  const PairedDifference& d = difference.result.difference;
  const double margin = margin_of(data, difference);
  const Retention& kept = difference.kept;
  const std::string kept_text = std::isnan(kept.value) ? std::string(kNone)
                                : kept.bootstrap.lo <= kept.bootstrap.hi
                                    ? format_percent(kept.value) + " (" +
                                          format_percent_range(kept.bootstrap.lo, kept.bootstrap.hi) + ")"
                                    : format_percent(kept.value);
  return {boxed_text(task_name(data, difference.task)),
          value(format_count(d.n)),
          value(format_count(d.wins)),
          value(format_count(d.losses)),
          value(format_count(d.ties)),
          value(format_percent(difference.candidate)),
          value(format_percent(difference.baseline)),
          value(format_points(d.difference)),
          value(format_points_range(d.lo, d.hi, margin)),
          value(format_p(d.p)),
          value(format_p(difference.holm_p)),
          value(kept_text)};
}

Html table(const ReportData& data) {
  std::vector<std::vector<Html>> rows;
  for (const ReportDifference& difference : data.differences) rows.push_back(table_row(data, difference));
  if (data.overall) rows.push_back(table_row(data, *data.overall));
  return table_behind(
      "paired differences",
      {"task", "n", "small better", "large better", "same", "small", "large", "difference, pp",
       "95\u00a0% interval", "p", "Holm p", "kept of large’s score (95\u00a0% interval)"},
      rows);
}

Html condition(const ReportData& data) {
  std::vector<std::string> methods;
  int64_t left_out = 0;
  for (const ReportDifference& difference : data.differences) {
    const std::string& method = difference.result.difference.method;
    if (std::find(methods.begin(), methods.end(), method) == methods.end()) methods.push_back(method);
    left_out += data.tasks[static_cast<size_t>(difference.task)].n - difference.result.difference.n;
  }
  std::vector<std::string> metrics;
  for (const ReportDifference& difference : data.differences) {
    const std::string& metric = data.tasks[static_cast<size_t>(difference.task)].pair_metric;
    if (std::find(metrics.begin(), metrics.end(), metric) == metrics.end()) metrics.push_back(metric);
  }
  std::vector<std::string> protocols;
  for (const ReportDifference& difference : data.differences) {
    const std::string& protocol = data.tasks[static_cast<size_t>(difference.task)].protocol;
    if (std::find(protocols.begin(), protocols.end(), protocol) == protocols.end())
      protocols.push_back(protocol);
  }
  return html(
      "n per row as printed; {}; 95\u00a0% two-sided, slices widened by Bonferroni. Scores compared: {}. "
      "Protocol "
      "{}; {} samples left "
      "out because a model has no score for them.",
      listed(methods, "or"), boxed_text(listed(metrics, "and")), listed(protocols, "and"),
      format_count(left_out));
}

}  // namespace

std::optional<Section> differences_section(const ReportData& data) {
  if (!data.is_pair() || data.differences.empty()) return std::nullopt;
  const Axis axis = forest_axis(data);
  const bool with_slices = data.differences.size() <= kMostTasksWithSlices;
  Html rows;
  bool any_slice = false;
  for (const ReportDifference& difference : data.differences) {
    rows += task_row(data, difference, axis);
    size_t looked_at = 0;
    const ReportDifference* lowest = lowest_slice(data, difference.task, looked_at);
    if (with_slices && lowest && looked_at > 1) {
      rows += slice_row(data, *lowest, looked_at, axis);
      any_slice = true;
    }
  }
  if (data.overall) rows += task_row(data, *data.overall, axis);
  std::vector<std::string> labels;
  for (const double tick : axis.ticks) labels.push_back(axis_points(tick));
  rows +=
      html("<tr class=\"axr\"><th></th><td class=\"gfx\">{}</td><td></td><td class=\"x\"></td><td></td></tr>",
           row_axis(axis, labels));
  const Html plot_table = html(
      "<table class=\"forest\"><caption class=\"vh\">Small minus large, with "
      "intervals</caption><thead><tr><th scope=\"col\">task</th>"
      "<th scope=\"col\" class=\"gfx\">← small worse &nbsp; pp &nbsp; small better →</th><th "
      "scope=\"col\">difference (95\u00a0% "
      "interval)</th><th scope=\"col\" class=\"n x\">small / large<br>better</th><th scope=\"col\">within "
      "margin?</th></tr></thead>"
      "<tbody>{}</tbody></table>",
      rows);
  Section out;
  out.id = "differences";
  out.link = "Differences";
  out.kicker = "Small minus large, same samples";
  out.heading = heading(data);
  out.side.push_back(
      html("Both models answered the same samples, so each row compares them {}. The dashed line is the {}. "
           "A bar wholly "
           "right of it: good enough. Wholly left: not. Across it: not enough data.",
           term("pair by pair", "paired"), term("margin", "margin")));
  if (any_slice) {
    out.side.push_back(
        html("The grey rows show the {} with the lowest lower end; their intervals are widened because "
             "several slices were "
             "looked at.",
             term("slice", "slice")));
  }
  out.main = scrolling("differences", plot_table);
  out.main += table(data);
  out.main += caption(condition(data));
  return out;
}

}  // namespace sizeup
