#include "harness/decide/route_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "core/json/json.h"
#include "harness/decide/evidence.h"
#include "harness/decide/pairs.h"
#include "harness/statistics/clusters.h"
#include "harness/statistics/prediction.h"
#include "harness/store/read.h"

namespace sizeup {
namespace {

Estimate estimate_of(const RouteEstimate& plain, int64_t n) {
  return {plain.value, plain.lo, plain.hi, n};
}

CheckedPrediction checked(const RouteEstimate& predicted, int64_t fitted, const std::vector<double>& values,
                          const std::vector<int64_t>& documents) {
  CheckedPrediction out;
  out.predicted = estimate_of(predicted, fitted);
  out.observed = estimate_over(values, documents);
  out.range = prediction_interval(out.predicted, out.observed);
  return out;
}

std::string policy_of(const ModelRow& model) {
  const Result<Json> card = parse_json(model.card, model.name);
  if (!card || !card->is_object()) return {};
  const auto policy = card->find("policy");
  return policy != card->end() && policy->is_string() ? policy->get<std::string>() : std::string();
}

class RunOfRouter {
 public:
  RunOfRouter(const Store& store, const RoutePolicy& policy) : store_(store), policy_(policy) {}

  Result<void> add(const EvidenceTask& task) {
    const bool of_policy = policy_.tasks.empty() || std::find(policy_.tasks.begin(), policy_.tasks.end(),
                                                              task.name) != policy_.tasks.end();
    if (!of_policy) {
      other_ += static_cast<int64_t>(task.samples.size());
      return {};
    }
    Result<std::vector<AnswerRow>> answers = read_answers(store_, task.evaluation_id, Texts::leave_out);
    if (!answers) return forward_error(answers);
    std::unordered_map<int64_t, const AnswerRow*> answer_of;
    for (const AnswerRow& answer : *answers) answer_of[answer.sample_id] = &answer;
    for (const EvidenceSample& sample : task.samples) {
      const auto found = answer_of.find(sample.sample_id);
      if (found == answer_of.end() || !add(sample, *found->second)) ++unknown_;
    }
    return {};
  }

  RouteCheck check() const {
    RouteCheck out = check_prediction(policy_, samples_);
    out.other = other_;
    out.unknown = unknown_;
    return out;
  }

 private:
  bool add(const EvidenceSample& sample, const AnswerRow& answer) {
    const auto sent_on = answer.details.find(kSentOn);
    const auto fitted = answer.details.find(kFitted);
    if (sent_on == answer.details.end() || fitted == answer.details.end() || std::isnan(sample.score))
      return false;
    const std::string& ways = sent_on->second;
    const bool known = !ways.empty() && ways.find_first_not_of("01") == std::string::npos;
    if (!known || (fitted->second != "0" && fitted->second != "1")) return false;
    const auto on = static_cast<double>(std::count(ways.begin(), ways.end(), '1'));
    samples_.push_back({sample.score, on / static_cast<double>(ways.size()), fitted->second == "1",
                        documents_.number_of(sample.document_hash)});
    return true;
  }

  const Store& store_;
  const RoutePolicy& policy_;
  DocumentNumbers documents_;
  std::vector<RouterSample> samples_;
  int64_t other_ = 0;
  int64_t unknown_ = 0;
};

}  // namespace

RouteCheck check_prediction(const RoutePolicy& policy, const std::vector<RouterSample>& samples) {
  RouteCheck out;
  std::vector<double> scores;
  std::vector<double> sent_on;
  std::vector<int64_t> documents;
  for (const RouterSample& sample : samples) {
    ++(sample.fitted ? out.fitted : out.fresh);
    if (sample.fitted) continue;
    scores.push_back(sample.score);
    sent_on.push_back(sample.sent_on);
    documents.push_back(sample.document);
  }
  const RouteExpectation& expected = policy.expected;
  out.accuracy = checked(expected.accuracy, expected.samples, scores, documents);
  out.share = checked(expected.share, expected.samples, sent_on, documents);
  out.currency = expected.currency;
  out.expected_cost = expected.cost.value;
  const double small_cost = expected.cost.value - expected.share.value * expected.large_cost;
  out.cost = small_cost + out.share.observed.value * expected.large_cost;
  return out;
}

Result<std::vector<RouteCheck>> check_routers(const Store& store, const std::string& run) {
  Result<RunRow> row = find_run(store, run);
  if (!row) return forward_error(row);
  Result<std::vector<EvaluationRow>> evaluations = read_evaluations(store, row->id);
  if (!evaluations) return forward_error(evaluations);
  std::vector<RouteCheck> out;
  std::set<std::string> seen;
  for (const EvaluationRow& evaluation : *evaluations) {
    if (!evaluation.finished_at || evaluation.scenario != "offline") continue;
    const std::string text = policy_of(evaluation.model);
    if (text.empty() || !seen.insert(evaluation.model.name).second) continue;
    Result<RoutePolicy> policy = parse_route_policy(text, evaluation.model.name);
    if (!policy) return forward_error(policy);
    Result<Evidence> evidence = load_evidence(store, row->name + ":" + evaluation.model.name);
    if (!evidence) return forward_error(evidence);
    RunOfRouter router(store, *policy);
    for (const EvidenceTask& task : evidence->tasks) {
      if (Result<void> added = router.add(task); !added) return forward_error(added);
    }
    out.push_back(router.check());
    out.back().model = evaluation.model.name;
  }
  return out;
}

}  // namespace sizeup
