#include <fmt/format.h>

#include "core/text/utf8.h"
#include "reports/gate_report.h"
#include "reports/text.h"

namespace sizeup {
namespace {

// Text that shows as it is: no markup, no HTML, no end of the table's cell.
std::string plain(std::string_view text) {
  constexpr std::string_view kMarkup = "\\`*_{}[]()#!|~$";
  const std::string valid = replace_invalid_utf8(text);
  std::string out;
  for (std::string_view rest = valid; !rest.empty();) {
    const CodePoint next = *decode_utf8(rest);
    const std::string_view bytes = rest.substr(0, next.bytes);
    if (next.value == '&') {
      out += "&amp;";
    } else if (next.value == '<') {
      out += "&lt;";
    } else if (next.value == '>') {
      out += "&gt;";
    } else if (next.value == '@') {
      out += "&#64;";  // names nobody
    } else if (next.value == '\n' || next.value == '\t') {
      out += ' ';
    } else if (is_odd(next.value)) {
      out += "\\[" + code_point_name(next.value) + "\\]";
    } else if (kMarkup.find(bytes) != std::string_view::npos) {
      out += "\\";
      out += bytes;
    } else {
      out += bytes;
    }
    rest.remove_prefix(next.bytes);
  }
  return out;
}

std::string_view mark(GateOutcome outcome) {
  if (outcome == GateOutcome::pass) return "✅ pass";
  return outcome == GateOutcome::fail ? "❌ fail" : "❔ not enough data";
}

}  // namespace

std::string to_markdown(const GateReport& report) {
  std::string out = fmt::format("### sizeup gate: {}\n\n", plain(wording(report.result)));
  out += fmt::format("Candidate {}", plain(report.candidate));
  if (!report.baseline.empty()) out += fmt::format(", baseline {}", plain(report.baseline));
  out +=
      fmt::format(", policy {}.\n\n| | task | check | finding |\n|---|---|---|---|\n", plain(report.policy));
  for (const GateLine& line : report.result.lines) {
    const std::string slice = line.slice.empty() ? "" : fmt::format(" ({})", line.slice);
    out += fmt::format("| {} | {} | {} | {} |\n", mark(line.outcome), plain(line.task + slice),
                       plain(line.rule), plain(line.finding));
  }
  if (!report.result.notes.empty()) out += "\n";
  for (const std::string& note : report.result.notes) out += fmt::format("- {}\n", plain(note));
  return out;
}

}  // namespace sizeup
