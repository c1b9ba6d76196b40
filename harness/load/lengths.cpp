#include "harness/load/lengths.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/random/counter_random.h"
#include "core/text/from_chars.h"
#include "harness/statistics/interval.h"

namespace sizeup {
namespace {

constexpr int kMostTokens = 1 << 20;
constexpr double kMostSigma = 5.0;              // one prompt in six is then longer than 148 medians
constexpr uint64_t kStream = 0x6c656e67746873;  // "lengths": apart from other streams of the seed
constexpr double kLeastShare = 0x1p-54;         // instead of 0, whose quantile is no number

tl::unexpected<Error> no_lengths(std::string_view text) {
  return tl::unexpected<Error>({ErrorKind::usage, "", fmt::format("'{:.60}' is no length of prompts", text),
                                "TOKENS, uniform:LOW:HIGH or lognormal:MEDIAN:SIGMA",
                                "uniform:64:512, lognormal:200:0.8"});
}

template <class T>
std::optional<T> number(std::string_view text, T least, T most) {
  T value{};
  const auto [end, error] = from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value >= least && value <= most ? std::optional(value) : std::nullopt;
}

double length_at(const LengthDistribution& lengths, double u) {
  switch (lengths.kind) {
    case LengthDistribution::Kind::fixed:
      return lengths.low;
    case LengthDistribution::Kind::uniform:
      return lengths.low + std::floor(u * (lengths.high - lengths.low + 1));
    case LengthDistribution::Kind::lognormal:
      return std::round(lengths.median * std::exp(lengths.sigma * normal_quantile(u)));
  }
  throw InternalError("unknown LengthDistribution");
}

}  // namespace

Result<LengthDistribution> parse_lengths(std::string_view text) {
  LengthDistribution out;
  const size_t first = text.find(':');
  if (first == std::string_view::npos) {
    const auto length = number(text, 1, kMostTokens);
    if (!length) return no_lengths(text);
    out.low = *length;
    return out;
  }
  const size_t second = text.find(':', first + 1);
  if (second == std::string_view::npos) return no_lengths(text);
  const std::string_view kind = text.substr(0, first);
  const std::string_view a = text.substr(first + 1, second - first - 1);
  const std::string_view b = text.substr(second + 1);
  if (kind == "uniform") {
    const auto low = number(a, 1, kMostTokens);
    const auto high = number(b, low.value_or(1), kMostTokens);
    if (!low || !high) return no_lengths(text);
    out.kind = LengthDistribution::Kind::uniform;
    out.low = *low;
    out.high = *high;
    return out;
  }
  const auto median = number(a, 1.0, static_cast<double>(kMostTokens));
  const auto sigma = number(b, 0.0, kMostSigma);
  if (kind != "lognormal" || !median || !sigma) return no_lengths(text);
  out.kind = LengthDistribution::Kind::lognormal;
  out.median = *median;
  out.sigma = *sigma;
  return out;
}

std::string name_of(const LengthDistribution& lengths) {
  switch (lengths.kind) {
    case LengthDistribution::Kind::fixed:
      return fmt::format("{}", lengths.low);
    case LengthDistribution::Kind::uniform:
      return fmt::format("uniform:{}:{}", lengths.low, lengths.high);
    case LengthDistribution::Kind::lognormal:
      return fmt::format("lognormal:{:g}:{:g}", lengths.median, lengths.sigma);
  }
  throw InternalError("unknown LengthDistribution");
}

DrawnLengths draw_lengths(const LengthDistribution& lengths, int count, int most, uint64_t seed) {
  DrawnLengths out;
  for (int i = 0; i < count; ++i) {
    const double u = std::max(uniform(seed, kStream, static_cast<uint64_t>(i)), kLeastShare);
    const double length = length_at(lengths, u);
    out.cut += length > most ? 1 : 0;
    out.lengths.push_back(static_cast<int>(std::clamp(length, 1.0, static_cast<double>(most))));
  }
  return out;
}

}  // namespace sizeup
