#include <future>
#include <numeric>
#include <utility>

#include "harness/decide/recommend.h"
#include "harness/judge/summary.h"
#include "reports/load/load_parts.h"
#include "reports/recommendation.h"
#include "reports/report.h"
#include "reports/text.h"

namespace sizeup {
namespace {

std::vector<std::string> named(const std::string& run) {
  if (run.empty()) return {};
  return {run};
}

Result<void> apply_requirements(const Requirements& requirements, ReportData& data) {
  std::vector<TaskFacts> tasks;
  for (ReportTask& task : data.tasks) {
    tasks.push_back({task.name, {}, {}, {}, {}});
    task.margin = required_margin(requirements, task.name, task.margin);
  }
  return check_tasks(requirements, tasks);
}

// The pair alone, and both together: the report's verdict is about them.
void judge_pair(const RunContent& content, const Requirements& requirements, ReportData& data) {
  std::vector<int> models{data.candidate};
  if (data.is_pair()) models.push_back(data.baseline);
  RequirementsReport report;
  report.runs = {data.run.name};
  report.requirements = requirements;
  report.candidates = candidates_of(content, data, models, static_cast<int>(models.size()) - 1);
  if (const auto small_first = small_first_facts(data, report.candidates)) {
    report.candidates.models.insert(report.candidates.models.begin() + 1, *small_first);
    report.candidates.best = 2;
  }
  report.result = recommend(report.candidates, requirements);
  data.requirements = std::move(report);
}

// On a thread of its own with its own connection. Store, content and redactor must outlive it.
std::future<Result<CollectedSamples>> collecting_samples(const Store& store, const RunContent& content,
                                                         const Redactor& redactor,
                                                         const ReportOptions& options,
                                                         const ReportData& data) {
  SampleChoice choice{data.candidate, {}, {}};
  if (data.is_pair()) choice.baseline = data.baseline;
  for (const ReportTask& task : data.tasks) choice.task_names.push_back(task.name);
  const auto collect = [&, options, choice = std::move(choice)]() -> Result<CollectedSamples> {
    const Result<Store> own = Store::open(store.file(), StoreAccess::read);
    if (!own) return tl::unexpected<Error>(own.error());
    return collect_samples(*own, content, redactor, options, choice);
  };
  return std::async(std::launch::async, collect);
}

// Beside the notes of the router itself.
Result<void> note_predictions(const Store& store, const std::string& run, ReportData& data) {
  const Result<std::vector<RouteCheck>> checks = check_routers(store, run);
  if (!checks) return tl::unexpected<Error>(checks.error());
  for (const RouteCheck& check : *checks) {
    for (ReportModel& model : data.models) {
      if (model.name == clean_name(check.model)) model.notes.push_back(router_sentences({check}).front());
    }
  }
  return {};
}

// Of a run that is a judging.
Result<void> read_judging(const Store& store, const RunRow& run, const Redactor& redactor, ReportData& data) {
  Result<std::optional<Judging>> found = find_judging(store, run);
  if (!found) return forward_error(found);
  if (!*found) return {};
  Judging& judging = **found;
  for (std::string* name : {&judging.run, &judging.candidate, &judging.baseline, &judging.task}) {
    if (!name->empty()) *name = shown_name(redactor, *name);
  }
  for (JudgeWork& judge : judging.judges) {
    judge.name = shown_name(redactor, judge.name);
    judge.error = shown_name(redactor, judge.error);
  }
  JudgingSummary summary = summarize(judging);
  judging.documents.clear();
  judging.human.clear();
  data.judging = {std::move(judging), std::move(summary)};
  return {};
}

// What is measured on the run and told of its pair.
Result<void> measure(const Store& store, const RunContent& content, const Redactor& redactor,
                     const ReportOptions& options, ReportData& data) {
  compare_pair(content, redactor, data);
  if (auto read = read_judging(store, content.run, redactor, data); !read) return read;
  if (auto done = measure_robustness(store, content, redactor, data); !done) return done;
  measure_latency(content, data);
  sum_costs(content, data);
  if (auto done = compare_costs(store, content, options, data); !done) return done;
  if (auto done = measure_energy(store, content, options, data); !done) return done;
  count_hallucinations(content, data);
  measure_calibration(content, data);
  if (auto done = measure_routing(store, content, options, data); !done) return done;
  rank_models(content, data);
  if (auto built = build_ladders(content, options, data); !built) return built;
  if (auto read = read_histories(store, content, data); !read) return read;
  if (auto noted = note_predictions(store, content.run.name, data); !noted) return noted;
  if (options.requirements) judge_pair(content, *options.requirements, data);
  return {};
}

}  // namespace

Result<ReportData> load_report(const Store& store, const std::string& run, const ReportOptions& options) {
  Result<Redactor> redactor = Redactor::compile(options.redact);
  if (!redactor) return forward_error(redactor);
  Result<RunContent> content =
      read_run_content(store, named(run), options.no_text ? Rows::without_texts : Rows::whole);
  if (!content) return forward_error(content);
  ReportData data;
  ReportOptions shown = options;
  shown.no_text = options.no_text || content->run.texts == "none";
  data.redacted = redactor->active() || content->run.texts == "redacted";
  data.texts = !shown.no_text;
  data.store = clean_name(store.file().filename().string());
  describe_run(*content, data);
  if (options.requirements) {
    if (auto applied = apply_requirements(*options.requirements, data); !applied)
      return forward_error(applied);
  }
  if (auto chosen = choose_pair(options, data); !chosen) return forward_error(chosen);
  auto collecting = collecting_samples(store, *content, *redactor, shown, data);
  const Result<void> measured = measure(store, *content, *redactor, options, data);
  Result<CollectedSamples> collected = collecting.get();
  if (!measured) return tl::unexpected<Error>(measured.error());
  if (!collected) return forward_error(collected);
  data.samples = std::move(collected->samples);
  data.repaired_texts += collected->repaired_texts;
  return data;
}

Result<ReportData> load_verdict(const Store& store, const std::string& run) {
  Result<RunContent> content = read_run_content(store, named(run), Rows::scores_alone);
  if (!content) return forward_error(content);
  ReportData data;
  describe_run(*content, data);
  if (auto chosen = choose_pair({}, data); !chosen) return forward_error(chosen);
  compare_pair(*content, *Redactor::compile({}), data);
  if (auto done = measure_robustness(store, *content, *Redactor::compile({}), data); !done)
    return forward_error(done);
  measure_latency(*content, data);
  sum_costs(*content, data);
  rank_models(*content, data);
  if (auto built = build_ladders(*content, {}, data); !built) return forward_error(built);
  return data;
}

Result<ReportData> load_costs(const Store& store, const std::string& run, const ReportOptions& options) {
  Result<RunContent> content = read_run_content(store, named(run), Rows::without_texts);
  if (!content) return forward_error(content);
  ReportData data;
  describe_run(*content, data);
  if (auto chosen = choose_pair(options, data); !chosen) return forward_error(chosen);
  sum_costs(*content, data);
  if (auto done = compare_costs(store, *content, options, data); !done) return forward_error(done);
  if (auto done = measure_energy(store, *content, options, data); !done) return forward_error(done);
  return data;
}

Result<ReportData> load_routing(const Store& store, const std::string& run, const ReportOptions& options) {
  Result<RunContent> content = read_run_content(store, named(run), Rows::without_texts);
  if (!content) return forward_error(content);
  ReportData data;
  describe_run(*content, data);
  if (auto chosen = choose_pair(options, data); !chosen) return forward_error(chosen);
  compare_pair(*content, *Redactor::compile({}), data);
  sum_costs(*content, data);
  if (auto done = compare_costs(store, *content, options, data); !done) return forward_error(done);
  if (auto done = route_pair(store, *content, options, data); !done) return forward_error(done);
  return data;
}

Result<RequirementsReport> load_recommendation(const Store& store, const std::vector<std::string>& runs,
                                               const std::string& best, const Requirements& requirements) {
  Result<RunContent> content = read_run_content(store, runs, Rows::without_texts);
  if (!content) return forward_error(content);
  ReportData data;
  describe_run(*content, data);
  if (auto applied = apply_requirements(requirements, data); !applied) return forward_error(applied);
  measure_latency(*content, data);
  sum_costs(*content, data);
  rank_models(*content, data);
  std::vector<int> models(data.models.size());
  std::iota(models.begin(), models.end(), 0);
  Result<int> measure = best.empty() ? Result<int>(data.leaderboard.front().model) : model_named(data, best);
  if (!measure) return forward_error(measure);
  RequirementsReport report;
  report.runs = runs.empty() ? std::vector{data.run.name} : runs;
  report.requirements = requirements;
  report.candidates = candidates_of(*content, data, models, *measure);
  report.result = recommend(report.candidates, requirements);
  return report;
}

}  // namespace sizeup
