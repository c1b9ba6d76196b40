// What models showed, as a recommendation needs it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/decide/recommend.h"
#include "harness/statistics/percentile.h"
#include "reports/format.h"
#include "reports/load/load_parts.h"

namespace sizeup {
namespace {

// A server on this machine is no stranger, whatever protocol it speaks.
bool is_loopback(const std::string& reference) {
  const auto names = [&](const char* host) { return reference.find(host) != std::string::npos; };
  return names("://127.0.0.1") || names("://localhost") || names("://[::1]");
}

Placement placement_of(const ReportModel& model) {
  if (model.backend == "engine" || is_loopback(model.reference)) return Placement::here;
  return model.backend == "answers" || model.backend.empty() ? Placement::unknown : Placement::elsewhere;
}

void add_latency(const ReportData& data, int model, ModelFacts& facts) {
  for (const ReportLatency& latency : data.latency) {
    if (latency.model != model || latency.quantity != "full answer") continue;
    for (const ReportPercentile& percentile : latency.percentiles) {
      if (percentile.percent != 95.0) continue;
      facts.p95_ms = percentile.estimate;
      facts.p95_supported = percentile.supported;
      facts.p95_needed = percentile.needed;
    }
  }
}

ModelFacts describe(const ReportData& data, int index) {
  const ReportModel& model = data.models[static_cast<size_t>(index)];
  ModelFacts facts;
  facts.name = model.name;
  facts.placement = placement_of(model);
  facts.parameters = model.parameters;
  facts.bytes = model.bytes;
  facts.memory_bytes = model.packed_bytes > 0 ? model.packed_bytes : model.bytes;
  for (const ReportLeader& leader : data.leaderboard) {
    if (leader.model == index) facts.accuracy = leader.accuracy;
  }
  for (const ReportCost& cost : data.cost) {
    if (cost.model != index || cost.task >= 0 || !cost.per_1000) continue;
    facts.cost_per_request = *cost.per_1000 / 1000.0;
    facts.currency = cost.currency;
  }
  add_latency(data, index, facts);
  facts.scores.resize(data.tasks.size());
  for (const ReportScore& score : data.scores) {
    if (score.model == index) facts.scores[static_cast<size_t>(score.task)] = score.headline;
  }
  return facts;
}

}  // namespace

Candidates candidates_of(const RunContent& content, const ReportData& data, const std::vector<int>& models,
                         int best) {
  Candidates out;
  out.best = best;
  for (const ReportTask& task : data.tasks)
    out.tasks.push_back({task.name, task.metric, task.pair_metric, task.share, task.margin});
  const double confidence = comparison_confidence(models.size());
  for (const int model : models) {
    ModelFacts facts = describe(data, model);
    for (size_t task = 0; task < data.tasks.size(); ++task) {
      const PairedScores scores = paired_scores(content, task, model, models[static_cast<size_t>(best)]);
      facts.against_best.push_back(paired_difference(scores.pairs, confidence));
    }
    out.models.push_back(std::move(facts));
  }
  return out;
}

std::optional<ModelFacts> small_first_facts(const ReportData& data, const Candidates& pair) {
  if (!data.routing || data.routing->left_out > 0 || pair.models.size() != 2) return std::nullopt;
  const ReportRouting& routing = *data.routing;
  const RoutePoint* point = routing.point();
  if (point == nullptr) return std::nullopt;
  const ModelFacts& small = pair.models.front();
  const ModelFacts& large = pair.models.back();
  ModelFacts facts;
  facts.name = fmt::format("small first, {} sent on", format_percent(point->share, 0));
  facts.accuracy = point->accuracy;
  facts.scores.resize(data.tasks.size());
  facts.against_best.resize(data.tasks.size());
  for (const ReportRouting::Task& task : routing.by_task) {
    const auto index = static_cast<size_t>(task.task);
    facts.against_best[index] = task.against_large;
    if (data.tasks[index].metric == data.tasks[index].pair_metric) facts.scores[index] = task.accuracy;
  }
  if (std::isfinite(point->cost)) facts.cost_per_request = point->cost;
  facts.currency = routing.currency;
  facts.p95_ms = routing.p95_ms;
  facts.p95_supported = enough_queries(routing.p95_ms.n, 95.0);
  facts.p95_needed = minimum_queries(95.0);
  // Both are kept in memory, where they are computed here; texts leave this machine with either.
  for (const ModelFacts* model : {&small, &large}) {
    if (model->placement == Placement::here) facts.memory_bytes += model->memory_bytes;
  }
  const bool elsewhere = small.placement == Placement::elsewhere || large.placement == Placement::elsewhere;
  facts.placement = small.placement == large.placement ? small.placement
                    : elsewhere                        ? Placement::elsewhere
                                                       : Placement::unknown;
  return facts;
}

}  // namespace sizeup
