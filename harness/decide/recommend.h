// Which of several models is enough: each against the requirements and against the best, and which of them no
// other beats.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/decide/requirements.h"
#include "harness/decide/verdict.h"

namespace sizeup {

enum class RequirementKind { non_inferior, minimum, p95, cost, memory, local };

enum class Fit {
  met,
  not_met,
  open,     // not enough data to say
  unknown,  // not measured, or no price
  exempt,   // does not apply: the best model against itself, the memory of an endpoint
};

// Where a model's answers are computed.
enum class Placement { here, elsewhere, unknown };

// What a model showed, as decisions need it. Lists have one entry for each task.
struct ModelFacts {
  std::string name;
  Placement placement = Placement::here;
  int64_t parameters = 0;    // 0: unknown, as in the next two
  int64_t bytes = 0;         // of the weights as stored
  int64_t memory_bytes = 0;  // of the weights in memory
  Estimate accuracy;         // mean over the tasks
  std::optional<double> cost_per_request;
  std::string currency;
  Estimate p95_ms;               // with its interval; no value: not measured
  bool p95_supported = false;    // enough queries for the claim
  int64_t p95_needed = 0;        // queries that would be enough
  std::vector<Estimate> scores;  // the headline metric; no value: the model was not run on it
  // This model minus the best one, at comparison_confidence(); n = 0 where there are no pairs.
  std::vector<PairedDifference> against_best;
};

struct TaskFacts {
  std::string name;
  std::string metric;       // the headline
  std::string pair_metric;  // what differences compare; empty: nothing can be compared
  bool share = true;        // the headline lies in 0..1
  double margin = 0.0;      // the requirements' where they name one
};

struct Candidates {
  std::vector<TaskFacts> tasks;
  std::vector<ModelFacts> models;
  int best = 0;  // the measure of the others
};

// One requirement, for one model.
struct Judged {
  RequirementKind kind = RequirementKind::non_inferior;
  int task = -1;  // of the first two kinds
  Fit fit = Fit::unknown;
  // In the requirement's unit: a difference or score as it stands, milliseconds, money a month, bytes.
  Estimate found;
  double limit = 0.0;
  std::optional<int64_t> more;  // samples, or queries, that would decide
};

struct ModelJudgement {
  std::vector<Judged> requirements;  // the same kinds and tasks for every model, in the same order
  Fit overall = Fit::unknown;        // met, not_met or open
  // No other model is at least as good in score, cost, p95 and bytes, and better in one of them. What is
  // unknown of only one of two models does not decide between them.
  bool unbeaten = true;
};

struct Recommendation {
  std::vector<ModelJudgement> models;  // as in Candidates::models
  // Of the models that meet everything; -1: there is none, or none with a known cost or time.
  int smallest = -1;
  int cheapest = -1;
  int fastest = -1;
  int chosen = -1;  // what the requirements prefer
};

// Of each of so many comparisons with the best model, so that all of them hold together with 95 %: who picks
// the smallest of many candidates picks a lucky one.
double comparison_confidence(size_t models);

// The margin that the requirements ask of a task; `otherwise` where they say nothing.
double required_margin(const Requirements& requirements, const std::string& task, double otherwise);

// bad_input for a task in the requirements that is none of these.
Result<void> check_tasks(const Requirements& requirements, const std::vector<TaskFacts>& tasks);

Recommendation recommend(const Candidates& candidates, const Requirements& requirements);

}  // namespace sizeup
