#include "harness/load/scenario.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "core/text/from_chars.h"

namespace sizeup {
namespace {

constexpr int kMostStreams = 1'000'000;
constexpr double kMostPerSecond = 1e6;
// A gamma distribution far outside of these is a constant, or nearly always zero.
constexpr double kLeastBurstiness = 0.01;
constexpr double kMostBurstiness = 1e6;

Error unknown_scenario(std::string_view text) {
  return {ErrorKind::usage, "", fmt::format("'{}' is no scenario", text),
          "offline, single, concurrent:STREAMS, server:PER_SECOND or server:PER_SECOND:BURSTINESS",
          "concurrent:8, server:2.5"};
}

template <class Number>
std::optional<Number> number(std::string_view text, Number least, Number most) {
  Number value{};
  const auto [end, error] = from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(value >= least && value <= most)) return std::nullopt;
  return value;
}

}  // namespace

Result<Scenario> parse_scenario(std::string_view text) {
  if (text == "offline") return Scenario{};
  if (text == "single") return Scenario{.kind = Scenario::Kind::single};
  const size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  std::string_view rest = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  if (kind == "concurrent") {
    const auto streams = number<int>(rest, 1, kMostStreams);
    if (!streams) return tl::unexpected<Error>(unknown_scenario(text));
    return Scenario{.kind = Scenario::Kind::concurrent, .streams = *streams};
  }
  if (kind != "server") return tl::unexpected<Error>(unknown_scenario(text));
  Scenario scenario{.kind = Scenario::Kind::server};
  if (const size_t second = rest.find(':'); second != std::string_view::npos) {
    const auto burstiness = number<double>(rest.substr(second + 1), kLeastBurstiness, kMostBurstiness);
    if (!burstiness) return tl::unexpected<Error>(unknown_scenario(text));
    scenario.burstiness = *burstiness;
    rest = rest.substr(0, second);
  }
  const auto qps = number<double>(rest, 1.0 / kMostPerSecond, kMostPerSecond);
  if (!qps) return tl::unexpected<Error>(unknown_scenario(text));
  scenario.qps = *qps;
  return scenario;
}

std::string name_of(const Scenario& scenario) {
  switch (scenario.kind) {
    case Scenario::Kind::offline:
      return "offline";
    case Scenario::Kind::single:
      return "single";
    case Scenario::Kind::concurrent:
      return fmt::format("concurrent:{}", scenario.streams);
    case Scenario::Kind::server:
      if (scenario.burstiness == 1.0) return fmt::format("server:{}", scenario.qps);
      return fmt::format("server:{}:{}", scenario.qps, scenario.burstiness);
  }
  throw InternalError("unknown Scenario");
}

}  // namespace sizeup
