#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reports/format.h"
#include "reports/html/cost_plot.h"
#include "reports/html/sections.h"
#include "reports/report.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

constexpr double kUsualVolume = 1e6;  // requests a month, until somebody states another

double shown_volume(const ReportData& data) {
  return data.pair_cost ? data.pair_cost->volume.value_or(kUsualVolume) : kUsualVolume;
}

std::string amount(const std::optional<double>& value, const std::string& currency) {
  return value ? format_money(*value, currency) : std::string("unknown");
}

const ReportCost* whole_run(const ReportData& data, int model) {
  for (const ReportCost& cost : data.cost) {
    if (cost.model == model && cost.task < 0) return &cost;
  }
  return nullptr;
}

// "$" of "$1.00": what the script puts before an amount.
std::string symbol_of(const std::string& currency) {
  const std::string text = format_money(1.0, currency);
  return text.substr(0, text.find('1'));
}

// The script works out the month of another volume from these: what requests, whole machines and the rest
// cost.
Html month_cell(const ReportData& data, const ReportCost& cost) {
  if (!cost.by_volume) return html("<td class=\"n\">unknown</td>");
  const StepLine line = cost.by_volume->by_volume();
  const auto number = [](double value) { return fmt::format("{:.12g}", value); };
  return html(
      "<td class=\"n\" data-per-request=\"{}\" data-fixed=\"{}\" data-machine=\"{}\" "
      "data-capacity=\"{}\" data-symbol=\"{}\">{}</td>",
      number(line.slope), number(line.fixed), number(line.step),
      number(cost.by_volume->capacity().value_or(0.0)), symbol_of(cost.currency),
      format_money(cost.by_volume->per_month(shown_volume(data)), cost.currency));
}

Html heading(const ReportData& data) {
  const ReportCost* small = whole_run(data, data.candidate);
  const ReportCost* large = data.is_pair() ? whole_run(data, data.baseline) : nullptr;
  if (!small || !small->per_1000) {
    return large && large->per_1000 ? html("1,000 requests to large cost {}; the cost of small is unknown",
                                           amount(large->per_1000, large->currency))
                                    : html("What requests cost");
  }
  const std::string cost = amount(small->per_1000, small->currency);
  if (!data.is_pair()) return html("1,000 requests cost {}", cost);
  if (!large || !large->per_1000)
    return html("1,000 requests to small cost {}; the cost of large is unknown", cost);
  return html("1,000 requests to small cost {}, to large {}", cost, amount(large->per_1000, large->currency));
}

Html main_table(const ReportData& data) {
  Html rows;
  for (const ReportCost& cost : data.cost) {
    if (cost.task >= 0) continue;
    rows += html(
        "<tr><th scope=\"row\">{}<small>{}</small></th><td class=\"n\">{}</td><td class=\"n\">{}</td>{}<td "
        "class=\"n hide-s\">{}</td></tr>",
        model_name(data, cost.model), boxed_text(cost.basis), amount(cost.per_1000, cost.currency),
        amount(cost.per_1000_correct, cost.currency), month_cell(data, cost),
        amount(cost.total, cost.currency));
  }
  return scrolling("cost", html("<table class=\"ctr\"><caption class=\"vh\">cost by "
                                "model</caption><thead><tr><th scope=\"col\">model</th>"
                                "<th scope=\"col\" class=\"n\">1,000 requests</th><th scope=\"col\" "
                                "class=\"n\">1,000 right answers</th>"
                                "<th scope=\"col\" class=\"n\">a month</th><th scope=\"col\" class=\"n "
                                "hide-s\">this run</th></tr></thead>"
                                "<tbody>{}</tbody></table>",
                                rows));
}

// The range of volumes to look at: a decade to both sides of what is stated or breaks even.
Axis volume_axis(const ReportPairCost& pair) {
  const double at = pair.by_volume.crossing.at.value_or(pair.volume.value_or(kUsualVolume));
  const double stated = pair.volume.value_or(at);
  return log_axis(std::max(1.0, std::min(at, stated) / 5.0), std::max(at, stated) * 5.0);
}

std::string volume_text(double volume) {
  if (volume >= 1e6) return fmt::format("{:g}\u00a0M", volume / 1e6);
  if (volume >= 1e3) return fmt::format("{:g}\u00a0k", volume / 1e3);
  return fmt::format("{:g}", volume);
}

Html volume_plot(const ReportPairCost& pair, const ReportCost& small, const ReportCost& large) {
  PlotFrame frame;
  frame.x = volume_axis(pair);
  double lowest = INFINITY;
  double highest = 0.0;
  for (const ReportCost* cost : {&small, &large}) {
    lowest = std::min(lowest, cost->by_volume->per_month(frame.x.lo));
    highest = std::max(highest, cost->by_volume->per_month(frame.x.hi));
  }
  if (!(lowest > 0.0)) return {};  // what is free has no place on a logarithmic axis
  frame.y = log_axis(lowest * 0.8, highest * 1.2);
  frame.description = "monthly cost against requests a month, both logarithmic";
  frame.x_name = "requests a month (log)";
  frame.y_name = "cost a month, " + pair.currency + " (log)";
  for (const double tick : frame.x.ticks) frame.x_labels.push_back(volume_text(tick));
  for (const double tick : frame.y.ticks) frame.y_labels.push_back(volume_text(tick));
  std::optional<CostMark> mark;
  if (pair.by_volume.crossing.at) {
    const double at = *pair.by_volume.crossing.at;
    mark = CostMark{at, large.by_volume->per_month(at), "break-even"};
  }
  return plot(frame, cost_drawing({{Tone::large, large.by_volume->by_volume(), "large"},
                                   {Tone::small, small.by_volume->by_volume(), "small"}},
                                  mark, pair.volume, frame.x, frame.y));
}

Html volume_table(const ReportPairCost& pair, const ReportCost& small, const ReportCost& large) {
  std::vector<double> volumes = volume_axis(pair).ticks;
  for (const std::optional<double>& one : {pair.by_volume.crossing.at, pair.volume}) {
    if (one) volumes.push_back(std::round(*one));
  }
  std::sort(volumes.begin(), volumes.end());
  volumes.erase(std::unique(volumes.begin(), volumes.end()), volumes.end());
  std::vector<std::vector<Html>> rows;
  for (const double volume : volumes) {
    rows.push_back({value(format_count(std::llround(volume))),
                    value(format_money(small.by_volume->per_month(volume), pair.currency)),
                    value(format_money(large.by_volume->per_month(volume), pair.currency))});
  }
  return table_behind("monthly cost by volume", {"requests a month", "small", "large"}, rows);
}

Html assumptions_table(const ReportData& data) {
  std::vector<std::vector<Html>> rows;
  for (const ReportAssumption& one : data.pair_cost->assumptions) {
    const Html model = one.model < 0 ? value("both") : model_name(data, one.model);
    rows.push_back({html("{}: {}", model, one.what), value(one.value), boxed_text(one.from)});
  }
  return table_behind("assumptions", {"what", "how much", "from"}, rows);
}

std::string joules(const std::optional<double>& value) {
  return value ? format_significant(*value) + "\u00a0J" : "not measured";
}

Html energy_table(const ReportData& data) {
  std::vector<std::vector<Html>> rows;
  for (const ReportEnergy& energy : data.energy) {
    rows.push_back({model_name(data, energy.model), value(joules(energy.joules_per_token)),
                    value(joules(energy.joules_per_request)), value(joules(energy.joules_per_correct)),
                    value(energy.grams_per_1000 ? format_significant(*energy.grams_per_1000) + "\u00a0g"
                                                : std::string(kNone))});
  }
  return table_behind("energy", {"model", "a token", "a request", "a right answer", "CO₂ of 1,000 requests"},
                      rows);
}

Html pair_costs(const ReportData& data) {
  if (!data.pair_cost) return {};
  const ReportCost& small = *whole_run(data, data.candidate);
  const ReportCost& large = *whole_run(data, data.baseline);
  Html out = volume_plot(*data.pair_cost, small, large);
  for (const std::string& sentence : break_even_sentences(data)) out += html("<p>{}</p>", sentence);
  out += volume_table(*data.pair_cost, small, large);
  out += assumptions_table(data);
  return out;
}

Html by_task(const ReportData& data) {
  std::vector<std::vector<Html>> rows;
  for (const ReportCost& cost : data.cost) {
    if (cost.task < 0) continue;
    rows.push_back(
        {boxed_text(task_name(data, cost.task)), model_name(data, cost.model),
         value(amount(cost.per_1000, cost.currency)), value(amount(cost.per_1000_correct, cost.currency)),
         value(amount(cost.total, cost.currency)), boxed_text(cost.basis), boxed_text(cost.measured)});
  }
  if (rows.empty()) return {};
  return table_behind(
      "cost by task",
      {"task", "model", "1,000 requests", "1,000 right answers", "this run", "by", "measured"}, rows);
}

}  // namespace

std::optional<Section> cost_section(const ReportData& data) {
  if (data.cost.empty()) return std::nullopt;
  Section out;
  out.id = "cost";
  out.link = "Cost";
  out.kicker = "Cost";
  out.heading = heading(data);
  out.side.push_back(
      html("A request is one sample with all its choices. Right answers cost more than requests: the wrong "
           "ones are paid for too."));
  out.side.push_back(
      html("<label class=\"live\" for=\"volume\">Requests a month, in thousands <input type=\"number\" "
           "id=\"volume\" min=\"0\" "
           "max=\"10000000\" step=\"any\" value=\"{}\"></label>",
           fmt::format("{:g}", shown_volume(data) / 1000.0)));
  for (const std::string& warning : data.old_prices) out.main += html("<p>{}</p>", warning);
  out.main += pair_costs(data);
  out.main += main_table(data);
  out.main += by_task(data);
  out.main += energy_table(data);
  out.main += caption(
      html("At the prices of the run file, over all tasks. “A month” has {} requests unless you put in "
           "another number. Endpoints cost by the request; a machine by the hour is always on, and the next "
           "one is added when it is as busy as stated. Intervals come from the "
           "samples’ token counts alone; all else is taken as given. What has no price is unknown, not free.",
           format_count(std::llround(shown_volume(data)))));
  return out;
}

}  // namespace sizeup
