#include "harness/decide/recommend.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/errors/result.h"

namespace sizeup {
namespace {

bool known(const Estimate& estimate) {
  return !std::isnan(estimate.value);
}

// At least (or at most) the limit, by the interval where there is one to have.
Fit by_interval(const Estimate& found, double limit, bool at_least) {
  if (!known(found)) return Fit::unknown;
  if (at_least ? found.lo >= limit : found.hi <= limit) return Fit::met;
  if (at_least ? found.hi < limit : found.lo > limit) return Fit::not_met;
  return Fit::open;
}

double task_value(const std::map<std::string, double>& by_task, const std::optional<double>& all,
                  const std::string& task, double otherwise) {
  const auto at = by_task.find(task);
  return at != by_task.end() ? at->second : all.value_or(otherwise);
}

class Judge {
 public:
  Judge(const Candidates& candidates, const Requirements& requirements)
      : candidates_(candidates), requirements_(requirements) {}

  ModelJudgement judge(int index) const {
    const ModelFacts& model = candidates_.models[static_cast<size_t>(index)];
    ModelJudgement out;
    for (size_t task = 0; task < candidates_.tasks.size(); ++task) {
      if (candidates_.models.size() > 1)
        out.requirements.push_back(against_best(model, task, index == candidates_.best));
    }
    for (size_t task = 0; task < candidates_.tasks.size(); ++task) {
      if (std::optional<Judged> judged = minimum(model, task)) out.requirements.push_back(*judged);
    }
    if (requirements_.p95_ms) out.requirements.push_back(p95(model));
    if (requirements_.budget) out.requirements.push_back(cost(model));
    if (requirements_.memory_bytes) out.requirements.push_back(memory(model));
    if (requirements_.local_only) out.requirements.push_back(local(model));
    out.overall = overall(out.requirements);
    return out;
  }

 private:
  Judged against_best(const ModelFacts& model, size_t task, bool is_best) const {
    const TaskFacts& about = candidates_.tasks[task];
    Judged out;
    out.kind = RequirementKind::non_inferior;
    out.task = static_cast<int>(task);
    out.limit = about.margin;
    const PairedDifference& d = model.against_best[task];
    if (is_best) {
      out.fit = Fit::exempt;
      return out;
    }
    if (d.n == 0) return out;
    const NonInferiority result = non_inferiority(d, out.limit);
    out.found = {d.difference, d.lo, d.hi, d.n};
    out.fit = result.verdict == Verdict::yes  ? Fit::met
              : result.verdict == Verdict::no ? Fit::not_met
                                              : Fit::open;
    out.more = result.more;
    return out;
  }

  std::optional<Judged> minimum(const ModelFacts& model, size_t task) const {
    const double limit =
        task_value(requirements_.minimums, requirements_.minimum, candidates_.tasks[task].name, kNoNumber);
    if (std::isnan(limit)) return std::nullopt;
    Judged out;
    out.kind = RequirementKind::minimum;
    out.task = static_cast<int>(task);
    out.limit = limit;
    out.found = model.scores[task];
    out.fit = by_interval(out.found, limit, true);
    return out;
  }

  Judged p95(const ModelFacts& model) const {
    Judged out;
    out.kind = RequirementKind::p95;
    out.limit = *requirements_.p95_ms;
    out.found = model.p95_ms;
    out.fit = by_interval(model.p95_ms, out.limit, false);
    // Too few queries for MLPerf's rule: no promise, whatever the order statistics say.
    if (out.fit == Fit::met && !model.p95_supported) out.fit = Fit::open;
    if (out.fit == Fit::open && model.p95_needed > model.p95_ms.n)
      out.more = model.p95_needed - model.p95_ms.n;
    return out;
  }

  Judged cost(const ModelFacts& model) const {
    const MonthlyBudget& budget = *requirements_.budget;
    Judged out;
    out.kind = RequirementKind::cost;
    out.limit = budget.amount;
    if (!model.cost_per_request || model.currency != budget.currency) return out;
    out.found.value = *model.cost_per_request * budget.requests;
    out.fit = out.found.value <= budget.amount ? Fit::met : Fit::not_met;
    return out;
  }

  Judged memory(const ModelFacts& model) const {
    Judged out;
    out.kind = RequirementKind::memory;
    out.limit = static_cast<double>(*requirements_.memory_bytes);
    if (model.placement == Placement::elsewhere) {
      out.fit = Fit::exempt;
    } else if (model.memory_bytes > 0) {
      out.found.value = static_cast<double>(model.memory_bytes);
      out.fit = model.memory_bytes <= *requirements_.memory_bytes ? Fit::met : Fit::not_met;
    }
    return out;
  }

  Judged local(const ModelFacts& model) const {
    Judged out;
    out.kind = RequirementKind::local;
    if (model.placement != Placement::unknown)
      out.fit = model.placement == Placement::here ? Fit::met : Fit::not_met;
    return out;
  }

  static Fit overall(const std::vector<Judged>& requirements) {
    const auto any = [&](Fit fit) {
      return std::any_of(requirements.begin(), requirements.end(),
                         [&](const Judged& judged) { return judged.fit == fit; });
    };
    if (any(Fit::not_met)) return Fit::not_met;
    return any(Fit::open) || any(Fit::unknown) ? Fit::open : Fit::met;
  }

  const Candidates& candidates_;
  const Requirements& requirements_;
};

// What models are compared by when none of it may get worse; smaller is better, NaN is unknown.
std::array<double, 4> burdens(const ModelFacts& model) {
  return {-model.accuracy.value, model.cost_per_request.value_or(kNoNumber), model.p95_ms.value,
          model.bytes > 0 ? static_cast<double>(model.bytes) : kNoNumber};
}

bool beats(const ModelFacts& a, const ModelFacts& b) {
  if (a.cost_per_request && b.cost_per_request && a.currency != b.currency) return false;
  const std::array<double, 4> ours = burdens(a);
  const std::array<double, 4> theirs = burdens(b);
  bool better = false;
  for (size_t i = 0; i < ours.size(); ++i) {
    if (std::isnan(ours[i]) && std::isnan(theirs[i])) continue;
    if (!(ours[i] <= theirs[i])) return false;
    better = better || ours[i] < theirs[i];
  }
  return better;
}

// The model with the least of something among those that meet everything; an unknown amount is no candidate.
template <class Burden>
int least(const Candidates& candidates, const std::vector<ModelJudgement>& judged, Burden burden) {
  int found = -1;
  for (size_t i = 0; i < judged.size(); ++i) {
    const ModelFacts& model = candidates.models[i];
    if (judged[i].overall != Fit::met || std::isnan(burden(model))) continue;
    if (found < 0 || burden(model) < burden(candidates.models[static_cast<size_t>(found)]))
      found = static_cast<int>(i);
  }
  return found;
}

int smallest_of(const Candidates& candidates, const std::vector<ModelJudgement>& judged) {
  // Unknown sizes are endpoints: as large as can be. Equal parameters: the fewer bytes.
  constexpr double kUnknown = std::numeric_limits<double>::max();
  int found = -1;
  const auto size = [&](size_t i) {
    const ModelFacts& model = candidates.models[i];
    return std::pair(model.parameters > 0 ? static_cast<double>(model.parameters) : kUnknown,
                     model.bytes > 0 ? static_cast<double>(model.bytes) : kUnknown);
  };
  for (size_t i = 0; i < judged.size(); ++i) {
    if (judged[i].overall != Fit::met) continue;
    if (found < 0 || size(i) < size(static_cast<size_t>(found))) found = static_cast<int>(i);
  }
  return found;
}

// Amounts in different currencies have no least.
bool one_currency(const Candidates& candidates) {
  const std::string* first = nullptr;
  for (const ModelFacts& model : candidates.models) {
    if (!model.cost_per_request) continue;
    if (first != nullptr && *first != model.currency) return false;
    first = &model.currency;
  }
  return true;
}

}  // namespace

double comparison_confidence(size_t models) {
  return 1.0 - (1.0 - kConfidence) / static_cast<double>(std::max<size_t>(2, models) - 1);
}

double required_margin(const Requirements& requirements, const std::string& task, double otherwise) {
  return task_value(requirements.margins, requirements.margin, task, otherwise);
}

Result<void> check_tasks(const Requirements& requirements, const std::vector<TaskFacts>& tasks) {
  std::vector<std::string> names;
  names.reserve(tasks.size());
  for (const TaskFacts& task : tasks) names.push_back(task.name);
  for (const auto* by_task : {&requirements.margins, &requirements.minimums}) {
    for (const auto& [name, value] : *by_task) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      return bad_input(requirements.source, fmt::format("no task is named '{:.100}'", name),
                       fmt::format("one of {}", fmt::join(names, ", ")));
    }
  }
  return {};
}

Recommendation recommend(const Candidates& candidates, const Requirements& requirements) {
  Recommendation out;
  const Judge judge(candidates, requirements);
  for (size_t i = 0; i < candidates.models.size(); ++i) {
    out.models.push_back(judge.judge(static_cast<int>(i)));
    out.models.back().unbeaten =
        std::none_of(candidates.models.begin(), candidates.models.end(),
                     [&](const ModelFacts& other) { return beats(other, candidates.models[i]); });
  }
  out.smallest = smallest_of(candidates, out.models);
  if (one_currency(candidates)) {
    out.cheapest = least(candidates, out.models,
                         [](const ModelFacts& model) { return model.cost_per_request.value_or(kNoNumber); });
  }
  out.fastest = least(candidates, out.models, [](const ModelFacts& model) {
    return model.p95_supported ? model.p95_ms.value : kNoNumber;
  });
  out.chosen = requirements.prefer == Preference::cheapest  ? out.cheapest
               : requirements.prefer == Preference::fastest ? out.fastest
                                                            : out.smallest;
  return out;
}

}  // namespace sizeup
