#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/html/sections.h"
#include "reports/robustness_text.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

constexpr size_t kMostValues = 8;    // cells in a row; a field with more shows those where small loses most
constexpr size_t kMostRows = 40;     // task x field
constexpr size_t kMostListed = 400;  // rows of the table behind; slices.csv has all

struct FieldRow {
  int task = 0;
  std::string field;
  std::vector<const ReportDifference*> cells;
  size_t values = 0;
};

std::vector<FieldRow> field_rows(const ReportData& data) {
  std::vector<FieldRow> rows;
  for (const ReportDifference& slice : data.slices) {
    if (rows.empty() || rows.back().task != slice.task || rows.back().field != slice.slice_field) {
      rows.push_back({slice.task, slice.slice_field, {}, 0});
    }
    rows.back().cells.push_back(&slice);
  }
  for (FieldRow& row : rows) {
    row.values = row.cells.size();
    if (row.values <= kMostValues) continue;
    std::stable_sort(row.cells.begin(), row.cells.end(),
                     [](const ReportDifference* a, const ReportDifference* b) {
                       return a->result.difference.difference < b->result.difference.difference;
                     });
    row.cells.resize(kMostValues);
  }
  std::erase_if(rows, [](const FieldRow& row) { return row.values < 2; });  // one value is no slice
  return rows;
}

// Tint only where the interval excludes zero; three steps for how far small is behind.
Html tint(const PairedDifference& d) {
  if (d.hi < 0.0) {
    if (d.difference < -0.25) return html("l3");
    return d.difference < -0.1 ? html("l2") : html("l1");
  }
  if (d.lo > 0.0) return d.difference > 0.1 ? html("s2") : html("s1");
  return html("un");
}

// The interval around the zero line; -50 to +50 points fill the cell.
Html bar(const PairedDifference& d) {
  Axis axis;
  axis.lo = -50.0;
  axis.hi = 50.0;
  const auto inside = [&](double value) { return Percent{std::clamp(axis.at(100.0 * value), 0.0, 100.0)}; };
  Html out = html("<line class=\"z\" x1=\"50%\" x2=\"50%\" y1=\"0\" y2=\"12\"/>");
  if (d.has_interval()) {
    out +=
        html("<line class=\"s-hyb ci\" x1=\"{}\" x2=\"{}\" y1=\"6\" y2=\"6\"/>", inside(d.lo), inside(d.hi));
  }
  return out += html("<circle class=\"f-hyb\" cx=\"{}\" cy=\"6\" r=\"2.6\"/>", inside(d.difference));
}

Html cell(const ReportData& data, const ReportDifference& slice) {
  const PairedDifference& d = slice.result.difference;
  const std::string tip = fmt::format("{} {}: {}, n = {}.{}", slice.slice_field, slice.slice_value,
                                      difference_text(slice, margin_of(data, slice)), format_count(d.n),
                                      data.samples.empty() ? "" : " Opens the samples that differ.");
  const Html content = html(
      "<span class=\"sl\">{}</span><b><i>{}</i><u>{} / {}</u></b><small>{}</small><svg "
      "aria-hidden=\"true\">{}</svg>",
      boxed_text(slice.slice_value), format_points(d.difference),
      fmt::format("{:.0f}", 100.0 * slice.candidate), fmt::format("{:.0f}", 100.0 * slice.baseline),
      format_count(d.n), bar(d));
  if (data.samples.empty())
    return html("<td class=\"{}\"><div data-tip=\"{}\">{}</div></td>", tint(d), tip, content);
  const SampleLink link{task_name(data, slice.task), slice.slice_field, slice.slice_value, "any", {}};
  return html("<td class=\"{}\"><a href=\"{}\" data-tip=\"{}\">{}</a></td>", tint(d), sample_link(link), tip,
              content);
}

Html heat_map(const ReportData& data, const std::vector<FieldRow>& rows) {
  size_t width = 0;
  for (const FieldRow& row : rows) width = std::max(width, row.cells.size());
  Html body;
  for (size_t i = 0; i < std::min(rows.size(), kMostRows); ++i) {
    const FieldRow& row = rows[i];
    Html cells;
    for (const ReportDifference* slice : row.cells) cells += cell(data, *slice);
    if (row.cells.size() < width)
      cells += html("<td class=\"gap\" colspan=\"{}\"></td>", width - row.cells.size());
    const bool first = i == 0 || rows[i - 1].task != row.task;
    const Html cut =
        row.values > row.cells.size() ? html(", {} of {}", row.cells.size(), row.values) : Html{};
    body += html("<tr{}><th scope=\"row\">{}<small>{}{}</small></th>{}</tr>",
                 first ? html(" class=\"first\"") : Html{},
                 first ? boxed_text(task_name(data, row.task))
                       : html("<span class=\"vh\">{}</span>", boxed_text(task_name(data, row.task))),
                 boxed_text(row.field), cut, cells);
  }
  return scrolling("tasks by slices", html("<table class=\"heat\"><caption class=\"vh\">Small minus large by "
                                           "task and slice</caption><thead><tr>"
                                           "<th scope=\"col\">task, field</th><th scope=\"colgroup\" "
                                           "colspan=\"{}\">values</th></tr></thead><tbody>{}</tbody></table>",
                                           width, body));
}

Html table(const ReportData& data) {
  std::vector<std::vector<Html>> rows;
  for (const ReportDifference& slice : data.slices) {
    if (rows.size() == kMostListed) break;
    const PairedDifference& d = slice.result.difference;
    rows.push_back({boxed_text(task_name(data, slice.task)),
                    html("{} {}", boxed_text(slice.slice_field), boxed_text(slice.slice_value)),
                    value(format_count(d.n)), value(format_percent(slice.candidate)),
                    value(format_percent(slice.baseline)), value(format_points(d.difference)),
                    value(format_points_range(d.lo, d.hi, margin_of(data, slice))),
                    value(format_count(d.wins)), value(format_count(d.losses))});
  }
  return table_behind("every slice",
                      {"task", "slice", "n", "small", "large", "difference, pp", "95\u00a0% interval",
                       "small better", "large better"},
                      rows);
}

Html heading(const ReportData& data) {
  const ReportDifference* worst = nullptr;
  size_t better = 0;
  for (const ReportDifference& slice : data.slices) {
    const PairedDifference& d = slice.result.difference;
    better += d.lo > 0.0 ? 1 : 0;
    if (d.hi < 0.0 && (!worst || d.difference < worst->result.difference.difference)) worst = &slice;
  }
  if (worst) {
    return html("Largest loss: {}, {} {}: {} pp", boxed_text(task_name(data, worst->task)),
                boxed_text(worst->slice_field), boxed_text(worst->slice_value),
                format_points(worst->result.difference.difference));
  }
  if (better > 0) return html("No slice is shown to be worse; {} are shown to be better", better);
  return html("On none of the {} slices does the interval exclude zero", data.slices.size());
}

}  // namespace

std::optional<Section> slices_section(const ReportData& data) {
  if (!data.is_pair()) return std::nullopt;
  const std::vector<FieldRow> rows = field_rows(data);
  if (rows.empty()) return std::nullopt;
  Section out;
  out.id = "slices";
  out.link = "Slices";
  out.kicker = "Task by slice";
  out.heading = heading(data);
  out.side.push_back(
      html("Each cell: difference in pp, number of samples (right), and the interval as a bar around the "
           "zero line, ±50 pp wide. Tint "
           "says who is ahead and appears only where the interval excludes zero."));
  if (!data.samples.empty()) out.side.push_back(html("Follow a cell to its samples."));
  if (const ReportRobustness* worst = worst_slice_of_candidate(data)) {
    out.side.push_back(html("Small, {}: {}", boxed_text(task_name(data, worst->task)),
                            boxed_text(worst_slice_sentence(*worst))));
  }
  const auto swatch = [](const char* who) {
    return std::string_view(who) == "l" ? html(
                                              "<svg aria-hidden=\"true\"><rect class=\"f-large\" "
                                              "width=\"22\" height=\"12\" opacity=\".35\"/></svg>")
                                        : html(
                                              "<svg aria-hidden=\"true\"><rect class=\"f-small\" "
                                              "width=\"22\" height=\"12\" opacity=\".35\"/></svg>");
  };
  out.main = legend(
      {html("{}large ahead, interval excludes 0", swatch("l")),
       html("{}small ahead, interval excludes 0", swatch("s")),
       html("<svg aria-hidden=\"true\"><rect width=\"21\" height=\"11\" x=\".5\" y=\".5\" class=\"nf ax\" "
            "stroke-dasharray=\"3 2\"/></svg>could be either")});
  out.main += html(
      "<div class=\"heatbox\"><fieldset class=\"seg\"><legend class=\"vh\">show</legend><label><input "
      "type=\"radio\" name=\"hm\" "
      "id=\"hm-d\" checked> difference, small − large</label><label><input type=\"radio\" name=\"hm\" "
      "id=\"hm-acc\"> score, small / "
      "large</label></fieldset>{}</div>",
      heat_map(data, rows));
  out.main += table(data);
  const size_t hidden = rows.size() > kMostRows ? rows.size() - kMostRows : 0;
  out.main += caption(html(
      "95\u00a0% intervals of each slice by itself: of {} slices some will look different by chance.{}{}",
      data.slices.size(), hidden > 0 ? html(" {} more fields are in slices.csv.", hidden) : Html{},
      data.slices.size() > kMostListed
          ? html(" The table lists the first {}; slices.csv has all.", kMostListed)
          : Html{}));
  return out;
}

}  // namespace sizeup
