#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/html/sections.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

const HallucinationCount& small_of(const ReportData& data, const ReportHallucination& kind) {
  return kind.models[static_cast<size_t>(data.candidate)];
}
const HallucinationCount& large_of(const ReportData& data, const ReportHallucination& kind) {
  return kind.models[static_cast<size_t>(data.baseline)];
}

Axis rate_axis(const ReportData& data) {
  double hi = 0.0;
  for (const ReportHallucination& kind : data.hallucination) {
    for (const HallucinationCount& count : kind.models) {
      if (count.of > 0) hi = std::max(hi, 100.0 * count.interval.hi);
    }
  }
  return linear_axis(0.0, hi, 6);
}

Html rate_cell(const HallucinationCount& count, const std::string& unit, Tone tone) {
  if (count.of == 0) return html("<td class=\"dv\">{}</td>", kNone);
  const Html rate = tone == Tone::large
                        ? html("<span class=\"k-large\">{}</span>", format_percent(count.rate()))
                        : html("<span class=\"k-small\">{}</span>", format_percent(count.rate()));
  return html("<td class=\"dv\">{} ({})<small>{} of {} {}</small></td>", rate,
              format_percent_range(count.interval.lo, count.interval.hi), format_count(count.count),
              format_count(count.of), unit);
}

Html row(const ReportData& data, const ReportHallucination& kind, const Axis& axis) {
  const HallucinationCount& small = small_of(data, kind);
  Html drawing = row_grid(axis, -12, 38);
  std::string label = "small " + format_percent(small.rate());
  const auto draw = [&](const HallucinationCount& count, Tone tone, double y) {
    if (count.of == 0) return;
    drawing += whisker(tone, axis, {100.0 * count.interval.lo, 100.0 * count.interval.hi}, y);
    drawing += row_mark(tone, axis, 100.0 * count.rate(), y);
  };
  Html cells = rate_cell(small, kind.unit, Tone::small);
  if (data.is_pair()) {
    const HallucinationCount& large = large_of(data, kind);
    draw(large, Tone::large, 7);
    draw(small, Tone::small, 20);
    label += ", large " + format_percent(large.rate());
    cells += rate_cell(large, kind.unit, Tone::large);
  } else {
    draw(small, Tone::small, 13);
  }
  const std::string& task = task_name(data, kind.task);
  const Html link = data.samples.empty() ? value(task)
                                         : html("<a href=\"{}\">samples</a>",
                                                sample_link({task, {}, {}, {}, kind.sample_key}));
  return html(
      "<tr><th scope=\"row\">{}<small>{}; {}</small></th><td class=\"gfx\"><svg class=\"row-svg\" "
      "role=\"img\" aria-label=\"{}\">{}</svg></td>{}"
      "<td class=\"x\">{}</td></tr>",
      kind.kind, kind.meaning, boxed_text(task), label, drawing, cells, link);
}

Html table(const ReportData& data) {
  std::vector<std::string> columns = {"kind", "task", "unit"};
  std::vector<int> models;
  for (size_t model = 0; model < data.models.size(); ++model) {
    models.push_back(static_cast<int>(model));
    for (const char* what : {"", " of", " rate", " 95\u00a0% interval"})
      columns.push_back(data.models[model].name + what);
  }
  std::vector<std::vector<Html>> rows;
  for (const ReportHallucination& kind : data.hallucination) {
    std::vector<Html> cells = {value(kind.kind), boxed_text(task_name(data, kind.task)), value(kind.unit)};
    for (const int model : models) {
      const HallucinationCount& count = kind.models[static_cast<size_t>(model)];
      cells.push_back(value(format_count(count.count)));
      cells.push_back(value(format_count(count.of)));
      cells.push_back(value(format_percent(count.rate())));
      cells.push_back(value(count.of > 0 ? format_percent_range(count.interval.lo, count.interval.hi)
                                         : std::string(kNone)));
    }
    rows.push_back(std::move(cells));
  }
  return table_behind("hallucination by kind", columns, rows);
}

// A finding only where the two intervals do not overlap.
Html heading(const ReportData& data) {
  const ReportHallucination& first = data.hallucination.front();
  if (!data.is_pair()) return html("{}: {}", first.kind, format_percent(small_of(data, first).rate()));
  std::vector<std::string> apart;
  std::vector<std::string> together;
  for (const ReportHallucination& kind : data.hallucination) {
    const HallucinationCount& small = small_of(data, kind);
    const HallucinationCount& large = large_of(data, kind);
    if (small.of == 0 || large.of == 0) continue;
    if (small.interval.lo > large.interval.hi) {
      apart.push_back(large.count > 0
                          ? fmt::format("{}: small {} times as often as large", kind.kind,
                                        format_significant(small.rate() / large.rate(), 2))
                          : fmt::format("{}: small {}, large none", kind.kind, format_percent(small.rate())));
    } else if (large.interval.lo > small.interval.hi) {
      apart.push_back(fmt::format("{}: small less often than large", kind.kind));
    } else {
      together.push_back(kind.kind);
    }
  }
  if (apart.empty()) return html("No kind of invented answer sets the two apart");
  std::string text;
  for (const std::string& finding : apart) text += (text.empty() ? "" : "; ") + finding;
  return html("{}", text);
}

}  // namespace

std::optional<Section> hallucination_section(const ReportData& data) {
  if (data.hallucination.empty()) return std::nullopt;
  const Axis axis = rate_axis(data);
  Html rows;
  for (const ReportHallucination& kind : data.hallucination) rows += row(data, kind, axis);
  std::vector<std::string> labels;
  for (const double tick : axis.ticks) labels.push_back(fmt::format("{:g}", tick));
  rows += html("<tr class=\"axr\"><th></th><td class=\"gfx\">{}</td><td></td>{}<td class=\"x\"></td></tr>",
               row_axis(axis, labels), data.is_pair() ? html("<td></td>") : Html{});
  Section out;
  out.id = "hallucination";
  out.link = "Hallucination";
  out.kicker = "Hallucination by kind";
  out.heading = heading(data);
  out.side.push_back(html(
      "There is no single hallucination rate. Each row counts something else and says what it divides by."));
  out.main = pair_legend(data);
  out.main += scrolling(
      "hallucination",
      html("<table class=\"forest hal\"><caption class=\"vh\">Hallucination by kind</caption><thead><tr>"
           "<th scope=\"col\">kind</th><th scope=\"col\" class=\"gfx\">rate in %</th><th "
           "scope=\"col\">{}</th>{}"
           "<th scope=\"col\" class=\"x\">evidence</th></tr></thead><tbody>{}</tbody></table>",
           data.is_pair() ? "small" : "rate", data.is_pair() ? html("<th scope=\"col\">large</th>") : Html{},
           rows));
  out.main += table(data);
  out.main +=
      caption(html("Wilson 95\u00a0% intervals. Support is checked by rule, not by a judge: numbers, dates, "
                   "amounts, names and quotes must "
                   "occur in the source, and most content words."));
  return out;
}

}  // namespace sizeup
