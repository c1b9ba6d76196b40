#include "cli/quant_loss_report.h"

#include <fmt/format.h>

#include <cmath>

#include "cli/table.h"
#include "core/json/json.h"

namespace sizeup::cli {
namespace {

Json finite(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json estimate_to_json(const Estimate& estimate) {
  return {{"value", finite(estimate.value)}, {"lo", finite(estimate.lo)}, {"hi", finite(estimate.hi)}};
}

Json loss_estimate_to_json(const LossEstimate& loss) {
  Json json = estimate_to_json(loss.estimate);
  json["standard_error"] = finite(loss.standard_error);
  json["window_lo"] = finite(loss.by_window.lo);
  json["window_hi"] = finite(loss.by_window.hi);
  return json;
}

Json model_to_json(const LossModel& model) {
  return {{"model", model.name},
          {"reference", model.reference},
          {"architecture", model.architecture},
          {"parameters", model.parameters},
          {"weight_format", model.weight_format},
          {"bytes", model.bytes},
          {"weight_bytes", model.device.weight_bytes},
          {"device", model.device.name},
          {"tier", model.device.tier},
          {"dtype", precision_name(model.device.precision)},
          {"notes", model.device.notes}};
}

std::string digits(const Json& value, double scale, int decimals) {
  return value.is_null() ? "none" : fmt::format("{:.{}f}", scale * value.get<double>(), decimals);
}

std::string range(const Json& lo, const Json& hi, double scale, int decimals) {
  if (lo.is_null() || hi.is_null()) return "none";
  return digits(lo, scale, decimals) + " to " + digits(hi, scale, decimals);
}

std::string model_text(const Json& model) {
  const auto tier = model["tier"].get<std::string>();
  std::string text = fmt::format(
      "{}: {}, {} parameters, weights {}, {} as stored, {} packed\n         device {}{}, products in {}\n",
      model["model"].get<std::string>(), model["architecture"].get<std::string>(),
      count_in_words(model["parameters"].get<int64_t>()), model["weight_format"].get<std::string>(),
      bytes_in_words(model["bytes"].get<int64_t>()), bytes_in_words(model["weight_bytes"].get<int64_t>()),
      model["device"].get<std::string>(), tier.empty() ? "" : " (" + tier + ")",
      model["dtype"].get<std::string>());
  for (const Json& note : model["notes"]) text += "         note: " + note.get<std::string>() + "\n";
  return text;
}

std::string means_text(const Json& report) {
  Table table({"mean over positions", "value", "standard error", "95 % interval", "by window"});
  const auto row = [&](const char* what, const Json& mean, double scale, int decimals) {
    table.add({what, digits(mean["value"], scale, decimals), digits(mean["standard_error"], scale, decimals),
               range(mean["lo"], mean["hi"], scale, decimals),
               range(mean["window_lo"], mean["window_hi"], scale, decimals)});
  };
  row("KL divergence, nats", report["divergence"], 1.0, 6);
  row("same most probable token, %", report["same_top"], 100.0, 2);
  row("ln(perplexity variant / base)", report["log_ratio"], 1.0, 6);
  row("|log-probability difference|", report["absolute"], 1.0, 6);
  return table.to_text();
}

std::string spread_text(const Json& report) {
  Table table({"over positions", "median", "90 %", "95 %", "99 %", "maximum"});
  const Json& divergence = report["divergence"];
  table.add({"KL divergence, nats", digits(divergence["median"], 1.0, 6), digits(divergence["p90"], 1.0, 6),
             digits(divergence["p95"], 1.0, 6), digits(divergence["p99"], 1.0, 6),
             digits(divergence["maximum"], 1.0, 6)});
  table.add({"|log-probability difference|", "", "", "", "", digits(report["absolute"]["maximum"], 1.0, 6)});
  return table.to_text();
}

std::string perplexity_text(const Json& report) {
  Table table({"perplexity", "value", "95 % interval"});
  for (const char* side : {"base", "variant"}) {
    const Json& perplexity = report[side]["perplexity"];
    table.add({side, digits(perplexity["value"], 1.0, 4), range(perplexity["lo"], perplexity["hi"], 1.0, 4)});
  }
  return table.to_text();
}

}  // namespace

Json loss_to_json(const LossConditions& conditions, const QuantisationLoss& loss) {
  Json report = {{"base", model_to_json(conditions.base)},
                 {"variant", model_to_json(conditions.variant)},
                 {"text", conditions.text},
                 {"tokens", conditions.tokens},
                 {"context", conditions.context},
                 {"windows", conditions.windows},
                 {"positions", loss.positions},
                 {"threads", conditions.threads},
                 {"divergence", loss_estimate_to_json(loss.divergence)},
                 {"same_top", loss_estimate_to_json(loss.same_top)},
                 {"log_ratio", loss_estimate_to_json(loss.log_ratio)},
                 {"absolute", loss_estimate_to_json(loss.absolute)}};
  report["base"]["perplexity"] = estimate_to_json(loss.base_perplexity);
  report["variant"]["perplexity"] = estimate_to_json(loss.variant_perplexity);
  Json& divergence = report["divergence"];
  divergence["median"] = finite(loss.divergence_median);
  divergence["p90"] = finite(loss.divergence_p90);
  divergence["p95"] = finite(loss.divergence_p95);
  divergence["p99"] = finite(loss.divergence_p99);
  divergence["maximum"] = finite(loss.divergence_maximum);
  report["absolute"]["maximum"] = finite(loss.absolute_maximum);
  return report;
}

std::string loss_to_text(const Json& report) {
  return fmt::format(
      "base     {}variant  {}text     {}: {} tokens, {} window{} of {}, the second half of each scored: {} "
      "positions; {} thread{}\n\n{}\n{}\n{}\n"
      "The 95 % intervals take positions as independent, as llama.cpp does; \"by window\" takes each window "
      "as one\ncluster, because the positions of a text depend on each other.\n",
      model_text(report["base"]), model_text(report["variant"]), report["text"].get<std::string>(),
      report["tokens"].get<int64_t>(), report["windows"].get<int64_t>(), report["windows"] == 1 ? "" : "s",
      report["context"].get<int>(), report["positions"].get<int64_t>(), report["threads"].get<int>(),
      report["threads"] == 1 ? "" : "s", means_text(report), spread_text(report), perplexity_text(report));
}

}  // namespace sizeup::cli
