
#include "core/json/json.h"
#include "core/json/number.h"
#include "reports/json/estimate_json.h"
#include "reports/recommendation.h"

namespace sizeup {
namespace {

Json count(int64_t value) {
  return value > 0 ? Json(value) : Json(nullptr);
}

Json judged_json(const RequirementsReport& report, const ModelFacts& model, const Judged& judged) {
  const std::string& best = report.candidates.models[static_cast<size_t>(report.candidates.best)].name;
  const RequirementWords words = requirement_words(report, judged, best);
  Json out = estimate_json(judged.found);
  out["text"] = words.text;
  out["limit"] = words.limit;
  out["task"] =
      judged.task < 0 ? Json(nullptr) : Json(report.candidates.tasks[static_cast<size_t>(judged.task)].name);
  out["verdict"] = std::string(fit_class(judged.fit));
  out["found"] = found_words(report, model, judged);
  out["more"] = judged.more ? Json(*judged.more) : Json(nullptr);
  return out;
}

Json model_json(const RequirementsReport& report, size_t index) {
  const ModelFacts& model = report.candidates.models[index];
  const ModelJudgement& judgement = report.result.models[index];
  Json out = Json::object();
  out["name"] = model.name;
  out["verdict"] = std::string(fit_class(judgement.overall));
  out["unbeaten"] = judgement.unbeaten;
  out["parameters"] = count(model.parameters);
  out["bytes"] = count(model.bytes);
  out["memory_bytes"] = count(model.memory_bytes);
  out["accuracy"] = estimate_json(model.accuracy);
  out["cost_per_1000"] = model.cost_per_request ? number(1000.0 * *model.cost_per_request) : Json(nullptr);
  out["currency"] = model.currency.empty() ? Json(nullptr) : Json(model.currency);
  out["p95_ms"] = model.p95_supported ? number(model.p95_ms.value) : Json(nullptr);
  out["requirements"] = Json::array();
  for (const Judged& judged : judgement.requirements)
    out["requirements"].push_back(judged_json(report, model, judged));
  return out;
}

Json name_or_null(const RequirementsReport& report, int model) {
  return model < 0 ? Json(nullptr) : Json(report.candidates.models[static_cast<size_t>(model)].name);
}

}  // namespace

Json to_json(const RequirementsReport& report) {
  Json out = Json::object();
  out["schema"] = "sizeup.recommend/1";
  out["runs"] = report.runs;
  out["best"] = name_or_null(report, report.candidates.best);
  out["take"] = name_or_null(report, report.result.chosen);
  out["smallest"] = name_or_null(report, report.result.smallest);
  out["cheapest"] = name_or_null(report, report.result.cheapest);
  out["fastest"] = name_or_null(report, report.result.fastest);
  out["sentences"] = recommendation_sentences(report);
  out["models"] = Json::array();
  for (size_t i = 0; i < report.candidates.models.size(); ++i) out["models"].push_back(model_json(report, i));
  return out;
}

}  // namespace sizeup
