#include "cli/bench_report.h"

#include <fmt/format.h>

#include "cli/machine_limits.h"
#include "cli/table.h"
#include "core/json/json.h"

namespace sizeup::cli {
namespace {

constexpr double kGiga = 1e9;

// Shares of the machine's limits; null where a limit is not known.
class Shares {
 public:
  Shares(const MachineLimits& limits, const BenchConditions& conditions) {
    const DeviceTraits& device = conditions.device;
    const ArithmeticLimit* peak =
        arithmetic_limit(limits, device.tier, precision_name(device.precision), conditions.threads);
    if (peak != nullptr) peak_ = peak->rate.median;
    const ReadLimit* read = read_limit(limits, conditions.threads);
    if (read != nullptr) read_ = read->rate.median;
  }
  Json of_peak(double flop_per_second) const { return share(flop_per_second, peak_); }
  Json of_read(double bytes_per_second) const { return share(bytes_per_second, read_); }

 private:
  static Json share(double value, double limit) { return limit > 0.0 ? Json(value / limit) : Json(nullptr); }

  double peak_ = 0.0;
  double read_ = 0.0;
};

void put_spread(Json& object, std::string_view name, const Spread& spread) {
  object[std::string(name)] = {{"median", spread.median},
                               {"least", spread.least},
                               {"most", spread.most},
                               {"repetitions", spread.count}};
}

Json prompt_to_json(const PromptSpeed& speed, const Shares& shares) {
  const double flop_per_second = speed.tokens_per_second.median * speed.flop_per_token;
  Json json = {{"step_tokens", speed.step_rows}, {"prompts", speed.prompts}, {"prompt_tokens", speed.prompt}};
  put_spread(json, "tokens_per_second", speed.tokens_per_second);
  json["flop_per_token"] = speed.flop_per_token;
  json["gflop_per_second"] = flop_per_second / kGiga;
  json["share_of_peak"] = shares.of_peak(flop_per_second);
  return json;
}

// `step_bytes`: the weights that a step reads, as the device stores them.
Json generation_to_json(const GenerationSpeed& speed, double step_bytes, const Shares& shares) {
  const double flop_per_second = speed.tokens_per_second.median * speed.flop_per_token;
  const double bytes_per_second = speed.tokens_per_second.median / speed.streams * step_bytes;
  Json json = {{"streams", speed.streams}, {"context", speed.context}};
  put_spread(json, "tokens_per_second", speed.tokens_per_second);
  json["step_ms"] = 1e3 * speed.streams / speed.tokens_per_second.median;
  json["weight_gb_per_second"] = bytes_per_second / kGiga;
  json["share_of_read"] = shares.of_read(bytes_per_second);
  json["gflop_per_second"] = flop_per_second / kGiga;
  json["share_of_peak"] = shares.of_peak(flop_per_second);
  return json;
}

Json drafts_to_json(const DraftSpeed& speed) {
  return {{"streams", speed.streams},
          {"plain_tokens_per_second", speed.plain_tokens_per_second},
          {"tokens_per_second", speed.tokens_per_second},
          {"tokens_generated", speed.counts.tokens_generated},
          {"tokens_drafted", speed.counts.rows_drafted},
          {"tokens_accepted", speed.counts.rows_accepted},
          {"accepted_per_step", speed.accepted_per_step()}};
}

// `prompt_speed`: tokens a second without anything to share.
Json shared_to_json(const SharedSpeed& speed, const SharedForm& form, double prompt_speed) {
  Json json = {{"questions", speed.questions},
               {"options", form.options},
               {"prefix_tokens", form.prefix},
               {"question_tokens", form.question},
               {"sharing", speed.shared},
               {"tokens_asked", speed.tokens_asked},
               {"tokens_unique", speed.counts.rows_unique},
               {"tokens_computed", speed.counts.rows_computed},
               {"tokens_recomputed", speed.counts.rows_recomputed},
               {"rows_in_steps", speed.rows}};
  put_spread(json, "seconds", speed.seconds);
  const double expected = static_cast<double>(speed.counts.rows_unique) / prompt_speed;
  json["seconds_at_prompt_speed"] = expected;
  json["ratio"] = speed.seconds.median / expected;
  return json;
}

std::string percent(const Json& share) {
  return share.is_null() ? "unknown" : fmt::format("{:.1f} %", 100.0 * share.get<double>());
}

std::string digits(const Json& value, int decimals) {
  return number(value.get<double>(), decimals);
}

std::string conditions_text(const Json& report) {
  const std::string tier = report["tier"].get<std::string>();
  std::string text = fmt::format(
      "{}: {}, {} parameters, weights {} in the file, {} packed\ndevice {}{}, products in {}, {} thread{}\n"
      "{}, {}",
      report["model"].get<std::string>(), report["architecture"].get<std::string>(),
      count_in_words(report["parameters"].get<int64_t>()), report["weight_format"].get<std::string>(),
      bytes_in_words(report["weight_bytes"].get<int64_t>()), report["device"].get<std::string>(),
      tier.empty() ? "" : " (" + tier + ")", report["dtype"].get<std::string>(), report["threads"].get<int>(),
      report["threads"] == 1 ? "" : "s", report["cpu"].get<std::string>(), report["date"].get<std::string>());
  if (!report["load_average"].is_null()) {
    text += fmt::format(", load {} in the minute before", digits(report["load_average"], 2));
  }
  for (const Json& note : report["notes"]) text += "\nnote: " + note.get<std::string>();
  return text + "\n";
}

std::string prompts_text(const Json& prompts) {
  Table table({"prompts", "step tokens", "tokens/s", "least", "most", "times", "GFLOP/s", "of peak"});
  for (const Json& row : prompts) {
    const Json& rate = row["tokens_per_second"];
    table.add({fmt::format("{} x {} tokens", row["prompts"].get<int>(), row["prompt_tokens"].get<int>()),
               to_line(row["step_tokens"]), digits(rate["median"], 1), digits(rate["least"], 1),
               digits(rate["most"], 1), to_line(rate["repetitions"]), digits(row["gflop_per_second"], 1),
               percent(row["share_of_peak"])});
  }
  return table.to_text();
}

std::string generation_text(const Json& generation) {
  Table table({"streams", "context", "tokens/s", "least", "most", "steps", "ms/step", "weights GB/s",
               "of read", "GFLOP/s", "of peak"});
  for (const Json& row : generation) {
    const Json& rate = row["tokens_per_second"];
    table.add({to_line(row["streams"]), digits(row["context"], 0), digits(rate["median"], 1),
               digits(rate["least"], 1), digits(rate["most"], 1), to_line(rate["repetitions"]),
               digits(row["step_ms"], 2), digits(row["weight_gb_per_second"], 2),
               percent(row["share_of_read"]), digits(row["gflop_per_second"], 1),
               percent(row["share_of_peak"])});
  }
  return table.to_text();
}

std::string drafts_text(const Json& drafts) {
  if (drafts.empty()) return "this device drafts nothing\n";
  Table table({"streams", "without: tokens/s", "with: tokens/s", "generated", "drafted", "accepted",
               "accepted/step"});
  for (const Json& row : drafts) {
    table.add({to_line(row["streams"]), digits(row["plain_tokens_per_second"], 1),
               digits(row["tokens_per_second"], 1), to_line(row["tokens_generated"]),
               to_line(row["tokens_drafted"]), to_line(row["tokens_accepted"]),
               digits(row["accepted_per_step"], 2)});
  }
  return table.to_text();
}

std::string shared_text(const Json& shared) {
  Table table({"questions", "sharing", "tokens asked", "unique", "computed", "again", "seconds", "least",
               "most", "times", "at prompt speed", "ratio"});
  for (const Json& row : shared) {
    const Json& seconds = row["seconds"];
    table.add({fmt::format("{} x {} options", row["questions"].get<int>(), row["options"].get<int>()),
               row["sharing"].get<bool>() ? "yes" : "no", to_line(row["tokens_asked"]),
               to_line(row["tokens_unique"]), to_line(row["tokens_computed"]),
               to_line(row["tokens_recomputed"]), digits(seconds["median"], 3), digits(seconds["least"], 3),
               digits(seconds["most"], 3), to_line(seconds["repetitions"]),
               digits(row["seconds_at_prompt_speed"], 3), digits(row["ratio"], 2)});
  }
  return table.to_text();
}

}  // namespace

Json bench_to_json(const BenchConditions& conditions, const MachineLimits& limits, const DecoderSpec& spec,
                   const SpeedSettings& settings, const DecoderSpeed& speed) {
  const DeviceTraits& device = conditions.device;
  Json report = {
      {"model", conditions.model},
      {"architecture", conditions.architecture},
      {"parameters", conditions.parameters},
      {"weight_format", conditions.weight_format},
      {"weight_bytes", device.weight_bytes},
      {"device", device.name},
      {"tier", device.tier},
      {"dtype", precision_name(device.precision)},
      {"threads", conditions.threads},
      {"cpu", conditions.cpu},
      {"date", conditions.date},
      {"load_average", conditions.load_average < 0.0 ? Json(nullptr) : Json(conditions.load_average)},
      {"notes", device.notes},
      {"limits", limits_to_json(limits)},
      {"prompts", Json::array()},
      {"generation", Json::array()},
      {"generation_prompt_tokens", settings.generation_prompt},
      {"drafts", Json::array()},
      {"shared_prefix", Json::array()}};
  const Shares shares(limits, conditions);
  const double step_bytes = static_cast<double>(device.weight_bytes) * share_read_by_step(spec);
  for (const PromptSpeed& one : speed.prompts) report["prompts"].push_back(prompt_to_json(one, shares));
  for (const GenerationSpeed& one : speed.generation) {
    report["generation"].push_back(generation_to_json(one, step_bytes, shares));
  }
  for (const DraftSpeed& one : speed.drafts) report["drafts"].push_back(drafts_to_json(one));
  for (const SharedSpeed& one : speed.shared) {
    report["shared_prefix"].push_back(
        shared_to_json(one, settings.shared, speed.prompts.back().tokens_per_second.median));
  }
  return report;
}

std::string bench_to_text(const Json& report) {
  const Json& form = report["shared_prefix"][0];
  return fmt::format(
      "{}\n{}\nPrompts\n{}\nGeneration after prompts of {} tokens\n{}\n"
      "The same with drafts\n{}\n"
      "Multiple choice: {} tokens shared, {} of each question, options of one token\n{}",
      conditions_text(report), limits_to_text(report["limits"]), prompts_text(report["prompts"]),
      report["generation_prompt_tokens"].get<int>(), generation_text(report["generation"]),
      drafts_text(report["drafts"]), form["prefix_tokens"].get<int>(), form["question_tokens"].get<int>(),
      shared_text(report["shared_prefix"]));
}

}  // namespace sizeup::cli
