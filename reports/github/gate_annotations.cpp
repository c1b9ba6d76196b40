#include <fmt/format.h>

#include <algorithm>

#include "core/text/utf8.h"
#include "reports/gate_report.h"

namespace sizeup {
namespace {

// The escapes of GitHub's runner (actions/toolkit, packages/core/src/command.ts): a message ends with its
// line, a property also at a colon or comma.
std::string escaped(std::string_view text, bool property) {
  std::string out;
  for (const char c : replace_invalid_utf8(text)) {
    const bool special = c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ','));
    out += special ? fmt::format("%{:02X}", static_cast<unsigned>(c)) : std::string(1, c);
  }
  return out;
}

// "file=policy.yaml,line=12," of "policy.yaml:12".
std::string location(const std::string& place) {
  const size_t colon = place.rfind(':');
  if (colon == std::string::npos || colon + 1 == place.size()) return {};
  const std::string line = place.substr(colon + 1);
  if (!std::all_of(line.begin(), line.end(), [](char c) { return c >= '0' && c <= '9'; })) return {};
  return fmt::format("file={},line={},", escaped(place.substr(0, colon), true), line);
}

}  // namespace

std::string to_annotations(const GateReport& report) {
  std::string out;
  for (const GateLine& line : report.result.lines) {
    if (line.outcome == GateOutcome::pass) continue;
    const char* level = line.outcome == GateOutcome::fail ? "error" : "warning";
    const std::string slice = line.slice.empty() ? "" : fmt::format(" [{}]", line.slice);
    const std::string title =
        fmt::format("sizeup gate: {}{}: {}", line.task, slice, outcome_name(line.outcome));
    out += fmt::format("::{} {}title={}::{}\n", level, location(line.place), escaped(title, true),
                       escaped(fmt::format("{}: {}", line.rule, line.finding), false));
  }
  return out;
}

}  // namespace sizeup
