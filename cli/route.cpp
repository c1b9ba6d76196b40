// sizeup route: when a request should go on from the small model to the large one, and what that gives.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "cli/command.h"
#include "cli/table.h"
#include "core/json/json.h"
#include "harness/store/store.h"
#include "reports/format.h"
#include "reports/report.h"
#include "reports/routing_text.h"

namespace sizeup::cli {
namespace {

constexpr size_t kTableStep = 10;  // percent between the rows of the table
constexpr size_t kMostWeights = 30;

struct RouteCommand {
  std::string small;
  std::string large;
  std::string run;
  std::string db = "sizeup.db";
  std::string by = "confidence";
  std::vector<std::string> tasks;
  std::vector<std::string> reject;
  double margin = 0.0;
  double share = 0.0;
  std::string policy;
  bool json = false;
};

Result<ReportOptions> options_of(const RouteCommand& command, const CLI::App& app) {
  ReportOptions options;
  options.candidate = command.small;
  options.baseline = command.large;
  auto signal = parse_route_signal(command.by);
  if (!signal) return forward_error(signal);
  options.route.signal = std::move(*signal);
  options.route.tasks = command.tasks;
  for (const std::string& name : command.reject) {
    auto rejection = find_rejection(name);
    if (!rejection) return forward_error(rejection);
    options.route.rejections.push_back(*rejection);
  }
  if (app.count("--margin") > 0) options.route.margin = command.margin;
  if (app.count("--share") > 0) options.route.share = command.share;
  return options;
}

Table frontier_table(const ReportRouting& routing) {
  Table table({"", "sent on", "score below", "accuracy", "95 % interval", "against large", "at best",
               "1,000 requests", "p95"});
  for (size_t i = 0; i < routing.frontier.points.size(); ++i) {
    const bool chosen = routing.chosen == i;
    if (i % kTableStep != 0 && !chosen) continue;
    const RoutePoint& point = routing.frontier.points[i];
    const Estimate& accuracy = point.accuracy;
    table.add({chosen ? "*" : "", format_percent(point.share, 0), threshold_text(point.threshold),
               format_percent(accuracy.value),
               accuracy.has_interval() ? format_percent_range(accuracy.lo, accuracy.hi) : std::string(kNone),
               against_large_text(routing, point), format_percent(routing.frontier.oracle[i]),
               std::isfinite(point.cost) ? format_money(1000.0 * point.cost, routing.currency) : "unknown",
               std::isfinite(point.p95_ms) ? format_duration(point.p95_ms) : std::string(kNone)});
  }
  return table;
}

// What a fitted score is made of, the heaviest first.
Table weight_table(const RouteScorer& scorer) {
  std::vector<std::pair<double, std::string>> weights;
  for (const auto& [feature, weight] : scorer.weights) weights.emplace_back(weight, feature.name());
  std::stable_sort(weights.begin(), weights.end(),
                   [](const auto& a, const auto& b) { return std::abs(a.first) > std::abs(b.first); });
  Table table({"feature", "weight"});
  table.add({"intercept", format_significant(scorer.intercept)});
  for (size_t i = 0; i < weights.size() && i < kMostWeights; ++i)
    table.add({weights[i].second, format_significant(weights[i].first)});
  return table;
}

void print(const ReportData& data) {
  const ReportRouting& routing = *data.routing;
  std::string tasks;
  for (const int task : routing.tasks)
    tasks += (tasks.empty() ? "" : ", ") + data.tasks[static_cast<size_t>(task)].name;
  fmt::print("small is {}, large is {}; {} samples of {}, by {}.\n\n", data.small().name, data.large().name,
             format_count(routing.n), tasks, signal_text(routing));
  fmt::print("{}\n", frontier_table(routing).to_text());
  if (routing.scorer.weights.size() > 1) fmt::print("{}\n", weight_table(routing.scorer).to_text());
  fmt::print("{}.\n", routing_finding(data));
  for (const std::string& sentence : routing_sentences(data)) fmt::print("{}\n", sentence);
}

Outcome route(const RouteCommand& command, const CLI::App& app) {
  auto options = options_of(command, app);
  if (!options) return forward_error(options);
  auto store = Store::open(command.db, StoreAccess::read);
  if (!store) return forward_error(store);
  auto data = load_routing(*store, command.run, *options);
  if (!data) return forward_error(data);
  if (command.json) {
    const Json out = {{"schema", "sizeup.routing/1"},
                      {"run", data->run.name},
                      {"models", {{"small", data->small().name}, {"large", data->large().name}}},
                      {"routing", routing_to_json(*data)}};
    fmt::print("{}\n", out.dump(1, ' ', false, Json::error_handler_t::replace));
  } else {
    print(*data);
  }
  if (command.policy.empty()) return 0;
  auto policy = routing_policy(*data);
  if (!policy) return forward_error(policy);
  if (auto written = write_route_policy(*policy, command.policy); !written) return forward_error(written);
  if (!command.json) fmt::print("{}\n", command.policy);
  return 0;
}

}  // namespace

std::function<Outcome()> add_route(CLI::App& app) {
  auto command = std::make_shared<RouteCommand>();
  app.footer(
      "Both models must have answered the same samples. The share that is recommended is the least that is\n"
      "shown to lose less than the margin against the large model alone: docs/route.md.");
  app.add_option("small", command->small, "The model that is asked first (default: the smallest)");
  app.add_option("large", command->large, "The model that requests go on to (default: the largest)");
  app.add_option("--run", command->run, "The run (default: the latest)");
  app.add_option(
         "--by", command->by,
         "What orders requests: confidence, length (long prompts first), slice:FIELD, learned (all that "
         "is known), or verifier (nothing but --reject)")
      ->capture_default_str();
  app.add_option("--task", command->tasks,
                 "Only this task; repeat for several (default: all that state one kind of confidence)");
  app.add_option(
      "--reject", command->reject,
      "Send on whatever this check rejects: no_answer, invalid, truncated, unsupported, fabricated, "
      "tests_failed; repeat for several");
  app.add_option("--margin", command->margin,
                 "The loss against large that is accepted, as a fraction (default: the run's)")
      ->check(CLI::Range(1e-6, 1.0));
  app.add_option("--share", command->share, "Send on this share instead, as a fraction")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--policy", command->policy,
                 "Keep it in this file, for router:FILE or a program of your own");
  app.add_option("--db", command->db, "The store")->capture_default_str();
  app.add_flag("--json", command->json, "JSON instead of a table and sentences");
  return [command, &app] { return route(*command, app); };
}

}  // namespace sizeup::cli
