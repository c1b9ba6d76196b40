#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "reports/format.h"
#include "reports/recommendation.h"
#include "reports/text.h"

namespace sizeup {
namespace {

const TaskFacts& task_of(const RequirementsReport& report, const Judged& judged) {
  return report.candidates.tasks[static_cast<size_t>(judged.task)];
}

const ModelFacts& model_at(const RequirementsReport& report, int index) {
  return report.candidates.models[static_cast<size_t>(index)];
}

std::string score_words(const TaskFacts& task, double value) {
  return task.share ? format_percent(value) : format_significant(value);
}

std::string range_words(const TaskFacts& task, const Estimate& estimate) {
  if (!estimate.has_interval()) return "no interval";
  return task.share ? format_percent_range(estimate.lo, estimate.hi)
                    : format_significant(estimate.lo) + "…" + format_significant(estimate.hi);
}

std::string budget_volume(const MonthlyBudget& budget) {
  return format_count(std::llround(budget.requests)) + " requests a month";
}

std::string difference_words(const Judged& judged) {
  if (judged.fit == Fit::exempt) return "is the baseline";
  if (judged.found.n == 0) return "no samples in common to compare by";
  std::string out = fmt::format("{}\u00a0pp ({})", format_points(judged.found.value),
                                judged.found.has_interval()
                                    ? format_points_range(judged.found.lo, judged.found.hi, judged.limit)
                                    : std::string("no interval"));
  if (judged.fit == Fit::open && judged.more)
    out += fmt::format(", about {} more samples would decide", format_count(*judged.more));
  return out;
}

std::string p95_words(const Judged& judged) {
  if (std::isnan(judged.found.value)) return "not measured";
  std::string out = format_duration(judged.found.value);
  if (judged.found.has_interval())
    out += fmt::format(" ({})", format_duration_range(judged.found.lo, judged.found.hi));
  if (judged.fit == Fit::open && judged.more)
    out += fmt::format(", {} more requests are needed for the claim", format_count(*judged.more));
  return out;
}

std::string cost_words(const RequirementsReport& report, const ModelFacts& model, const Judged& judged) {
  const std::string currency = clean_name(report.requirements.budget->currency);
  if (!std::isnan(judged.found.value)) return format_money(judged.found.value, currency);
  return model.cost_per_request ? fmt::format("its price is in {}", model.currency) : "no price was given";
}

std::string local_words(const Judged& judged) {
  if (judged.fit == Fit::unknown) return "recorded answers";
  return judged.fit == Fit::met ? "computed here" : "an endpoint";
}

// "pocket-tiny: helpdesk within 5 pp of pocket-large: −10.5 pp (…)" for each requirement with one of these
// fits.
std::vector<std::string> grounds(const RequirementsReport& report, int index,
                                 std::initializer_list<Fit> fits) {
  std::vector<std::string> out;
  const std::string& best = model_at(report, report.candidates.best).name;
  for (const Judged& judged : report.result.models[static_cast<size_t>(index)].requirements) {
    if (std::find(fits.begin(), fits.end(), judged.fit) == fits.end()) continue;
    const RequirementWords words = requirement_words(report, judged, best);
    const std::string found = found_words(report, model_at(report, index), judged);
    const bool is_difference = judged.kind == RequirementKind::non_inferior;
    out.push_back(is_difference ? fmt::format("{} {}, margin\u00a0{}\u00a0pp", task_of(report, judged).name,
                                              found, format_margin(judged.limit))
                                : fmt::format("{} {}, {}", words.text, found, words.limit));
  }
  return out;
}

std::string joined(const std::vector<std::string>& items, const char* separator) {
  return fmt::format("{}", fmt::join(items, separator));
}

std::string size_words(const ModelFacts& model) {
  if (model.parameters == 0 && model.bytes == 0) return "of unknown size";
  if (model.bytes == 0) return format_parameters(model.parameters) + " parameters";
  if (model.parameters == 0) return format_bytes(model.bytes);
  return fmt::format("{} parameters, {}", format_parameters(model.parameters), format_bytes(model.bytes));
}

std::string cost_of_thousand(const ModelFacts& model) {
  return format_money(1000.0 * *model.cost_per_request, model.currency) + " for 1,000 requests";
}

// What the preference goes by, of one model.
std::string burden_words(const ModelFacts& model, Preference preference) {
  if (preference == Preference::cheapest)
    return model.cost_per_request ? cost_of_thousand(model) : "cost unknown";
  if (preference == Preference::fastest) {
    return model.p95_supported ? "p95 " + format_duration(model.p95_ms.value)
                               : std::string("p95 not measured on enough requests");
  }
  return size_words(model);
}

const char* superlative(Preference preference) {
  switch (preference) {
    case Preference::smallest:
      return "the smallest";
    case Preference::cheapest:
      return "the cheapest";
    case Preference::fastest:
      return "the fastest";
  }
  return "";
}

std::string choice(const RequirementsReport& report) {
  const Preference preference = report.requirements.prefer;
  const auto& judged = report.result.models;
  const auto enough = std::count_if(judged.begin(), judged.end(), [](const ModelJudgement& judgement) {
    return judgement.overall == Fit::met;
  });
  const std::string& best = model_at(report, report.candidates.best).name;
  const bool asked = !report.requirements.source.empty();
  if (judged.size() == 1 && report.result.chosen == 0) {
    return asked
               ? fmt::format("{} meets every requirement.", best)
               : fmt::format("There is only {}, and nothing is asked of it: name requirements, or more runs.",
                             best);
  }
  if (!asked && enough == 1 && report.result.chosen == report.candidates.best)
    return fmt::format("Take {}: no other model is shown to be good enough.", best);
  if (report.result.chosen < 0) {
    if (enough == 0) return "No model is shown to meet every requirement.";
    return fmt::format("{} of {} models meet every requirement, but which is {} is unknown.", enough,
                       judged.size(), superlative(preference));
  }
  const ModelFacts& chosen = model_at(report, report.result.chosen);
  std::string out =
      fmt::format("Take {}: {} of {} that {} ({})", chosen.name, superlative(preference), enough,
                  asked ? "meet every requirement" : "are good enough", burden_words(chosen, preference));
  if (enough == 1) {
    out = fmt::format("Take {}: the only one of {} models that meets every requirement", chosen.name,
                      judged.size());
  }
  if (report.result.chosen == report.candidates.best) return out + ".";
  std::vector<std::string> differences;
  const ModelJudgement& judgement = judged[static_cast<size_t>(report.result.chosen)];
  for (const Judged& one : judgement.requirements) {
    if (one.kind != RequirementKind::non_inferior) continue;
    differences.push_back(fmt::format("{} {}, margin\u00a0{}\u00a0pp", task_of(report, one).name,
                                      found_words(report, chosen, one), format_margin(one.limit)));
  }
  return fmt::format("{}; against {}: {}.", out, best, joined(differences, "; "));
}

// Why a model was not taken.
std::string rejection(const RequirementsReport& report, int index) {
  const ModelFacts& model = model_at(report, index);
  const ModelJudgement& judgement = report.result.models[static_cast<size_t>(index)];
  if (judgement.overall == Fit::not_met)
    return fmt::format("{}: no: {}.", model.name, joined(grounds(report, index, {Fit::not_met}), "; "));
  if (judgement.overall != Fit::met) {
    return fmt::format("{}: not enough data: {}.", model.name,
                       joined(grounds(report, index, {Fit::open, Fit::unknown}), "; "));
  }
  if (report.result.chosen < 0) return fmt::format("{}: meets every requirement.", model.name);
  const Preference preference = report.requirements.prefer;
  return fmt::format("{}: meets every requirement too, but is not {}: {} against {}.", model.name,
                     superlative(preference), burden_words(model, preference),
                     burden_words(model_at(report, report.result.chosen), preference));
}

}  // namespace

std::string_view fit_word(Fit fit) {
  switch (fit) {
    case Fit::met:
      return "met";
    case Fit::not_met:
      return "not met";
    case Fit::open:
      return "not enough data";
    case Fit::unknown:
      return "unknown";
    case Fit::exempt:
      break;
  }
  return "does not apply";
}

std::string_view fit_class(Fit fit) {
  switch (fit) {
    case Fit::met:
      return "yes";
    case Fit::not_met:
      return "no";
    case Fit::open:
    case Fit::unknown:
      return "open";
    case Fit::exempt:
      break;
  }
  return "na";
}

RequirementWords requirement_words(const RequirementsReport& report, const Judged& judged,
                                   std::string_view best) {
  switch (judged.kind) {
    case RequirementKind::non_inferior: {
      const TaskFacts& task = task_of(report, judged);
      return {fmt::format("{} within {}\u00a0pp of {}", task.name, format_margin(judged.limit), best),
              task.pair_metric.empty() ? "no metric to compare by" : task.pair_metric};
    }
    case RequirementKind::minimum: {
      const TaskFacts& task = task_of(report, judged);
      return {task.name + " score",
              fmt::format("{} at least {}", task.metric, score_words(task, judged.limit))};
    }
    case RequirementKind::p95:
      return {"p95 time to full answer", "at most " + format_duration(judged.limit)};
    case RequirementKind::cost: {
      const MonthlyBudget& budget = *report.requirements.budget;
      return {"Cost at " + budget_volume(budget),
              "at most " + format_money(judged.limit, clean_name(budget.currency))};
    }
    case RequirementKind::memory:
      return {"Memory of the weights", "at most " + format_bytes(std::llround(judged.limit))};
    case RequirementKind::local:
      break;
  }
  return {"Texts stay on own machines", "all requests"};
}

std::string found_words(const RequirementsReport& report, const ModelFacts& model, const Judged& judged) {
  switch (judged.kind) {
    case RequirementKind::non_inferior:
      return difference_words(judged);
    case RequirementKind::minimum: {
      const TaskFacts& task = task_of(report, judged);
      if (std::isnan(judged.found.value)) return "has no result";
      return fmt::format("{} ({}), n\u00a0=\u00a0{}", score_words(task, judged.found.value),
                         range_words(task, judged.found), format_count(judged.found.n));
    }
    case RequirementKind::p95:
      return p95_words(judged);
    case RequirementKind::cost:
      return cost_words(report, model, judged);
    case RequirementKind::memory:
      if (judged.fit == Fit::exempt) return "an endpoint";
      return std::isnan(judged.found.value) ? "unknown" : format_bytes(std::llround(judged.found.value));
    case RequirementKind::local:
      break;
  }
  return local_words(judged);
}

std::vector<std::string> recommendation_sentences(const RequirementsReport& report) {
  std::vector<std::string> out{choice(report)};
  const int count = static_cast<int>(report.candidates.models.size());
  for (int index = 0; index < count; ++index) {
    if (index != report.result.chosen) out.push_back(rejection(report, index));
  }
  if (count < 2) return out;
  std::vector<std::string> unbeaten;
  for (int index = 0; index < count; ++index) {
    if (report.result.models[static_cast<size_t>(index)].unbeaten)
      unbeaten.push_back(model_at(report, index).name);
  }
  out.push_back(fmt::format("In mean score, cost, p95 and bytes together, no other model beats: {}.",
                            joined(unbeaten, ", ")));
  if (count > 2) {
    out.push_back(
        fmt::format("Intervals of differences are wider than a report's ({:.1f}\u00a0% each): {} models were "
                    "compared with {}.",
                    100.0 * comparison_confidence(report.candidates.models.size()), count - 1,
                    model_at(report, report.candidates.best).name));
  }
  return out;
}

}  // namespace sizeup
