#include <cmath>

#include "core/json/json.h"
#include "core/json/number.h"
#include "reports/report.h"

namespace sizeup {
namespace {

Json frontier_json(const ReportRouting& routing) {
  Json out = Json::object();
  const auto column = [&](const char* name, const auto& value) {
    Json& list = out[name] = Json::array();
    for (const RoutePoint& point : routing.frontier.points) list.push_back(value(point));
  };
  column("share", [](const RoutePoint& p) { return short_number(p.share); });
  column("threshold", [](const RoutePoint& p) { return short_number(p.threshold); });
  column("accuracy", [](const RoutePoint& p) { return short_number(p.accuracy.value); });
  column("lo", [](const RoutePoint& p) { return short_number(p.accuracy.lo); });
  column("hi", [](const RoutePoint& p) { return short_number(p.accuracy.hi); });
  column("cost_per_1000", [](const RoutePoint& p) { return short_number(1000.0 * p.cost); });
  column("p95_ms", [](const RoutePoint& p) { return number(std::round(p.p95_ms)); });
  return out;
}

Json ends(const Estimate& estimate, double scale = 1.0) {
  return {short_number(scale * estimate.lo), short_number(scale * estimate.hi)};
}

}  // namespace

Json routing_to_json(const ReportData& data) {
  const ReportRouting& routing = *data.routing;
  Json out = Json::object();
  out["signal"] = routing.signal;
  out["confidence"] = routing.kind.empty() ? Json(nullptr) : Json(routing.kind);
  out["tasks"] = Json::array();
  for (const int task : routing.tasks) out["tasks"].push_back(data.tasks[static_cast<size_t>(task)].name);
  out["n"] = routing.n;
  out["left_out"] = routing.left_out;
  out["margin"] = routing.margin;
  out["recommended"] = routing.chosen ? Json(*routing.chosen) : Json(nullptr);
  out["asked_for"] = routing.asked_for;
  out["threshold"] = routing.chosen ? number(routing.point()->threshold) : Json(nullptr);
  out["kept"] = number(routing.kept.value);
  out["kept_interval"] = {short_number(routing.kept.bootstrap.lo), short_number(routing.kept.bootstrap.hi)};
  out["apgr"] = number(routing.apgr.value);
  out["apgr_interval"] = ends(routing.apgr);
  for (const auto& [name, share] : {std::pair{"share_for_half", &routing.share_for_half},
                                    std::pair{"share_for_80", &routing.share_for_80}}) {
    out[name] = short_number(share->value);
    if (share->has_interval()) out[std::string(name) + "_interval"] = ends(*share);
  }
  out["share_interval"] = ends(routing.share);
  out["saving_per_1000_interval"] = ends(routing.saving, 1000.0);
  out["small"] = number(routing.frontier.small);
  out["large"] = number(routing.frontier.large);
  out["currency"] = routing.currency;
  out["large_cost_per_1000"] = number(1000.0 * routing.large_cost);
  out["send_on_if"] = Json::array();
  for (const size_t rejection : routing.rejections)
    out["send_on_if"].push_back(std::string(kRejections[rejection]));
  out["weights"] = Json::object();
  for (const auto& [feature, weight] : routing.scorer.weights) out["weights"][feature.name()] = weight;
  out["finding"] = routing_finding(data);
  out["frontier"] = frontier_json(routing);
  return out;
}

}  // namespace sizeup
