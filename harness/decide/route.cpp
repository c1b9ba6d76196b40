#include "harness/decide/route.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/statistics/calibration.h"
#include "harness/statistics/logistic.h"
#include "harness/statistics/routing.h"

namespace sizeup {
namespace {

using Kind = RouteSignal::Kind;
using Samples = std::span<const RouteSample>;
using Chosen = std::vector<const RouteSample*>;

RouteFeature feature(const std::string& name) {
  return RouteFeature::parse(name).value();
}

// Scores that are one feature, or none: nothing is fitted.
RouteScorer confidence_scorer() {
  return {.logistic = false, .intercept = 0.0, .weights = {{feature("confidence"), 1.0}}};
}

// 1 / (2 + tokens): falls with the length, within 0..1.
RouteScorer length_scorer() {
  return {.logistic = true, .intercept = 0.0, .weights = {{feature("log_input_tokens"), -1.0}}};
}

RouteScorer verifier_scorer() {
  return {.logistic = false, .intercept = 1.0, .weights = {}};
}

RouteScorer fit_slice(const Chosen& samples, const std::string& field) {
  struct Sum {
    double score = 0.0;
    double n = 0.0;
  };
  std::map<std::string, Sum> values;
  Sum all;
  for (const RouteSample* sample : samples) {
    all.score += sample->small;
    all.n += 1.0;
    if (sample->facts.slices == nullptr) continue;
    const auto value = sample->facts.slices->find(field);
    if (value == sample->facts.slices->end()) continue;
    values[value->second].score += sample->small;
    values[value->second].n += 1.0;
  }
  RouteScorer out;
  out.intercept = all.n > 0 ? all.score / all.n : 0.0;
  for (const auto& [value, sum] : values) {
    const double mean = (sum.score + kSlicePrior * out.intercept) / (sum.n + kSlicePrior);
    out.weights.emplace_back(feature("slice:" + field + "=" + value), mean - out.intercept);
  }
  return out;
}

// What a learned score is made of: everything that is known of all samples and differs between them. Whether
// tests failed is no part of it: that is the answer being right.
class Features {
 public:
  explicit Features(Samples samples) {
    const auto known = [&](const char* name) {
      const RouteFeature one = feature(name);
      return std::none_of(samples.begin(), samples.end(),
                          [&](const RouteSample& sample) { return std::isnan(one.value(sample.facts)); });
    };
    for (const char* name : {"confidence_logit", "confidence_missing", "log_input_tokens",
                             "log_output_tokens", "no_answer", "invalid", "truncated"}) {
      if (known(name)) candidates_.push_back(feature(name));
    }
    std::map<std::string, int64_t> named;
    for (const RouteSample& sample : samples) {
      ++named["task:" + std::string(sample.facts.task)];
      if (sample.facts.slices == nullptr) continue;
      for (const auto& [field, value] : *sample.facts.slices) ++named["slice:" + field + "=" + value];
    }
    for (const auto& [name, count] : named) {
      if (count >= kFewestOfFeature) candidates_.push_back(feature(name));
    }
    for (const RouteFeature& one : candidates_) {
      const double first = one.value(samples.front().facts);
      const bool varies = std::any_of(samples.begin(), samples.end(), [&](const RouteSample& sample) {
        return one.value(sample.facts) != first;
      });
      if (varies) features_.push_back(one);
    }
  }

  RouteScorer fit(const Chosen& samples) const {
    std::vector<double> rows;
    std::vector<bool> right;
    rows.reserve(samples.size() * features_.size());
    for (const RouteSample* sample : samples) {
      for (const RouteFeature& one : features_) rows.push_back(one.value(sample->facts));
      right.push_back(sample->small >= kRightFrom);
    }
    const LogisticModel model = fit_logistic(rows, right, features_.size());
    RouteScorer out;
    out.logistic = true;
    out.intercept = model.intercept;
    for (size_t i = 0; i < features_.size(); ++i) out.weights.emplace_back(features_[i], model.weights[i]);
    return out;
  }

 private:
  std::vector<RouteFeature> candidates_;
  std::vector<RouteFeature> features_;
};

// A scorer for each fold from the samples of the others, and one from all.
template <class Fit>
RouteScores cross_fit(Samples samples, uint64_t seed, int folds, const Fit& fit) {
  RouteScores out;
  Chosen all;
  std::vector<size_t> fold_of;
  for (const RouteSample& sample : samples) {
    all.push_back(&sample);
    fold_of.push_back(routing_fold(sample.document, seed, folds));
  }
  out.scorer = fit(all);
  out.cross_fitted.resize(samples.size());
  for (size_t fold = 0; fold < static_cast<size_t>(folds); ++fold) {
    Chosen others;
    for (size_t i = 0; i < samples.size(); ++i) {
      if (fold_of[i] != fold) others.push_back(&samples[i]);
    }
    const RouteScorer scorer = fit(others);
    for (size_t i = 0; i < samples.size(); ++i) {
      if (fold_of[i] == fold) out.cross_fitted[i] = scorer.score(samples[i].facts);
    }
  }
  return out;
}

RouteScores apply(Samples samples, RouteScorer scorer) {
  RouteScores out;
  for (const RouteSample& sample : samples) out.cross_fitted.push_back(scorer.score(sample.facts));
  out.scorer = std::move(scorer);
  return out;
}

bool any_known(const std::vector<double>& scores) {
  return std::any_of(scores.begin(), scores.end(), [](double score) { return !std::isnan(score); });
}

}  // namespace

std::string RouteSignal::name() const {
  switch (kind) {
    case Kind::confidence:
      return "confidence";
    case Kind::length:
      return "length";
    case Kind::slice:
      return "slice:" + field;
    case Kind::learned:
      return "learned";
    case Kind::verifier:
      break;
  }
  return "verifier";
}

Result<RouteSignal> parse_route_signal(const std::string& text) {
  constexpr std::string_view kSlice = "slice:";
  for (const Kind kind : {Kind::confidence, Kind::length, Kind::learned, Kind::verifier}) {
    if (text == RouteSignal{kind}.name()) return RouteSignal{kind};
  }
  if (text.starts_with(kSlice) && text.size() > kSlice.size())
    return RouteSignal{Kind::slice, text.substr(kSlice.size())};
  return usage_error(fmt::format("requests cannot be routed by '{:.100}'", text),
                     "by confidence, length, slice:FIELD, learned or verifier");
}

Result<RouteScores> score_samples(std::span<const RouteSample> samples, const RouteSignal& signal,
                                  uint64_t seed, int folds) {
  if (samples.empty()) return RouteScores{};
  switch (signal.kind) {
    case Kind::confidence: {
      RouteScores out = apply(samples, confidence_scorer());
      if (any_known(out.cross_fitted)) return out;
      return usage_error("no answer has a confidence",
                         "score choices with --protocol likelihood, or route by length or learned");
    }
    case Kind::length: {
      RouteScores out = apply(samples, length_scorer());
      if (any_known(out.cross_fitted)) return out;
      return usage_error("no answer says how many tokens its prompt has", "route by another signal");
    }
    case Kind::slice: {
      const bool known = std::any_of(samples.begin(), samples.end(), [&](const RouteSample& sample) {
        return sample.facts.slices != nullptr && sample.facts.slices->contains(signal.field);
      });
      if (!known)
        return usage_error(fmt::format("no sample has a slice '{:.100}'", signal.field),
                           "a field that the task lists under slices");
      return cross_fit(samples, seed, folds,
                       [&](const Chosen& chosen) { return fit_slice(chosen, signal.field); });
    }
    case Kind::learned: {
      const Features features(samples);
      return cross_fit(samples, seed, folds, [&](const Chosen& chosen) { return features.fit(chosen); });
    }
    case Kind::verifier:
      break;
  }
  return apply(samples, verifier_scorer());
}

}  // namespace sizeup
