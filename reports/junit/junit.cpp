#include "reports/junit/junit.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/text.h"

namespace sizeup {
namespace {

using Outcome = JunitCase::Outcome;

// Text for an attribute or an element. What XML 1.0 cannot hold, or an eye would not see, is spelled out.
std::string xml(std::string_view text) {
  return marked_up(text, [](CodePoint next, std::string_view rest, std::string& out) {
    const bool no_character = (next.value & 0xFFFE) == 0xFFFE;
    if (next.value == '"') {
      out += "&quot;";
    } else if (is_odd(next.value) || no_character) {
      out += "[" + code_point_name(next.value) + "]";
    } else {
      out += rest.substr(0, next.bytes);
    }
  });
}

std::string test_case(const JunitCase& one) {
  const std::string head =
      fmt::format("    <testcase classname=\"{}\" name=\"{}\">", xml(one.class_name), xml(one.name));
  const std::string message = xml(one.message);
  std::string body;
  switch (one.outcome) {
    case Outcome::passed:
      body = fmt::format("<system-out>{}</system-out>", message);
      break;
    case Outcome::failed:
    case Outcome::error: {
      const char* element = one.outcome == Outcome::failed ? "failure" : "error";
      body = fmt::format("<{0} type=\"{1}\" message=\"{2}\">{3}</{0}>", element, xml(one.type), message,
                         xml(one.place));
      break;
    }
    case Outcome::skipped:
      body = fmt::format("<skipped message=\"{}\"/>", message);
      break;
  }
  return head + body + "</testcase>\n";
}

}  // namespace

std::string junit_document(std::string_view name, std::string_view suite,
                           const std::vector<JunitCase>& cases) {
  const auto count = [&](Outcome outcome) {
    return std::count_if(cases.begin(), cases.end(),
                         [&](const JunitCase& one) { return one.outcome == outcome; });
  };
  const std::string counts =
      fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"", cases.size(),
                  count(Outcome::failed), count(Outcome::error), count(Outcome::skipped));
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{}\" {}>\n"
      "  <testsuite name=\"{}\" {}>\n",
      xml(name), counts, xml(suite), counts);
  for (const JunitCase& one : cases) out += test_case(one);
  return out + "  </testsuite>\n</testsuites>\n";
}

}  // namespace sizeup
