// Any bytes as a baseline's file and as a policy. A baseline that is read can be written, read again, and
// judged by itself: what the policy then says is of no interest, only that it says it.
#include <cstdint>
#include <string>

#include "harness/decide/baseline_file.h"
#include "harness/decide/comparison.h"
#include "harness/decide/gate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const size_t cut = text.find('\0');  // a policy may stand before the baseline
  const auto policy = sizeup::parse_policy(text.substr(0, cut), "policy.yaml");
  const auto baseline =
      sizeup::parse_baseline(cut == std::string::npos ? text : text.substr(cut + 1), "baseline.json");
  if (!baseline) return 0;
  const std::string written = sizeup::to_baseline_text(*baseline);
  const auto again = sizeup::parse_baseline(written, "again.json");
  if (!again || sizeup::to_baseline_text(*again) != written) __builtin_trap();
  constexpr double kMargin = 0.05;
  static_cast<void>(sizeup::compare(*baseline, *again, {}, kMargin));
  if (policy) static_cast<void>(sizeup::apply_policy(*policy, *baseline, &*again));
  return 0;
}
