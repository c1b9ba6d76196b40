// sizeup recommend: the smallest, cheapest or fastest model that is good enough, and why not the others.
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "cli/command.h"
#include "cli/table.h"
#include "core/json/json.h"
#include "harness/store/store.h"
#include "reports/format.h"
#include "reports/recommendation.h"

namespace sizeup::cli {
namespace {

struct RecommendCommand {
  std::vector<std::string> runs;
  std::string requirements;
  std::string best;
  std::string db = "sizeup.db";
  bool json = false;
};

std::string enough_word(const RequirementsReport& report, size_t model) {
  if (static_cast<int>(model) == report.result.chosen) return "take it";
  switch (report.result.models[model].overall) {
    case Fit::met:
      return "yes";
    case Fit::not_met:
      return "no";
    default:
      return "not enough data";
  }
}

Table model_table(const RequirementsReport& report) {
  Table table({"model", "enough?", "mean score", "1,000 requests", "p95", "size", "unbeaten"});
  for (size_t i = 0; i < report.candidates.models.size(); ++i) {
    const ModelFacts& model = report.candidates.models[i];
    const bool scored = !std::isnan(model.accuracy.value);
    table.add({model.name, enough_word(report, i),
               scored ? format_percent(model.accuracy.value) : std::string(kNone),
               model.cost_per_request ? format_money(1000.0 * *model.cost_per_request, model.currency)
                                      : std::string("unknown"),
               model.p95_supported ? format_duration(model.p95_ms.value) : std::string(kNone),
               model.bytes > 0 ? format_bytes(model.bytes) : std::string("unknown"),
               report.result.models[i].unbeaten ? "yes" : "no"});
  }
  return table;
}

Outcome recommend_model(const RecommendCommand& command) {
  Requirements requirements;
  if (!command.requirements.empty()) {
    auto read = read_requirements(command.requirements);
    if (!read) return forward_error(read);
    requirements = std::move(*read);
  }
  auto store = Store::open(command.db, StoreAccess::read);
  if (!store) return forward_error(store);
  auto report = load_recommendation(*store, command.runs, command.best, requirements);
  if (!report) return forward_error(report);
  if (command.json) {
    fmt::print("{}\n", to_json(*report).dump(1, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  const std::vector<std::string> sentences = recommendation_sentences(*report);
  fmt::print("{}\n\n{}\n", sentences.front(), model_table(*report).to_text());
  for (size_t i = 1; i < sentences.size(); ++i) fmt::print("{}\n", sentences[i]);
  return 0;
}

}  // namespace

std::function<Outcome()> add_recommend(CLI::App& app) {
  auto command = std::make_shared<RecommendCommand>();
  app.add_option("run", command->runs, "Names of runs whose models are compared (default: the latest)");
  app.add_option("--requirements", command->requirements, "What the job asks, YAML: docs/report.md");
  app.add_option("--best", command->best, "The model to be as good as (default: the best mean score)");
  app.add_option("--db", command->db, "The store")->capture_default_str();
  app.add_flag("--json", command->json, "JSON instead of sentences and a table");
  return [command] { return recommend_model(*command); };
}

}  // namespace sizeup::cli
