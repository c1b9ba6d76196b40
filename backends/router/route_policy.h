// When a request goes on from the small model to the large one: what `sizeup route` works out, keeps in a
// file, and `router:FILE` or a program of one's own applies. docs/route.md describes the file.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

// Reasons to send a request on whatever its score: what checks of the small model's answer found.
inline constexpr std::array<std::string_view, 6> kRejections = {"no_answer",   "invalid",    "truncated",
                                                                "unsupported", "fabricated", "tests_failed"};

// A place in that list. Usage error for a name that is not there.
Result<size_t> find_rejection(const std::string& name);

// What is known of a request once the small model has answered. NaN: unknown.
struct RouteFacts {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

  double confidence = kUnknown;     // 0..1, of the kind that the policy names
  double input_tokens = kUnknown;   // of the prompt
  double output_tokens = kUnknown;  // of the small model's answer
  uint32_t rejections = 0;          // bit i: kRejections[i] was found
  std::string_view task;
  const std::map<std::string, std::string>* slices = nullptr;  // field -> value
};

// A number that scores are made of, by name:
//   confidence            as stated
//   confidence_logit      log(c / (1 - c)), c kept 1e-6 away from 0 and 1; 0 where there is none
//   confidence_missing    1 where there is none, else 0
//   log_input_tokens      log(1 + tokens), and log_output_tokens
//   no_answer, ...        1 where this of kRejections was found, else 0
//   task:NAME             1 for requests of this task, else 0
//   slice:FIELD=VALUE     1 for requests with this value, else 0
class RouteFeature {
 public:
  enum class Kind { confidence, logit, missing, input, output, rejection, task, slice };

  // bad_input for a name that is none of these.
  static Result<RouteFeature> parse(const std::string& name);

  Kind kind() const { return kind_; }
  const std::string& name() const { return name_; }
  double value(const RouteFacts& facts) const;  // NaN: unknown

 private:
  Kind kind_ = Kind::confidence;
  std::string name_;
  size_t rejection_ = 0;
  std::string field_;  // of a slice
  std::string value_;  // of a slice, or a task's name
};

// How likely small's answer will do: intercept + sum of weight * feature, through 1 / (1 + exp(-z)) if
// `logistic`.
struct RouteScorer {
  bool logistic = false;
  double intercept = 0.0;
  std::vector<std::pair<RouteFeature, double>> weights;

  double score(const RouteFacts& facts) const;  // NaN: a feature is unknown
};

// Kinds of confidence: exp of the mean log-probability of what was written, which one answer shows; the
// probability of the chosen option; what the answer says of itself; the majority's share of several answers.
inline constexpr std::string_view kMeanTokenProbability = "mean token probability";
inline constexpr std::string_view kOptionProbability = "option probability";
inline constexpr std::string_view kStatedInWords = "stated in words";
inline constexpr std::string_view kAgreementOfSamples = "agreement of samples";

struct RouteModel {
  std::string name;
  std::string reference;
  std::string fingerprint;
};

// A number with its 95 % interval; unknown ends: there is none.
struct RouteEstimate {
  double value = RouteFacts::kUnknown;
  double lo = RouteFacts::kUnknown;
  double hi = RouteFacts::kUnknown;
};

// What was found on the samples that the policy was made from, each routed by thresholds of the others.
struct RouteExpectation {
  int64_t samples = 0;
  RouteEstimate share;  // sent on
  RouteEstimate accuracy;
  double large = 0.0;                        // accuracy of the large model alone
  RouteEstimate cost;                        // of a request; unknown without prices
  double large_cost = RouteFacts::kUnknown;  // of a request to the large model alone
  std::string currency;
};

// Stands for a document in a policy, by the hash of what is in it. Of a thousand documents that are not among
// a million, one at most seems to be.
uint32_t fitted_number(std::string_view document_hash);

struct RoutePolicy {
  std::string run;  // that it was made from
  RouteModel small;
  RouteModel large;
  std::string confidence;  // the kind of confidence that its features mean; empty: it needs none
  std::string protocol;    // "likelihood": made from scored choices; "generative"; empty: not said
  RouteScorer scorer;
  double threshold = 0.0;          // sent on are lower scores; infinity: all
  std::vector<size_t> rejections;  // in kRejections, sent on whatever the score
  RouteExpectation expected;
  std::vector<std::string> tasks;  // that it was made from
  std::vector<uint32_t> fitted;    // fitted_number of the documents that it was made from, sorted

  // Also where the score is unknown.
  bool sends_on(const RouteFacts& facts) const;
  bool was_fitted_on(std::string_view document_hash) const;
};

std::string to_route_policy_text(const RoutePolicy& policy);
Result<void> write_route_policy(const RoutePolicy& policy, const std::filesystem::path& file);

// bad_input with file and place for what is no such policy.
Result<RoutePolicy> parse_route_policy(std::string_view text, const std::string& place);
Result<RoutePolicy> read_route_policy(const std::filesystem::path& file);

}  // namespace sizeup
