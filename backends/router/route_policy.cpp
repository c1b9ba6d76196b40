#include "backends/router/route_policy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/io/file.h"
#include "core/io/sha256.h"
#include "core/json/checked_json.h"
#include "core/json/json.h"
#include "core/json/number.h"

namespace sizeup {
namespace {

constexpr const char* kSchema = "sizeup.route/1";
constexpr const char* kOrigin = "a file that `sizeup route --policy` wrote";
constexpr size_t kMaxFileBytes = size_t{64} << 20;  // a million documents, thousands of features
constexpr double kMost = 1e300;                     // any finite number

struct NamedKind {
  std::string_view name;
  RouteFeature::Kind kind;
};
constexpr std::array<NamedKind, 5> kNamed = {{{"confidence", RouteFeature::Kind::confidence},
                                              {"confidence_logit", RouteFeature::Kind::logit},
                                              {"confidence_missing", RouteFeature::Kind::missing},
                                              {"log_input_tokens", RouteFeature::Kind::input},
                                              {"log_output_tokens", RouteFeature::Kind::output}}};
constexpr std::string_view kTask = "task:";
constexpr std::string_view kSlice = "slice:";

double logit(double confidence) {
  constexpr double kNearest = 1e-6;
  const double kept = std::clamp(confidence, kNearest, 1.0 - kNearest);
  return std::log(kept / (1.0 - kept));
}

Json model_json(const RouteModel& model) {
  return {{"name", model.name}, {"reference", model.reference}, {"fingerprint", model.fingerprint}};
}

RouteModel read_model(const CheckedJson& node) {
  return {node.at("name").text(), node.at("reference").text(), node.at("fingerprint").text()};
}

RouteScorer read_scorer(const CheckedJson& node) {
  RouteScorer scorer;
  const std::string link = node.at("link").text();
  if (link != "identity" && link != "logistic")
    node.at("link").refuse(fmt::format("is '{:.100}'", link), "identity or logistic");
  scorer.logistic = link == "logistic";
  scorer.intercept = node.at("intercept").number(-kMost, kMost);
  for (const auto& [name, weight] : node.at("weights").members()) {
    Result<RouteFeature> feature = RouteFeature::parse(name);
    if (!feature) weight.refuse("is no feature", feature.error().expected);
    scorer.weights.emplace_back(std::move(*feature), weight.number(-kMost, kMost));
  }
  return scorer;
}

RouteEstimate read_estimate(const CheckedJson& value, const CheckedJson& interval, double highest) {
  RouteEstimate out;
  out.value = value.number_or(RouteFacts::kUnknown, 0.0, highest);
  const std::vector<CheckedJson> ends = interval.items();
  if (ends.size() != 2) interval.refuse("has no two ends", "[lower, upper]");
  out.lo = ends[0].number_or(RouteFacts::kUnknown, -kMost, kMost);
  out.hi = ends[1].number_or(RouteFacts::kUnknown, -kMost, kMost);
  return out;
}

RouteExpectation read_expectation(const CheckedJson& node) {
  RouteExpectation out;
  out.samples = node.at("samples").count();
  out.accuracy = read_estimate(node.at("accuracy"), node.at("interval"), 1.0);
  out.share.value = node.at("share").number(0.0, 1.0);
  out.large = node.at("large").number(0.0, 1.0);
  if (node.has("share_interval")) out.share = read_estimate(node.at("share"), node.at("share_interval"), 1.0);
  if (node.has("cost")) {
    const CheckedJson cost = node.at("cost");
    out.currency = cost.at("currency").text();
    out.cost = read_estimate(cost.at("per_request"), cost.at("interval"), kMost);
    out.large_cost = cost.at("large").number_or(RouteFacts::kUnknown, 0.0, kMost);
  }
  return out;
}

// Eight hexadecimal digits for each document, as many in a line as a text may hold.
constexpr size_t kDigits = 8;
constexpr size_t kDocumentsOfLine = 500;

std::vector<uint32_t> read_fitted(const CheckedJson& node) {
  std::vector<uint32_t> out;
  for (const CheckedJson& line : node.items()) {
    const std::string digits = line.text();
    for (size_t i = 0; i < digits.size(); i += kDigits) {
      uint32_t number = 0;
      const char* const last = digits.data() + std::min(i + kDigits, digits.size());
      const auto read = std::from_chars(digits.data() + i, last, number, 16);
      if (read.ec != std::errc() || read.ptr != digits.data() + i + kDigits)
        line.refuse("holds other things than documents", "eight hexadecimal digits for each");
      out.push_back(number);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

Json fitted_json(const std::vector<uint32_t>& fitted) {
  Json out = Json::array();
  std::string line;
  for (size_t i = 0; i < fitted.size(); ++i) {
    line += fmt::format("{:08x}", fitted[i]);
    if (i + 1 < fitted.size() && (i + 1) % kDocumentsOfLine != 0) continue;
    out.push_back(line);
    line.clear();
  }
  return out;
}

Json expectation_json(const RouteExpectation& expected) {
  const auto ends = [](const RouteEstimate& one) { return Json{number(one.lo), number(one.hi)}; };
  Json out = {{"samples", expected.samples},
              {"share", number(expected.share.value)},
              {"share_interval", ends(expected.share)},
              {"accuracy", number(expected.accuracy.value)},
              {"interval", ends(expected.accuracy)},
              {"large", expected.large}};
  if (!std::isnan(expected.cost.value)) {
    out["cost"] = {{"currency", expected.currency},
                   {"per_request", expected.cost.value},
                   {"interval", ends(expected.cost)},
                   {"large", number(expected.large_cost)}};
  }
  return out;
}

RoutePolicy read_root(const CheckedJson& root) {
  const std::string schema = root.at("schema").text();
  if (schema != kSchema) root.at("schema").refuse(fmt::format("is '{:.100}'", schema), kSchema);
  RoutePolicy policy;
  policy.run = root.at("run").text();
  policy.small = read_model(root.at("small"));
  policy.large = read_model(root.at("large"));
  policy.confidence = root.at("confidence").text();
  if (root.has("protocol")) {
    policy.protocol = root.at("protocol").text();
    if (policy.protocol != "likelihood" && policy.protocol != "generative")
      root.at("protocol").refuse(fmt::format("is '{:.100}'", policy.protocol), "likelihood or generative");
  }
  policy.scorer = read_scorer(root.at("score"));
  policy.threshold = root.at("threshold").number_or(std::numeric_limits<double>::infinity(), -kMost, kMost);
  for (const CheckedJson& item : root.at("send_on_if").items()) {
    const Result<size_t> rejection = find_rejection(item.text());
    if (!rejection) item.refuse("is no reason", rejection.error().hint);
    policy.rejections.push_back(*rejection);
  }
  policy.expected = read_expectation(root.at("expected"));
  if (root.has("tasks")) {
    for (const CheckedJson& task : root.at("tasks").items()) policy.tasks.push_back(task.text());
  }
  if (root.has("fitted")) policy.fitted = read_fitted(root.at("fitted"));
  return policy;
}

}  // namespace

Result<size_t> find_rejection(const std::string& name) {
  const auto found = std::find(kRejections.begin(), kRejections.end(), name);
  if (found != kRejections.end()) return static_cast<size_t>(found - kRejections.begin());
  return usage_error(fmt::format("'{:.100}' is no check of an answer", name),
                     fmt::format("one of {}", fmt::join(kRejections, ", ")));
}

Result<RouteFeature> RouteFeature::parse(const std::string& name) {
  RouteFeature out;
  out.name_ = name;
  for (const NamedKind& named : kNamed) {
    if (name != named.name) continue;
    out.kind_ = named.kind;
    return out;
  }
  if (const Result<size_t> rejection = find_rejection(name)) {
    out.kind_ = Kind::rejection;
    out.rejection_ = *rejection;
    return out;
  }
  if (name.starts_with(kTask)) {
    out.kind_ = Kind::task;
    out.value_ = name.substr(kTask.size());
    return out;
  }
  const size_t equals = name.find('=');
  if (name.starts_with(kSlice) && equals != std::string::npos) {
    out.kind_ = Kind::slice;
    out.field_ = name.substr(kSlice.size(), equals - kSlice.size());
    out.value_ = name.substr(equals + 1);
    return out;
  }
  return bad_input("", fmt::format("'{:.100}' is no feature", name),
                   "confidence, confidence_logit, confidence_missing, log_input_tokens, log_output_tokens, "
                   "no_answer, ..., task:NAME or slice:FIELD=VALUE");
}

double RouteFeature::value(const RouteFacts& facts) const {
  switch (kind_) {
    case Kind::confidence:
      return facts.confidence;
    case Kind::logit:
      return std::isnan(facts.confidence) ? 0.0 : logit(facts.confidence);
    case Kind::missing:
      return std::isnan(facts.confidence) ? 1.0 : 0.0;
    case Kind::input:
      return std::log1p(facts.input_tokens);
    case Kind::output:
      return std::log1p(facts.output_tokens);
    case Kind::rejection:
      return (facts.rejections >> rejection_ & 1U) != 0 ? 1.0 : 0.0;
    case Kind::task:
      return facts.task == value_ ? 1.0 : 0.0;
    case Kind::slice:
      break;
  }
  if (facts.slices == nullptr) return RouteFacts::kUnknown;
  const auto found = facts.slices->find(field_);
  return found != facts.slices->end() && found->second == value_ ? 1.0 : 0.0;
}

double RouteScorer::score(const RouteFacts& facts) const {
  double z = intercept;
  for (const auto& [feature, weight] : weights) z += weight * feature.value(facts);
  if (!logistic) return z;
  return 1.0 / (1.0 + std::exp(-z));
}

bool RoutePolicy::sends_on(const RouteFacts& facts) const {
  const bool rejected = std::any_of(rejections.begin(), rejections.end(), [&](size_t rejection) {
    return (facts.rejections >> rejection & 1U) != 0;
  });
  return rejected || !(scorer.score(facts) >= threshold);
}

bool RoutePolicy::was_fitted_on(std::string_view document_hash) const {
  return std::binary_search(fitted.begin(), fitted.end(), fitted_number(document_hash));
}

uint32_t fitted_number(std::string_view document_hash) {
  const auto digest = sha256(document_hash);
  uint32_t number = 0;
  for (size_t i = 0; i < sizeof(number); ++i) number = number << 8 | digest[i];
  return number;
}

std::string to_route_policy_text(const RoutePolicy& policy) {
  Json weights = Json::object();
  for (const auto& [feature, weight] : policy.scorer.weights) weights[feature.name()] = weight;
  Json rejections = Json::array();
  for (const size_t rejection : policy.rejections) rejections.push_back(std::string(kRejections[rejection]));
  Json out = {{"schema", kSchema},
              {"run", policy.run},
              {"small", model_json(policy.small)},
              {"large", model_json(policy.large)},
              {"confidence", policy.confidence},
              {"score",
               {{"link", policy.scorer.logistic ? "logistic" : "identity"},
                {"intercept", policy.scorer.intercept},
                {"weights", std::move(weights)}}},
              {"threshold", number(policy.threshold)},
              {"send_on_if", std::move(rejections)},
              {"expected", expectation_json(policy.expected)},
              {"tasks", policy.tasks}};
  if (!policy.protocol.empty()) out["protocol"] = policy.protocol;
  if (!policy.fitted.empty()) out["fitted"] = fitted_json(policy.fitted);
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<void> write_route_policy(const RoutePolicy& policy, const std::filesystem::path& file) {
  return write_file(file, to_route_policy_text(policy));
}

Result<RoutePolicy> parse_route_policy(std::string_view text, const std::string& place) {
  return read_checked_json(parse_json(text, place), place, kOrigin, read_root);
}

Result<RoutePolicy> read_route_policy(const std::filesystem::path& file) {
  Result<std::string> text = read_file(file, kMaxFileBytes);
  if (!text) return forward_error(text);
  return parse_route_policy(*text, file.string());
}

}  // namespace sizeup
