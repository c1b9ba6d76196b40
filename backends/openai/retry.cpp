#include "backends/openai/retry.h"

#include <algorithm>
#include <cstdint>

namespace sizeup {
namespace {

constexpr std::chrono::milliseconds kLongestPause{60'000};
constexpr int kMostDoublings = 20;  // beyond any longest pause, and far from an overflow

}  // namespace

StatusMeaning meaning_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return StatusMeaning::refused;
    case 408:
    case 409:
    case 425:
      return StatusMeaning::passing;
    case 429:
    case 503:
    case 529:  // "overloaded" of several vendors
      return StatusMeaning::overload;
    default:
      if (status >= 500) return StatusMeaning::passing;
      return status >= 300 && status < 400 ? StatusMeaning::redirect : StatusMeaning::wrong;
  }
}

std::chrono::milliseconds pause_after(int attempts, std::chrono::milliseconds first_pause, double random) {
  const int doublings = std::clamp(attempts - 1, 0, kMostDoublings);
  const auto longest = std::min(first_pause * (int64_t{1} << doublings), kLongestPause);
  return std::chrono::milliseconds(static_cast<int64_t>(static_cast<double>(longest.count()) * random));
}

}  // namespace sizeup
