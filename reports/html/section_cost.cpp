#include <fmt/format.h>

#include <algorithm>

#include "reports/format.h"
#include "reports/html/sections.h"
#include "reports/verdict_text.h"

namespace sizeup {
namespace {

constexpr int64_t kVolumeThousands = 1000;  // a million requests a month, until the reader types another

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

Html month_cell(const ReportCost& cost) {
  if (!cost.per_1000) return html("<td class=\"n\">unknown</td>");
  return html("<td class=\"n\" data-per-request=\"{}\" data-symbol=\"{}\">{}</td>",
              fmt::format("{:.12g}", *cost.per_1000 / 1000.0), symbol_of(cost.currency),
              format_money(*cost.per_1000 * static_cast<double>(kVolumeThousands), cost.currency));
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
        amount(cost.per_1000_correct, cost.currency), month_cell(cost), amount(cost.total, cost.currency));
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
           "max=\"10000000\" step=\"100\" value=\"{}\"></label>",
           kVolumeThousands));
  out.main = main_table(data);
  out.main += by_task(data);
  out.main +=
      caption(html("At the prices of the run file, over all tasks. “A month” multiplies the cost of a "
                   "request by {} requests unless you put "
                   "in another number; idle machines cost extra unless the stated utilisation has them. What "
                   "has no price is unknown, not free.",
                   format_count(kVolumeThousands * 1000)));
  return out;
}

}  // namespace sizeup
