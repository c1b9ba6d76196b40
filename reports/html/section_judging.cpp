#include "reports/html/sections.h"
#include "reports/judging_text.h"

namespace sizeup {

std::optional<Section> judging_section(const ReportData& data) {
  if (!data.judging) return std::nullopt;
  const auto& [judging, summary] = *data.judging;
  Section out;
  out.id = "judging";
  out.link = "Judges";
  out.kicker = "What judges say, and how far to trust them";
  out.heading = html("{}", boxed_text(judging_title(judging)));
  for (const std::string& sentence : judging_sentences(judging, summary))
    out.side.push_back(html("{}.", boxed_text(sentence)));
  std::vector<std::vector<Html>> rows;
  for (const std::vector<std::string>& cells : judging_rows(judging, summary)) {
    std::vector<Html>& row = rows.emplace_back();
    row.push_back(boxed_text(cells.front()));
    for (size_t i = 1; i < cells.size(); ++i) row.push_back(value(cells[i]));
  }
  out.main = number_table("judges", judging_columns(judging), rows);
  return out;
}

}  // namespace sizeup
