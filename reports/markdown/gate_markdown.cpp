#include <fmt/format.h>

#include "reports/gate_report.h"
#include "reports/markdown/markdown.h"

namespace sizeup {
namespace {

std::string_view mark(GateOutcome outcome) {
  if (outcome == GateOutcome::pass) return "✅ pass";
  return outcome == GateOutcome::fail ? "❌ fail" : "❔ not enough data";
}

}  // namespace

std::string to_markdown(const GateReport& report) {
  std::string out = fmt::format("### sizeup gate: {}\n\n", markdown_text(wording(report.result)));
  out += fmt::format("Candidate {}", markdown_text(report.candidate));
  if (!report.baseline.empty()) out += fmt::format(", baseline {}", markdown_text(report.baseline));
  out += fmt::format(", policy {}.\n\n| | task | check | finding |\n|---|---|---|---|\n",
                     markdown_text(report.policy));
  for (const GateLine& line : report.result.lines) {
    const std::string slice = line.slice.empty() ? "" : fmt::format(" ({})", line.slice);
    out += fmt::format("| {} | {} | {} | {} |\n", mark(line.outcome), markdown_text(line.task + slice),
                       markdown_text(line.rule), markdown_text(line.finding));
  }
  if (!report.result.notes.empty()) out += "\n";
  for (const std::string& note : report.result.notes) out += fmt::format("- {}\n", markdown_text(note));
  return out;
}

}  // namespace sizeup
