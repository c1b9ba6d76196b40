#include <cmath>
#include <utility>

#include "core/io/file.h"
#include "core/json/json.h"
#include "core/json/number.h"
#include "reports/format.h"
#include "reports/glossary.h"
#include "reports/json/calibration_json.h"
#include "reports/json/judging_json.h"
#include "reports/json/robustness_json.h"
#include "reports/ladder_text.h"
#include "reports/recommendation.h"
#include "reports/report.h"
#include "reports/samples_index.h"

namespace sizeup {
namespace {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

const std::string& model_name(const ReportData& data, int model) {
  return data.models[static_cast<size_t>(model)].name;
}

Json task_or_null(const ReportData& data, int task) {
  return task < 0 ? Json(nullptr) : Json(data.tasks[static_cast<size_t>(task)].name);
}

Json model_json(const ReportModel& model) {
  Json out = Json::object();
  out["name"] = model.name;
  out["ref"] = model.reference;
  out["fingerprint"] = model.fingerprint;
  out["architecture"] = model.architecture;
  out["parameters"] = model.parameters > 0 ? Json(model.parameters) : Json(nullptr);
  out["bytes"] = model.bytes > 0 ? Json(model.bytes) : Json(nullptr);
  out["packed_bytes"] = model.packed_bytes > 0 ? Json(model.packed_bytes) : Json(nullptr);
  out["context"] = model.context_length > 0 ? Json(model.context_length) : Json(nullptr);
  out["format"] = model.weight_format;
  out["backend"] = model.backend;
  out["device"] = model.device;
  out["tier"] = model.tier;
  out["precision"] = model.precision;
  out["notes"] = model.notes;
  return out;
}

Json models_json(const ReportData& data) {
  Json out = Json::object();
  out["small"] = model_json(data.small());
  out["large"] = data.is_pair() ? model_json(data.large()) : Json(nullptr);
  out["others"] = Json::array();
  for (size_t i = 0; i < data.models.size(); ++i) {
    const int model = static_cast<int>(i);
    if (model != data.candidate && model != data.baseline)
      out["others"].push_back(model_json(data.models[i]));
  }
  return out;
}

Json run_json(const ReportData& data) {
  Json out = Json::object();
  out["id"] = data.run.name;
  out["created"] = data.run.created;
  out["finished"] = text_or_null(data.run.finished);
  out["protocol"] = data.run.protocol;
  out["samples"] = data.samples.size();
  return out;
}

Json tasks_json(const ReportData& data) {
  Json out = Json::array();
  for (const ReportTask& task : data.tasks) {
    Json entry = Json::object();
    entry["id"] = task.name;
    entry["name"] = task.name;
    entry["description"] = task.description;
    entry["n"] = task.n;
    entry["metric"] = task.metric;
    entry["pair_metric"] = text_or_null(task.pair_metric);
    entry["margin"] = task.margin;
    out.push_back(std::move(entry));
  }
  return out;
}

Json difference_json(const ReportData& data, const ReportDifference& difference) {
  const PairedDifference& d = difference.result.difference;
  Json out = Json::object();
  out["task"] = task_or_null(data, difference.task);
  out["n"] = d.n;
  out["win"] = d.wins;
  out["loss"] = d.losses;
  out["tie"] = d.ties;
  out["small"] = number(difference.candidate);
  out["large"] = number(difference.baseline);
  out["diff"] = number(d.difference);
  out["lo"] = number(d.lo);
  out["hi"] = number(d.hi);
  out["p"] = number(d.p);
  out["holm"] = number(difference.holm_p);
  out["margin"] = difference.result.margin;
  out["verdict"] = std::string(verdict_class(difference.result.verdict));
  out["more"] = difference.result.more ? Json(*difference.result.more) : Json(nullptr);
  out["retention"] = Json{{"value", number(difference.kept.value)},
                          {"lo", number(difference.kept.bootstrap.lo)},
                          {"hi", number(difference.kept.bootstrap.hi)}};
  out["method"] = d.method;
  return out;
}

Json slices_json(const ReportData& data) {
  Json rows = Json::array();
  for (const ReportDifference& slice : data.slices) {
    const PairedDifference& d = slice.result.difference;
    rows.push_back(Json::array({data.tasks[static_cast<size_t>(slice.task)].name, slice.slice_field,
                                slice.slice_value, d.n, d.wins, d.losses, number(slice.candidate),
                                number(slice.baseline), number(d.difference), number(d.lo), number(d.hi),
                                number(slice.widened.lo), number(slice.widened.hi)}));
  }
  Json out = Json::object();
  out["fields"] = {"task",  "field", "value", "n",  "win",     "loss",   "small",
                   "large", "diff",  "lo",    "hi", "wide_lo", "wide_hi"};
  out["rows"] = std::move(rows);
  return out;
}

Json groups_json(const ReportData& data) {
  Json out = Json::array();
  for (const ReportGroup& group : data.groups) {
    out.push_back(Json{{"model", model_name(data, group.model)},
                       {"group", group.name},
                       {"tasks", group.tasks},
                       {"metric", group.metric},
                       {"value", number(group.estimate.value)},
                       {"lo", number(group.estimate.lo)},
                       {"hi", number(group.estimate.hi)},
                       {"n", group.estimate.n}});
  }
  return out;
}

Json leaderboard_json(const ReportData& data) {
  Json out = Json::array();
  for (const ReportLeader& leader : data.leaderboard) {
    Json entry = Json::object();
    entry["model"] = model_name(data, leader.model);
    entry["accuracy"] = number(leader.accuracy.value);
    entry["interval"] = Json::array({number(leader.accuracy.lo), number(leader.accuracy.hi)});
    entry["n"] = leader.accuracy.n;
    entry["unusable"] = number(leader.unusable);
    entry["cost_per_1000"] = number(leader.cost_per_1000);
    entry["p50_s"] = number(leader.p50_ms.value / 1000.0);
    entry["p95_s"] = number(leader.p95_ms.value / 1000.0);
    out.push_back(std::move(entry));
  }
  return out;
}

Json results_json(const ReportData& data) {
  Json out = Json::array();
  for (const ReportScore& score : data.scores) {
    for (const auto& [metric, estimate] : score.metrics) {
      Json entry = Json::object();
      entry["model"] = model_name(data, score.model);
      entry["task"] = data.tasks[static_cast<size_t>(score.task)].name;
      entry["metric"] = metric;
      entry["value"] = number(estimate.value);
      entry["lo"] = number(estimate.lo);
      entry["hi"] = number(estimate.hi);
      entry["n"] = estimate.n;
      out.push_back(std::move(entry));
    }
  }
  return out;
}

Json hallucination_json(const ReportData& data) {
  Json out = Json::array();
  for (const ReportHallucination& kind : data.hallucination) {
    const auto count = [&](int model) {
      const HallucinationCount& c = kind.models[static_cast<size_t>(model)];
      return Json::array({c.count, c.of});
    };
    Json entry = Json::object();
    entry["kind"] = kind.kind;
    entry["task"] = data.tasks[static_cast<size_t>(kind.task)].name;
    entry["unit"] = kind.unit;
    entry["small"] = count(data.candidate);
    entry["large"] = data.is_pair() ? count(data.baseline) : Json(nullptr);
    out.push_back(std::move(entry));
  }
  return out;
}

Json latency_json(const ReportData& data) {
  Json rows = Json::array();
  for (const ReportLatency& latency : data.latency) {
    Json entry = Json::object();
    entry["model"] = model_name(data, latency.model);
    entry["quantity"] = latency.quantity;
    entry["n"] = latency.n;
    entry["percentiles"] = Json::array();
    for (const ReportPercentile& percentile : latency.percentiles) {
      Json one = Json::object();
      one["percent"] = percentile.percent;
      one["value"] = percentile.supported ? number(percentile.estimate.value) : Json(nullptr);
      one["lo"] = percentile.supported ? number(percentile.estimate.lo) : Json(nullptr);
      one["hi"] = percentile.supported ? number(percentile.estimate.hi) : Json(nullptr);
      one["needed"] = percentile.needed;
      entry["percentiles"].push_back(std::move(one));
    }
    rows.push_back(std::move(entry));
  }
  Json load = Json::array();
  for (const ReportLoad& one : data.load) {
    load.push_back({{"model", model_name(data, one.model)},
                    {"task", data.tasks[static_cast<size_t>(one.task)].name},
                    {"requests", one.requests},
                    {"requests_per_second", number(one.requests_per_second)},
                    {"goodput", one.goodput ? number(*one.goodput) : Json(nullptr)},
                    {"correct_goodput", one.correct_goodput ? number(*one.correct_goodput) : Json(nullptr)}});
  }
  Json over_time = Json::array();
  for (const ReportTimeSeries& series : data.latency_over_time) {
    Json stretches = Json::array();
    for (const ReportStretch& stretch : series.stretches) {
      stretches.push_back({{"seconds", number(stretch.seconds)},
                           {"n", stretch.n},
                           {"p50", number(stretch.p50_ms)},
                           {"p90", number(stretch.p90_ms)}});
    }
    over_time.push_back({{"model", model_name(data, series.model)}, {"stretches", std::move(stretches)}});
  }
  std::string unit = "ms, 95 % interval";
  if (!data.latency_scenario.empty()) unit += ", scenario " + data.latency_scenario;
  return Json{{"unit", std::move(unit)},
              {"rows", std::move(rows)},
              {"load", std::move(load)},
              {"over_time", std::move(over_time)}};
}

Json with_ends(const Estimate& estimate) {
  return {{"value", number(estimate.value)}, {"lo", number(estimate.lo)}, {"hi", number(estimate.hi)}};
}

// Cost by volume: an endpoint has a price per request, machines cost by the month.
void add_volume_cost(const ReportCost& cost, Json& entry) {
  const StepLine line = cost.by_volume->by_volume();
  const std::optional<double> capacity = cost.by_volume->capacity();
  entry["per_request"] = with_ends(cost.per_request);
  entry["per_million_tokens"] = number(cost.per_million_tokens);
  entry["capacity_per_month"] = number(capacity);
  entry["machine_per_month"] = capacity ? number(line.step) : Json(nullptr);
  entry["endpoint_per_request"] = capacity ? Json(nullptr) : number(line.slope);
  entry["fixed_per_month"] = number(line.fixed);
}

// `at` null: `cheaper` is the cheaper one at once, or for good. An interval's end beyond all numbers is
// "never".
Json break_even_json(const BreakEven& found) {
  const auto name = [](Cheaper side) {
    if (side == Cheaper::neither) return Json(nullptr);
    return Json(side == Cheaper::candidate ? "small" : "large");
  };
  const auto end = [](double value) { return std::isinf(value) ? Json("never") : number(value); };
  return Json{{"cheaper", name(found.crossing.above)},
              {"below", name(found.crossing.below)},
              {"at", number(found.crossing.at)},
              {"lo", end(found.lo)},
              {"hi", end(found.hi)}};
}

void add_break_even(const ReportData& data, Json& out) {
  const ReportPairCost& pair = *data.pair_cost;
  out["currency"] = pair.currency;
  out["volume"] = number(pair.volume);
  if (pair.volume) {
    for (const ReportCost& cost : data.cost) {
      if (cost.task >= 0 || !cost.by_volume) continue;
      const double month = cost.by_volume->per_month(*pair.volume);
      out["at_volume"].push_back(Json{{"model", model_name(data, cost.model)},
                                      {"per_month", number(month)},
                                      {"per_year", number(12.0 * month)},
                                      {"machines", cost.by_volume->machines(*pair.volume)}});
    }
  }
  out["break_even_volume"] = break_even_json(pair.by_volume);
  if (pair.by_month) out["break_even_month"] = break_even_json(*pair.by_month);
  out["sentences"] = break_even_sentences(data);
  out["assumptions"] = Json::array();
  for (const ReportAssumption& one : pair.assumptions) {
    out["assumptions"].push_back(
        Json{{"model", one.model < 0 ? Json(nullptr) : Json(model_name(data, one.model))},
             {"what", one.what},
             {"value", one.value},
             {"from", one.from}});
  }
}

Json rate_json(const Estimate& rate) {
  return Json{{"value", number(rate.value)}, {"lo", number(rate.lo)}, {"hi", number(rate.hi)}, {"n", rate.n}};
}

Json rung_difference_json(const ReportData& data, const ReportDifference& difference) {
  const PairedDifference& d = difference.result.difference;
  return Json{{"task", task_or_null(data, difference.task)},
              {"n", d.n},
              {"win", d.wins},
              {"loss", d.losses},
              {"tie", d.ties},
              {"rung", number(difference.candidate)},
              {"base", number(difference.baseline)},
              {"diff", number(d.difference)},
              {"lo", number(d.lo)},
              {"hi", number(d.hi)},
              {"wide_lo", number(difference.widened.lo)},
              {"wide_hi", number(difference.widened.hi)},
              {"p", number(d.p)},
              {"margin", difference.result.margin},
              {"verdict", std::string(verdict_class(ladder_verdict(data, difference)))},
              {"method", d.method}};
}

Json rung_json(const ReportData& data, const ReportLadder& ladder, const ReportRung& rung) {
  const ReportModel& model = data.models[static_cast<size_t>(rung.model)];
  Json out = Json::object();
  out["model"] = model.name;
  out["label"] = rung_label(data, ladder, rung);
  out["format"] = model.weight_format;
  out["precision"] = model.precision;
  out["bits_per_weight"] = number(bits_per_weight(model));
  out["bytes"] = model.bytes > 0 ? Json(model.bytes) : Json(nullptr);
  out["packed_bytes"] = model.packed_bytes > 0 ? Json(model.packed_bytes) : Json(nullptr);
  out["accuracy"] = number(rung.accuracy.value);
  out["interval"] = Json::array({number(rung.accuracy.lo), number(rung.accuracy.hi)});
  out["prompt_tokens_s"] = rate_json(rung.prompt_rate);
  out["generated_tokens_s"] = rate_json(rung.generation_rate);
  out["offline_tokens_s"] = number(rung.offline_rate);
  out["cost_per_1000"] = number(rung.cost_per_1000);
  out["differences"] = Json::array();
  for (const ReportDifference& difference : rung.differences) {
    out["differences"].push_back(rung_difference_json(data, difference));
  }
  return out;
}

Json ladders_json(const ReportData& data) {
  Json out = Json::array();
  for (const ReportLadder& ladder : data.ladders) {
    Json rungs = Json::array();
    for (const ReportRung& rung : ladder.rungs) rungs.push_back(rung_json(data, ladder, rung));
    out.push_back(Json{{"same_weights_because", ladder.reason},
                       {"finding", ladder_sentence(data, ladder)},
                       {"comparisons", ladder.comparisons},
                       {"confidence", ladder.confidence},
                       {"first_loss", ladder.first_loss < 0 ? Json(nullptr) : Json(ladder.first_loss)},
                       {"rungs", std::move(rungs)}});
  }
  return out;
}

Json history_json(const ReportData& data) {
  Json out = Json::array();
  for (const ReportHistory& history : data.history) {
    Json points = Json::array();
    for (const ReportHistory::Point& point : history.points) {
      points.push_back(Json{{"run", point.run},
                            {"created", point.created},
                            {"fingerprint", point.fingerprint},
                            {"other_weights", point.other_weights},
                            {"value", number(point.estimate.value)},
                            {"lo", number(point.estimate.lo)},
                            {"hi", number(point.estimate.hi)},
                            {"n", point.estimate.n}});
    }
    const ReportTask& task = data.tasks[static_cast<size_t>(history.task)];
    out.push_back(Json{{"task", task.name},
                       {"model", model_name(data, history.model)},
                       {"metric", task.metric},
                       {"points", std::move(points)}});
  }
  return out;
}

// Rows as the page has them.
Json requirements_json(const RequirementsReport& report) {
  Json out = Json::array();
  const std::vector<ModelJudgement>& models = report.result.models;
  const auto cell = [&](size_t model, size_t row) {
    const Judged& judged = models[model].requirements[row];
    return Json::array(
        {std::string(fit_class(judged.fit)), found_words(report, report.candidates.models[model], judged)});
  };
  for (size_t row = 0; row < models.front().requirements.size(); ++row) {
    const Judged& judged = models.front().requirements[row];
    const RequirementWords words = requirement_words(report, judged, "large");
    out.push_back(Json{{"text", words.text},
                       {"limit", words.limit},
                       {"small", cell(0, row)},
                       {"small_first", models.size() > 2 ? cell(1, row) : Json(nullptr)},
                       {"large", models.size() > 1 ? cell(models.size() - 1, row) : Json(nullptr)},
                       {"value", number(judged.found.value)},
                       {"lo", number(judged.found.lo)},
                       {"hi", number(judged.found.hi)},
                       {"n", judged.found.n}});
  }
  return out;
}

Json method_json(const ReportData& data) {
  Json out = Json::object();
  out["program"] = data.run.program;
  out["now"] = data.run.now;
  out["seed"] = data.run.seed;
  out["machine"] = Json::object();
  for (const auto& [name, value] : data.run.machine) out["machine"][name] = value;
  out["tasks"] = Json::array();
  for (const ReportTask& task : data.tasks) {
    out["tasks"].push_back(Json{{"id", task.name},
                                {"version", task.version},
                                {"definition", task.definition_hash},
                                {"data", task.data_hash},
                                {"output_type", task.output_type},
                                {"protocol", task.protocol},
                                {"num_fewshot", task.num_fewshot ? Json(*task.num_fewshot) : Json(nullptr)},
                                {"chat_template", task.chat_template}});
  }
  out["work"] = Json::array();
  for (const ReportWork& work : data.work) {
    out["work"].push_back(Json{{"model", model_name(data, work.model)},
                               {"scenario", work.scenario},
                               {"tokens_asked", work.tokens_asked},
                               {"tokens_unique", work.tokens_unique},
                               {"tokens_computed", work.tokens_computed},
                               {"tokens_recomputed", work.tokens_recomputed},
                               {"tokens_generated", work.tokens_generated},
                               {"tokens_drafted", work.tokens_drafted},
                               {"tokens_accepted", work.tokens_accepted},
                               {"accepted_per_step", number(work.accepted_per_step())},
                               {"wall_ms", number(work.wall_ms)}});
  }
  out["answers"] = Json::array();
  for (const ReportScore& score : data.scores) {
    out["answers"].push_back(Json{{"model", model_name(data, score.model)},
                                  {"task", data.tasks[static_cast<size_t>(score.task)].name},
                                  {"scenario", score.scenario},
                                  {"planned", score.planned},
                                  {"answered", score.answered},
                                  {"no_answer", score.no_answer},
                                  {"invalid", score.invalid},
                                  {"truncated", score.truncated},
                                  {"errors", score.errors}});
  }
  out["repaired_texts"] = data.repaired_texts;
  out["redacted"] = data.redacted;
  return out;
}

}  // namespace

Json cost_to_json(const ReportData& data) {
  Json rows = Json::array();
  for (const ReportCost& cost : data.cost) {
    Json entry = Json::object();
    entry["model"] = model_name(data, cost.model);
    entry["task"] = task_or_null(data, cost.task);
    entry["currency"] = text_or_null(cost.currency);
    entry["per_1000"] = number(cost.per_1000);
    entry["per_1000_correct"] = number(cost.per_1000_correct);
    entry["total"] = number(cost.total);
    entry["basis"] = cost.basis;
    if (!cost.measured.empty()) entry["measured"] = cost.measured;
    if (cost.by_volume) add_volume_cost(cost, entry);
    if (std::isfinite(cost.per_month.value)) entry["per_month"] = with_ends(cost.per_month);
    rows.push_back(std::move(entry));
  }
  Json out{{"rows", std::move(rows)}};
  out["energy"] = Json::array();
  for (const ReportEnergy& energy : data.energy) {
    out["energy"].push_back(Json{{"model", model_name(data, energy.model)},
                                 {"joules_per_token", number(energy.joules_per_token)},
                                 {"joules_per_request", number(energy.joules_per_request)},
                                 {"joules_per_correct", number(energy.joules_per_correct)},
                                 {"co2_grams_per_1000", number(energy.grams_per_1000)}});
  }
  if (data.pair_cost) add_break_even(data, out);
  return out;
}

Json to_json(const ReportData& data) {
  Json out = Json::object();
  out["schema"] = "sizeup.report/1";
  out["run"] = run_json(data);
  out["models"] = models_json(data);
  out["tasks"] = tasks_json(data);
  out["differences"] = Json::array();
  for (const ReportDifference& difference : data.differences)
    out["differences"].push_back(difference_json(data, difference));
  out["overall"] = data.overall ? difference_json(data, *data.overall) : Json(nullptr);
  out["verdict"] = verdict_sentence(data);
  if (data.judging) out["judging"] = judging_json(data.judging->judging, data.judging->summary);
  if (data.requirements) out["requirements"] = requirements_json(*data.requirements);
  out["leaderboard"] = leaderboard_json(data);
  if (!data.groups.empty()) out["groups"] = groups_json(data);
  out["results"] = results_json(data);
  out["slices"] = slices_json(data);
  if (Json robustness = robustness_json(data); !robustness.empty()) out["robustness"] = std::move(robustness);
  out["hallucination"] = hallucination_json(data);
  if (!data.calibration.empty()) out["calibration"] = calibration_json(data);
  if (data.routing) out["routing"] = routing_to_json(data);
  out["latency"] = latency_json(data);
  out["cost"] = cost_to_json(data);
  if (!data.ladders.empty()) out["ladders"] = ladders_json(data);
  if (!data.history.empty()) out["history"] = history_json(data);
  out["method"] = method_json(data);
  out["glossary"] = Json::object();
  for (const GlossaryEntry& entry : kGlossary)
    out["glossary"][std::string(entry.word)] = std::string(entry.meaning);
  out["samples"] = data.samples.empty() ? Json(nullptr) : samples_header(data);
  return out;
}

Result<void> write_json(const ReportData& data, const std::filesystem::path& path) {
  return write_file(path, to_json(data).dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace sizeup
