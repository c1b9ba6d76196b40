#include "reports/load/run_data.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <tuple>

#include "harness/store/read_at_once.h"

namespace sizeup {
namespace {

template <class Row>
size_t place_of(std::vector<Row>& rows, const Row& row) {
  const auto at =
      std::find_if(rows.begin(), rows.end(), [&](const Row& known) { return known.id == row.id; });
  if (at != rows.end()) return static_cast<size_t>(at - rows.begin());
  rows.push_back(row);
  return rows.size() - 1;
}

Texts texts_of(Rows rows) {
  return rows == Rows::whole ? Texts::read : Texts::leave_out;
}

// Offline before all else, so that answers of a measured subset never replace those of all. What was measured
// under load left timings instead of answers.
Result<void> choose_evaluation(const Store& store, const EvaluationRow& evaluation, Cell& cell) {
  int64_t answered = 0;
  if (evaluation.scenario == "offline") {
    Result<AnswerCounts> answers = count_answers(store, evaluation.id);
    if (!answers) return forward_error(answers);
    answered = answers->answered;
  }
  const bool nothing_new = cell.present && (answered == 0 || cell.answered > 0);
  if (nothing_new) return {};
  cell.present = true;
  cell.evaluation = evaluation;
  cell.answered = answered;
  return {};
}

Result<void> read_outcome_of(const Store& store, Cell& cell) {
  auto results = read_results(store, cell.evaluation.id);
  if (!results) return forward_error(results);
  auto cost = read_cost(store, cell.evaluation.id);
  if (!cost) return forward_error(cost);
  cell.results = std::move(*results);
  cell.cost = std::move(*cost);
  return {};
}

// Times of two scenarios are not put together: the first one's stay.
Result<void> read_timings_of(const Store& store, const EvaluationRow& evaluation, std::string& scenario,
                             Cell& cell) {
  const bool other = !scenario.empty() && evaluation.scenario != scenario;
  if (evaluation.scenario == "offline" || other || !cell.timings.empty()) return {};
  auto timings = read_timings(store, evaluation.id);
  if (!timings) return forward_error(timings);
  if (timings->empty()) return {};
  auto load = read_results(store, evaluation.id);
  if (!load) return forward_error(load);
  cell.timings = std::move(*timings);
  cell.load = std::move(*load);
  scenario = evaluation.scenario;
  return {};
}

// Appends what one run planned.
Result<void> read_run(const Store& store, const std::string& name, RunContent& content) {
  auto run = find_run(store, name);
  if (!run) return forward_error(run);
  auto evaluations = read_evaluations(store, run->id);
  if (!evaluations) return forward_error(evaluations);
  if (evaluations->empty()) {
    return bad_input(store.file().string(), "the run '" + run->name + "' has no evaluation",
                     "a run with at least one model and task", "run it again with `sizeup run`");
  }
  auto groups = read_groups(store, run->id);
  if (!groups) return forward_error(groups);
  if (content.evaluations.empty()) content.run = std::move(*run);
  std::move(evaluations->begin(), evaluations->end(), std::back_inserter(content.evaluations));
  std::move(groups->begin(), groups->end(), std::back_inserter(content.groups));
  return {};
}

bool stands_before(const SampleRow& a, const SampleRow& b) {
  return std::tie(a.row, a.id) < std::tie(b.row, b.id);
}

// Whether the samples of all answers are among these; both stand in the order of the data.
bool hold_all(const std::vector<SampleRow>& samples, const std::vector<AnswerRow>& answers) {
  auto sample = samples.begin();
  return std::all_of(answers.begin(), answers.end(), [&](const AnswerRow& answer) {
    sample = std::find_if(sample, samples.end(),
                          [&](const SampleRow& known) { return known.id == answer.sample_id; });
    return sample != samples.end();
  });
}

void merge_samples(std::vector<SampleRow> added, std::vector<SampleRow>& out) {
  const auto middle = static_cast<std::ptrdiff_t>(out.size());
  std::move(added.begin(), added.end(), std::back_inserter(out));
  std::inplace_merge(out.begin(), out.begin() + middle, out.end(), stands_before);
  const auto same = [](const SampleRow& a, const SampleRow& b) { return a.id == b.id; };
  out.erase(std::unique(out.begin(), out.end(), same), out.end());
}

// What is read of the store, or why it could not be.
template <class Value>
Result<void> take(Result<Value> read, Value& out) {
  if (!read) return forward_error(read);
  out = std::move(*read);
  return {};
}

// Fills the cells' answers, and the samples of each task: over all models, each once, in the order of the
// data.
Result<void> read_rows(const Store& store, Rows rows, RunContent& content) {
  std::vector<StoreRead> reads;
  std::vector<const Cell*> first_cells(content.tasks.size());  // whose samples are read with the answers
  for (size_t task = 0; task < content.tasks.size(); ++task) {
    for (std::vector<Cell>& cells : content.cells) {
      Cell& cell = cells[task];
      if (!cell.present) continue;
      if (first_cells[task] == nullptr) {
        first_cells[task] = &cell;
        reads.emplace_back([&cell, &samples = content.samples[task], rows](const Store& from) {
          return take(read_samples(from, cell.evaluation.id, texts_of(rows)), samples);
        });
      }
      reads.emplace_back([&cell, rows](const Store& from) {
        return take(read_answers(from, cell.evaluation.id, texts_of(rows)), cell.answers);
      });
    }
  }
  if (auto read = read_at_once(store, reads); !read) return read;
  for (size_t task = 0; task < content.tasks.size(); ++task) {
    for (const std::vector<Cell>& cells : content.cells) {
      const Cell& cell = cells[task];
      const bool nothing_new = !cell.answers.empty() && hold_all(content.samples[task], cell.answers);
      if (!cell.present || &cell == first_cells[task] || nothing_new) continue;
      auto samples = read_samples(store, cell.evaluation.id, texts_of(rows));
      if (!samples) return forward_error(samples);
      merge_samples(std::move(*samples), content.samples[task]);
    }
  }
  return {};
}

}  // namespace

Result<RunContent> read_run_content(const Store& store, const std::vector<std::string>& runs, Rows rows) {
  RunContent content;
  for (const std::string& name : runs.empty() ? std::vector<std::string>{"latest"} : runs) {
    if (auto read = read_run(store, name, content); !read) return forward_error(read);
  }
  for (const EvaluationRow& evaluation : content.evaluations) {
    place_of(content.models, evaluation.model);
    place_of(content.tasks, evaluation.task);
  }
  content.cells.assign(content.models.size(), std::vector<Cell>(content.tasks.size()));
  for (const EvaluationRow& evaluation : content.evaluations) {
    Cell& cell =
        content.cells[place_of(content.models, evaluation.model)][place_of(content.tasks, evaluation.task)];
    if (auto done = choose_evaluation(store, evaluation, cell); !done) return forward_error(done);
    if (auto done = read_timings_of(store, evaluation, content.latency_scenario, cell); !done)
      return forward_error(done);
  }
  for (std::vector<Cell>& cells : content.cells) {
    for (Cell& cell : cells) {
      if (!cell.present) continue;
      if (auto done = read_outcome_of(store, cell); !done) return forward_error(done);
    }
  }
  content.samples.resize(content.tasks.size());
  if (rows != Rows::scores_alone) {
    if (auto read = read_rows(store, rows, content); !read) return forward_error(read);
  }
  if (auto scores = read_pair_scores(store, rows, content); !scores) return forward_error(scores);
  return content;
}

}  // namespace sizeup
