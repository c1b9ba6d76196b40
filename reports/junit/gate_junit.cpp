#include <fmt/format.h>

#include <algorithm>

#include "core/text/utf8.h"
#include "reports/gate_report.h"
#include "reports/text.h"

namespace sizeup {
namespace {

// Text for an attribute or an element. What XML 1.0 cannot hold, or an eye would not see, is spelled out.
std::string xml(std::string_view text) {
  const std::string valid = replace_invalid_utf8(text);
  std::string out;
  for (std::string_view rest = valid; !rest.empty();) {
    const CodePoint next = *decode_utf8(rest);
    const bool no_character = (next.value & 0xFFFE) == 0xFFFE;
    if (next.value == '&') {
      out += "&amp;";
    } else if (next.value == '<') {
      out += "&lt;";
    } else if (next.value == '>') {
      out += "&gt;";
    } else if (next.value == '"') {
      out += "&quot;";
    } else if (next.value == '\n' || next.value == '\t') {
      out += ' ';
    } else if (is_odd(next.value) || no_character) {
      out += "[" + code_point_name(next.value) + "]";
    } else {
      out += rest.substr(0, next.bytes);
    }
    rest.remove_prefix(next.bytes);
  }
  return out;
}

std::string test_case(const GateLine& line, bool inconclusive_passes) {
  const std::string name = line.slice.empty() ? line.rule : fmt::format("{} [{}]", line.rule, line.slice);
  std::string out =
      fmt::format("    <testcase classname=\"sizeup.gate.{}\" name=\"{}\"", xml(line.task), xml(name));
  if (line.outcome == GateOutcome::pass) {
    return out + fmt::format("><system-out>{}</system-out></testcase>\n", xml(line.finding));
  }
  const std::string message = xml(line.finding);
  if (line.outcome == GateOutcome::fail) {
    out += fmt::format("><failure type=\"fail\" message=\"{}\">{}</failure>", message, xml(line.place));
  } else if (inconclusive_passes) {
    out += fmt::format("><skipped message=\"{}\"/>", message);
  } else {
    out +=
        fmt::format("><error type=\"not enough data\" message=\"{}\">{}</error>", message, xml(line.place));
  }
  return out + "</testcase>\n";
}

}  // namespace

std::string to_junit(const GateReport& report) {
  const std::vector<GateLine>& lines = report.result.lines;
  const auto count = [&](GateOutcome outcome) {
    return std::count_if(lines.begin(), lines.end(),
                         [&](const GateLine& line) { return line.outcome == outcome; });
  };
  const auto open = count(GateOutcome::not_enough_data);
  const std::string counts = fmt::format(
      "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"", lines.size(), count(GateOutcome::fail),
      report.inconclusive_passes ? 0 : open, report.inconclusive_passes ? open : 0);
  const std::string against = report.baseline.empty() ? "" : " against " + report.baseline;
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"sizeup gate\" {}>\n"
      "  <testsuite name=\"{}\" {}>\n",
      counts, xml(report.candidate + against), counts);
  for (const GateLine& line : lines) out += test_case(line, report.inconclusive_passes);
  return out + "  </testsuite>\n</testsuites>\n";
}

}  // namespace sizeup
