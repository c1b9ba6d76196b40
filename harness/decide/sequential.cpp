#include "harness/decide/sequential.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>

#include "core/io/sha256.h"
#include "harness/decide/gate_lines.h"
#include "harness/store/store.h"

namespace sizeup {
namespace {

// Fewer say nothing at any margin in use; each further look doubles what is asked, so that all looks together
// cost at most the work of the last and as many starts as there are doublings.
constexpr size_t kFirstLook = 32;

// Where a document stands in the order of asking: what is in it decides, not what any model made of it.
std::string draw_of(const EvidenceSample& sample) {
  return sha256_hex("sizeup sequential gate\n" + sample.document_hash);
}

// The model stays open over the looks, each of which is a run of its own.
class KeptBackend : public Backend {
 public:
  explicit KeptBackend(Backend& backend) : backend_(backend) {}
  const ModelCard& card() const override { return backend_.card(); }
  Result<std::string> render(const Prompt& prompt) const override { return backend_.render(prompt); }
  Result<RunCounts> run(RequestSource& source, ResponseSink& sink, const RunOptions& options,
                        std::stop_token stop) override {
    return backend_.run(source, sink, options, std::move(stop));
  }

 private:
  Backend& backend_;
};

// A task's samples in the order of asking, and how many of them the next look has.
struct Part {
  const EvidenceTask* task = nullptr;
  std::vector<const EvidenceSample*> order;
  size_t asked = 0;

  // To at least `count`, and to the last repeat of the document that stands there.
  void grow(size_t count) {
    asked = std::min(std::max(asked, count), order.size());
    while (asked < order.size() && order[asked]->document_hash == order[asked - 1]->document_hash) ++asked;
  }
};

bool speaks_of(const Rule& rule, const std::string& task) {
  if (!rule.pool.empty()) return is_in_pool(rule, task);
  return rule.task.empty() || rule.task == task;
}

// Whether a check can only be made on all samples.
bool needs_all(const Policy& policy, const EvidenceTask& task) {
  return std::any_of(policy.rules.begin(), policy.rules.end(), [&](const Rule& rule) {
    if (!speaks_of(rule, task.name)) return false;
    if (!rule.pool.empty()) return true;
    if (const auto* metric = std::get_if<MetricCheck>(&rule.check)) {
      return metric->by_estimate || !is_mean_of_samples(task, metric->metric);
    }
    return std::holds_alternative<HallucinationCheck>(rule.check);
  });
}

bool is_needed(const Policy& policy, const std::string& task) {
  return std::any_of(policy.rules.begin(), policy.rules.end(),
                     [&](const Rule& rule) { return speaks_of(rule, task); });
}

std::vector<Part> parts_of(const Policy& policy, const Evidence& baseline) {
  std::vector<Part> parts;
  for (const EvidenceTask& task : baseline.tasks) {
    Part part;
    part.task = &task;
    std::map<const EvidenceSample*, std::string> draws;
    for (const EvidenceSample& sample : task.samples) {
      draws[&sample] = draw_of(sample);
      part.order.push_back(&sample);
    }
    std::sort(part.order.begin(), part.order.end(), [&](const EvidenceSample* a, const EvidenceSample* b) {
      return std::tie(draws[a], a->row) < std::tie(draws[b], b->row);
    });
    part.grow(needs_all(policy, task) ? part.order.size() : kFirstLook);
    parts.push_back(std::move(part));
  }
  return parts;
}

// The candidate's samples in the order of asking, without those that nobody chose.
void put_in_order(const std::vector<Part>& parts, Evidence& candidate) {
  for (const Part& part : parts) {
    std::map<std::string, size_t> places;
    for (size_t i = 0; i < part.asked; ++i) places[part.order[i]->document_id] = i;
    for (EvidenceTask& task : candidate.tasks) {
      if (task.name != part.task->name) continue;
      std::erase_if(task.samples,
                    [&](const EvidenceSample& sample) { return !places.contains(sample.document_id); });
      std::sort(task.samples.begin(), task.samples.end(),
                [&](const EvidenceSample& a, const EvidenceSample& b) {
                  return places[a.document_id] < places[b.document_id];
                });
    }
  }
}

// The tasks with an undecided line that more samples may decide get twice as many. False: nothing grew.
bool grow(const GateResult& result, std::vector<Part>& parts) {
  bool grew = false;
  for (Part& part : parts) {
    const bool open = std::any_of(result.lines.begin(), result.lines.end(), [&](const GateLine& line) {
      return line.task == part.task->name && line.may_stop && line.outcome == GateOutcome::not_enough_data;
    });
    if (!open || part.asked == part.order.size()) continue;
    part.grow(2 * part.asked);
    grew = true;
  }
  return grew;
}

bool is_decided(const GateResult& result) {
  return std::any_of(result.lines.begin(), result.lines.end(),
                     [](const GateLine& line) { return line.may_stop && line.outcome == GateOutcome::fail; });
}

bool measures_latency(const Policy& policy) {
  return std::any_of(policy.rules.begin(), policy.rules.end(),
                     [](const Rule& rule) { return std::holds_alternative<LatencyCheck>(rule.check); });
}

// Without the tasks that no rule speaks of, where they were named one by one.
void leave_out_others(const Policy& policy, const Evidence& baseline, RunSettings& settings) {
  std::erase_if(settings.tasks, [&](const std::string& name) {
    return baseline.find(name) != nullptr && !is_needed(policy, name);
  });
}

void choose_samples(const std::vector<Part>& parts, const Policy& policy, const RunSettings& given,
                    RunSettings& settings) {
  settings.samples.clear();
  for (const Part& part : parts) {
    const std::string& name = part.task->name;
    const bool left_out = !is_needed(policy, name) &&
                          std::find(given.tasks.begin(), given.tasks.end(), name) != given.tasks.end();
    if (left_out) continue;
    std::vector<int64_t>& rows = settings.samples[name];
    for (size_t i = 0; i < part.asked; ++i) rows.push_back(part.order[i]->row);
  }
}

}  // namespace

Result<SequentialGate> run_sequential_gate(const Policy& policy, const Evidence& baseline,
                                           RunSettings settings, const RunEnvironment& environment,
                                           ProgressSink& progress, const std::stop_token& stop) {
  const bool from_store = std::all_of(baseline.tasks.begin(), baseline.tasks.end(),
                                      [](const EvidenceTask& task) { return task.evaluation_id != 0; });
  if (!from_store) {
    return bad_input(baseline.source, "a baseline from a file does not say what to ask the candidate",
                     "RUN:MODEL", "name a run of the store, or leave --sequential out");
  }
  std::unique_ptr<Backend> kept;
  RunEnvironment keeping = environment;
  keeping.open_model = [&](const ModelReference& reference) -> Result<std::unique_ptr<Backend>> {
    if (!kept) {
      Result<std::unique_ptr<Backend>> opened = environment.open_model(reference);
      if (!opened) return opened;
      kept = std::move(*opened);
    }
    return std::make_unique<KeptBackend>(*kept);
  };
  const RunSettings given = settings;
  settings.limit = 0;            // the samples are named
  settings.latency_samples = 0;  // measured once, at the end
  leave_out_others(policy, baseline, settings);
  std::vector<Part> parts = parts_of(policy, baseline);
  SequentialGate gate;
  const auto look = [&]() -> Result<void> {
    choose_samples(parts, policy, given, settings);
    Result<RunSummary> summary = execute(settings, progress, stop, keeping);
    if (!summary) return forward_error(summary);
    Result<Store> store = Store::open(settings.db, StoreAccess::read);
    if (!store) return forward_error(store);
    Result<Evidence> candidate = load_evidence(*store, summary->run_name);
    if (!candidate) return forward_error(candidate);
    put_in_order(parts, *candidate);
    Result<GateResult> result = apply_policy(policy, *candidate, &baseline, Looking::anytime);
    if (!result) return forward_error(result);
    gate.result = std::move(*result);
    gate.candidate = candidate->label();
    return {};
  };
  do {
    if (Result<void> looked = look(); !looked) return forward_error(looked);
  } while (!is_decided(gate.result) && grow(gate.result, parts));
  if (measures_latency(policy) && given.latency_samples > 0) {
    settings.latency_samples = given.latency_samples;
    if (Result<void> looked = look(); !looked) return forward_error(looked);
  }
  for (const Part& part : parts) {
    if (!is_needed(policy, part.task->name)) continue;
    gate.uses.push_back(
        {part.task->name, static_cast<int64_t>(part.asked), static_cast<int64_t>(part.order.size())});
  }
  return gate;
}

}  // namespace sizeup
