#include "harness/decide/answer_facts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "backends/router/route_policy.h"
#include "core/text/from_chars.h"
#include "harness/statistics/calibration.h"

namespace sizeup {
namespace {

// A majority is as sure as it is large: the answer of maj@3,strict has its detail agreement@3,strict.
constexpr std::string_view kMajority = "maj@";
constexpr std::string_view kStatedMetric = "confidence_stated";

template <typename Number>
Number number_in(const std::string& text, Number otherwise) {
  from_chars(text.data(), text.data() + text.size(), otherwise);
  return otherwise;
}

bool counts_any(const AnswerRow& answer, std::string_view name) {
  const std::string* text = find_detail(answer, name);
  return text != nullptr && number_in<int64_t>(*text, 0) > 0;
}

}  // namespace

bool states_in_words(const TaskRow& task) {
  return std::ranges::any_of(task.metrics,
                             [](const MetricRow& metric) { return metric.name.starts_with(kStatedMetric); });
}

std::string_view confidence_kind(std::string_view output_type, std::string_view metric, bool in_words) {
  if (metric.starts_with(kMajority)) return kAgreementOfSamples;
  if (in_words) return kStatedInWords;
  return output_type == "multiple_choice" ? kOptionProbability : kMeanTokenProbability;
}

double stated_confidence(const AnswerRow& answer, std::string_view metric) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  double value = answer.confidence;
  if (metric.starts_with(kMajority)) {
    const auto stored = answer.details.find("agreement@" + std::string(metric.substr(kMajority.size())));
    value = stored == answer.details.end() ? kNone : number_in(stored->second, kNone);
  }
  return value >= 0.0 && value <= 1.0 ? value : kNone;
}

uint32_t rejections_of(const AnswerRow& answer, double score) {
  uint32_t found = 0;
  const auto add = [&](const char* name, bool is) {
    if (is) found |= uint32_t{1} << find_rejection(name).value();
  };
  add("no_answer", answer.no_answer);
  add("invalid", answer.invalid);
  add("truncated", answer.truncated);
  add("unsupported", counts_any(answer, "claims_unsupported"));
  add("fabricated", counts_any(answer, "fields_fabricated"));
  add("tests_failed", find_detail(answer, "sandbox") != nullptr && score < kRightFrom);
  return found;
}

// An answer has a handful of details: reading their names takes less than making a key of a view.
const std::string* find_detail(const AnswerRow& answer, std::string_view name) {
  for (const auto& [key, value] : answer.details) {
    if (key.starts_with(name) && (key.size() == name.size() || key[name.size()] == ',')) return &value;
  }
  return nullptr;
}

}  // namespace sizeup
