#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/html/forest.h"
#include "reports/html/sections.h"
#include "reports/ladder_text.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

const ReportModel& model_of(const ReportData& data, const ReportRung& rung) {
  return data.models[static_cast<size_t>(rung.model)];
}

// All tasks where there are several, else the one; nullptr for the first rung.
const ReportDifference* overall_of(const ReportRung& rung) {
  return rung.differences.empty() ? nullptr : &rung.differences.back();
}

Axis axis_of(const ReportData& data, const ReportLadder& ladder) {
  double lo = 0.0;
  double hi = 0.0;
  for (const ReportRung& rung : ladder.rungs) {
    const ReportDifference* difference = overall_of(rung);
    if (!difference) continue;
    for (const double end : {difference->widened.lo, difference->widened.hi, -margin_of(data, *difference)}) {
      if (std::isnan(end)) continue;
      lo = std::min(lo, 100.0 * end);
      hi = std::max(hi, 100.0 * end);
    }
  }
  return linear_axis(lo, hi, 5);
}

std::string bytes_or_none(int64_t bytes) {
  return bytes > 0 ? format_bytes(bytes) : std::string(kNone);
}

bool has_rate(const Estimate& rate) {
  return !std::isnan(rate.value);
}

template <class Present>
bool any_rung(const ReportLadder& ladder, Present present) {
  return std::any_of(ladder.rungs.begin(), ladder.rungs.end(), present);
}

std::string rate_range(const Estimate& rate) {
  if (std::isnan(rate.lo) || std::isnan(rate.hi)) return "no interval";
  return format_significant(rate.lo) + "…" + format_significant(rate.hi);
}

class LadderTable {
 public:
  LadderTable(const ReportData& data, const ReportLadder& ladder)
      : data_(data),
        ladder_(ladder),
        memory_(any_rung(ladder, [&](const ReportRung& r) { return model_of(data, r).packed_bytes > 0; })),
        prompt_(any_rung(ladder, [](const ReportRung& r) { return has_rate(r.prompt_rate); })),
        generation_(any_rung(ladder, [](const ReportRung& r) { return has_rate(r.generation_rate); })) {}

  Html table() const {
    const Axis axis = axis_of(data_, ladder_);
    Html rows;
    for (const ReportRung& rung : ladder_.rungs) rows += row(rung, axis);
    return scrolling(
        "quantisation ladder",
        html("<table class=\"lb ctr ladder\"><caption class=\"vh\">Quantisation "
             "ladder</caption><thead><tr>{}</tr></thead><tbody>{}</tbody><tfoot>{}</tfoot></table>",
             head(), rows, foot(axis)));
  }

 private:
  Html head() const {
    Html out = html("<th scope=\"col\">weights</th><th scope=\"col\" class=\"n\">file</th>");
    if (memory_) out += html("<th scope=\"col\" class=\"n hide-s\">memory</th>");
    out += html(
        "<th scope=\"col\" class=\"n\">accuracy</th><th scope=\"col\" class=\"gfx\">minus {}, pp (widened "
        "interval)</th><th scope=\"col\">within margin?</th>",
        boxed_text(rung_label(data_, ladder_, ladder_.rungs.front())));
    if (prompt_) out += html("<th scope=\"col\" class=\"n\">prompt tokens/s</th>");
    if (generation_) out += html("<th scope=\"col\" class=\"n\">written tokens/s</th>");
    return out;
  }

  Html row(const ReportRung& rung, const Axis& axis) const {
    const ReportModel& model = model_of(data_, rung);
    const double bits = bits_per_weight(model);
    Html cells = html("<th scope=\"row\">{}<small>{}</small></th>",
                      boxed_text(rung_label(data_, ladder_, rung)), model_name(data_, rung.model));
    cells += html("<td class=\"n\">{}<small>{}</small></td>", bytes_or_none(model.bytes),
                  std::isnan(bits) ? std::string() : format_significant(bits) + "\u00a0bits");
    if (memory_) cells += html("<td class=\"n hide-s\">{}</td>", bytes_or_none(model.packed_bytes));
    const Estimate& accuracy = rung.accuracy;
    cells += std::isnan(accuracy.value)
                 ? html("<td class=\"n\">{}</td>", kNone)
                 : html("<td class=\"n\">{}<small>{}</small></td>", format_percent(accuracy.value),
                        format_percent_range(accuracy.lo, accuracy.hi));
    cells += difference_cells(rung, axis);
    if (prompt_) cells += rate_cell(rung.prompt_rate);
    if (generation_) cells += rate_cell(rung.generation_rate);
    return html("<tr>{}</tr>", cells);
  }

  Html difference_cells(const ReportRung& rung, const Axis& axis) const {
    if (&rung == &ladder_.rungs.front()) {
      return html("<td class=\"gfx\">is what the others are held against</td><td></td>");
    }
    const ReportDifference* difference = overall_of(rung);
    if (!difference) return html("<td class=\"gfx\">{}</td><td></td>", kNone);
    const double margin = margin_of(data_, *difference);
    ForestRow drawn;
    drawn.tone = tone_of(data_, rung.model);
    drawn.difference = difference->result.difference.difference;
    drawn.interval = difference->widened;
    drawn.margin = margin;
    return html(
        "<td class=\"gfx\"><div class=\"nb\"><span>{}<small>{}</small></span>{}</div></td><td>{}</td>",
        format_points(drawn.difference),
        format_points_range(difference->widened.lo, difference->widened.hi, margin), forest_row(drawn, axis),
        verdict_mark(ladder_verdict(data_, *difference)));
  }

  static Html rate_cell(const Estimate& rate) {
    if (!has_rate(rate)) return html("<td class=\"n\">{}</td>", kNone);
    return html("<td class=\"n\">{}<small>{}</small></td>", format_significant(rate.value), rate_range(rate));
  }

  Html foot(const Axis& axis) const {
    std::vector<std::string> labels;
    for (const double tick : axis.ticks) labels.push_back(axis_points(tick));
    Html cells = html("<th></th><td></td>");
    if (memory_) cells += html("<td class=\"hide-s\"></td>");
    cells += html("<td></td><td class=\"gfx\"><div class=\"nb\"><span></span>{}</div></td><td></td>",
                  row_axis(axis, labels));
    if (prompt_) cells += html("<td></td>");
    if (generation_) cells += html("<td></td>");
    return html("<tr class=\"axr\">{}</tr>", cells);
  }

  const ReportData& data_;
  const ReportLadder& ladder_;
  bool memory_;
  bool prompt_;
  bool generation_;
};

std::string currency_of(const ReportData& data, int model) {
  for (const ReportCost& cost : data.cost) {
    if (cost.model == model && !cost.currency.empty()) return cost.currency;
  }
  return {};
}

// Sizes, every speed with its number of requests, and cost.
Html sizes_and_speeds(const ReportData& data, const ReportLadder& ladder) {
  const bool cost = any_rung(ladder, [](const ReportRung& r) { return r.cost_per_1000.has_value(); });
  std::vector<std::string> columns = {"weights",         "file",     "bits of a weight", "memory",
                                      "prompt tokens/s", "requests", "written tokens/s", "requests",
                                      "offline tokens/s"};
  if (cost) columns.emplace_back("cost of 1,000");
  std::vector<std::vector<Html>> rows;
  const auto add_rate = [](std::vector<Html>& row, const Estimate& rate) {
    row.push_back(has_rate(rate) ? value(format_significant(rate.value) + " (" + rate_range(rate) + ")")
                                 : value(kNone));
    row.push_back(value(format_count(rate.n)));
  };
  for (const ReportRung& rung : ladder.rungs) {
    const ReportModel& model = model_of(data, rung);
    std::vector<Html> row = {boxed_text(rung_label(data, ladder, rung)), value(bytes_or_none(model.bytes)),
                             value(format_significant(bits_per_weight(model))),
                             value(bytes_or_none(model.packed_bytes))};
    add_rate(row, rung.prompt_rate);
    add_rate(row, rung.generation_rate);
    row.push_back(value(format_significant(rung.offline_rate)));
    if (cost) {
      row.push_back(value(rung.cost_per_1000
                              ? format_money(*rung.cost_per_1000, currency_of(data, rung.model))
                              : std::string("unknown")));
    }
    rows.push_back(std::move(row));
  }
  return table_behind("sizes, speeds and cost", columns, rows);
}

const ReportDifference* difference_on(const ReportRung& rung, int task) {
  for (const ReportDifference& difference : rung.differences) {
    if (difference.task == task) return &difference;
  }
  return nullptr;
}

// Every rung on every task: score, paired difference, both intervals.
Html by_task(const ReportData& data, const ReportLadder& ladder) {
  std::vector<std::vector<Html>> rows;
  for (int task = 0; task < static_cast<int>(data.tasks.size()); ++task) {
    const ReportTask& about = data.tasks[static_cast<size_t>(task)];
    for (const ReportRung& rung : ladder.rungs) {
      const ReportScore* score = score_of(data, rung.model, task);
      if (!score || std::isnan(score->headline.value)) continue;
      const ReportDifference* difference = difference_on(rung, task);
      std::vector<Html> row = {
          boxed_text(about.name), boxed_text(rung_label(data, ladder, rung)),
          value(score_text(about, score->headline.value) + " (" + score_range(about, score->headline) + ")")};
      if (difference) {
        const PairedDifference& d = difference->result.difference;
        row.push_back(value(format_count(d.n)));
        row.push_back(value(fmt::format("{} / {}", format_count(d.wins), format_count(d.losses))));
        row.push_back(value(format_points(d.difference)));
        row.push_back(value(format_points_range(d.lo, d.hi, margin_of(data, *difference))));
        row.push_back(value(format_points_range(difference->widened.lo, difference->widened.hi,
                                                margin_of(data, *difference))));
      } else {
        row.push_back(value(format_count(score->headline.n)));
        row.insert(row.end(), 4, value(kNone));
      }
      rows.push_back(std::move(row));
    }
  }
  return table_behind("each precision on each task",
                      {"task", "weights", "score (95\u00a0% interval)", "n", "better / worse",
                       "difference, pp", "95\u00a0% interval", "widened"},
                      rows);
}

Html conditions(const ReportLadder& ladder) {
  const std::string widened =
      ladder.comparisons > 1
          ? fmt::format(
                "Intervals of the differences are widened by Bonferroni over all {} of them "
                "(each precision, each task and all tasks together)",
                ladder.comparisons)
          : std::string("The interval of the difference is at 95\u00a0%");
  return html(
      "Taken for the same weights: {}. {}; paired by sample. Tokens a second as measured in this run: prompt "
      "and written, one request at a time (scenario <i>single</i>), medians with intervals from order "
      "statistics; offline, all tokens computed over the time of the whole pass, prompts and answers "
      "together. "
      "Memory is that of the packed weights, without keys and values.",
      boxed_text(ladder.reason), widened);
}

}  // namespace

std::optional<Section> ladder_section(const ReportData& data) {
  if (data.ladders.empty()) return std::nullopt;
  Section out;
  out.id = "ladder";
  out.link = "Quantisation";
  out.kicker = "Quantisation ladder";
  const bool several = data.ladders.size() > 1;
  out.heading = several ? html("What each step down in precision costs and gives")
                        : boxed_text(ladder_finding(data, data.ladders.front()));
  for (const ReportLadder& ladder : data.ladders) {
    out.side.push_back(boxed_text(ladder_sentence(data, ladder)));
    if (several) {
      out.main += html("<h3>{}</h3>", boxed_text(ladder_finding(data, ladder)));
    }
    out.main += LadderTable(data, ladder).table();
    out.main += by_task(data, ladder);
    out.main += sizes_and_speeds(data, ladder);
    out.main += caption(conditions(ladder));
  }
  out.side.push_back(html(
      "All rows answered the same samples, so each is compared with the first {}. The dashed line is the "
      "{}.",
      term("pair by pair", "paired"), term("margin", "margin")));
  return out;
}

}  // namespace sizeup
