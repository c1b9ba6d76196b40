#include "reports/html/sections.h"
#include "reports/robustness_text.h"
#include "reports/verdict_text.h"

namespace sizeup {

std::optional<Section> robustness_section(const ReportData& data) {
  std::vector<std::vector<Html>> rows;
  Html sentences;
  for (const ReportRobustness& entry : data.robustness) {
    if (!entry.variants || (entry.model != data.candidate && entry.model != data.baseline)) continue;
    for (const VariantCells& cells : variant_cells(entry)) {
      rows.push_back({boxed_text(task_name(data, entry.task)), model_name(data, entry.model),
                      boxed_text(cells.name), value(cells.score), value(cells.difference), value(cells.flips),
                      value(cells.holm_p)});
    }
    sentences += html("<p>{}, {}: {}</p>", boxed_text(task_name(data, entry.task)),
                      model_name(data, entry.model), boxed_text(spread_sentence(entry)));
  }
  if (rows.empty()) return std::nullopt;
  Section out;
  out.id = "robustness";
  out.link = "Robustness";
  out.kicker = "The same documents, asked in other ways";
  out.heading = html("{}", boxed_text(robustness_finding(data)));
  out.side.push_back(
      html("The highest and the lowest of several equal ways lie apart by luck alone: compare the spread "
           "with what chance gives."));
  out.main = sentences;
  out.main += number_table(
      "variants", {"task", "model", "asked", "score", "minus original, pp", "now wrong / right", "Holm p"},
      rows);
  out.main += caption(
      html("95\u00a0% intervals of each difference; the spread’s allows for all pairs of ways, Holm’s p for "
           "all ways of a task."));
  return out;
}

}  // namespace sizeup
