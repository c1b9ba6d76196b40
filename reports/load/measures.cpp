// Latency, cost, hallucination, and the leaderboard that shows some of each.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "harness/statistics/percentile.h"
#include "reports/load/load_parts.h"
#include "reports/text.h"

namespace sizeup {
namespace {

constexpr std::array kPercents = {50.0, 90.0, 95.0, 99.0};

ReportLatency summarise(int model, std::string quantity, const std::vector<double>& ms, bool with_curve) {
  ReportLatency out;
  out.model = model;
  out.quantity = std::move(quantity);
  out.n = static_cast<int64_t>(ms.size());
  for (const double percent : kPercents) {
    ReportPercentile percentile;
    percentile.percent = percent;
    percentile.estimate = percentile_estimate(ms, percent);
    percentile.needed = minimum_queries(percent);
    percentile.supported = enough_queries(out.n, percent);
    out.percentiles.push_back(percentile);
  }
  out.histogram = log_histogram(ms);
  if (!with_curve) return out;
  for (int percent = 0; percent <= 98; percent += 2) out.curve.push_back(sizeup::percentile(ms, percent));
  for (const double percent : {99.0, 99.8, 100.0}) out.curve.push_back(sizeup::percentile(ms, percent));
  return out;
}

// A request and its time to the full answer.
struct Due {
  double seconds = 0.0;
  double total_ms = 0.0;
};

void add_time_series(int model, std::vector<Due> requests, ReportData& data) {
  constexpr size_t kMostStretches = 20;
  constexpr size_t kFewest = 20;  // in each, for its p90
  const auto unknown = [](const Due& one) { return std::isnan(one.seconds); };
  std::erase_if(requests, unknown);
  const size_t stretches = std::min(kMostStretches, requests.size() / kFewest);
  if (stretches < 3) return;  // no line
  std::ranges::stable_sort(requests, {}, &Due::seconds);
  ReportTimeSeries series;
  series.model = model;
  for (size_t i = 0; i < stretches; ++i) {
    const size_t first = i * requests.size() / stretches;
    const size_t end = (i + 1) * requests.size() / stretches;
    std::vector<double> ms;
    double seconds = 0.0;
    for (size_t r = first; r < end; ++r) {
      ms.push_back(requests[r].total_ms);
      seconds += requests[r].seconds;
    }
    const auto n = static_cast<int64_t>(ms.size());
    series.stretches.push_back(
        {seconds / static_cast<double>(n), n, sizeup::percentile(ms, 50.0), sizeup::percentile(ms, 90.0)});
  }
  data.latency_over_time.push_back(std::move(series));
}

// The first evaluation that counts: value, standard error and n of what is averaged over tasks.
struct Averaged {
  Estimate estimate;
  GroupMember member;
};

Averaged averaged(const Cell& cell, const ReportTask& task, const ReportScore* score) {
  Averaged out;
  std::vector<double> values;
  for (const SampleScore& one : cell.scores) values.push_back(one.value);
  if (values.empty()) return out;
  // The stored headline where it is what is averaged, so that page and store print the same.
  const bool same = score != nullptr && task.metric == task.pair_metric && !std::isnan(score->headline.value);
  out.estimate = same ? score->headline : mean_estimate(values);
  const double error = standard_error(values);
  out.member = {out.estimate.value, std::isnan(error) ? 0.0 : error, out.estimate.n};
  return out;
}

const ReportScore* find_report_score(const ReportData& data, int model, int task) {
  for (const ReportScore& score : data.scores) {
    if (score.model == model && score.task == task) return &score;
  }
  return nullptr;
}

int64_t detail_number(const AnswerRow& answer, std::string_view name) {
  const std::string* text = find_detail(answer, name);
  int64_t value = 0;
  if (text != nullptr) std::from_chars(text->data(), text->data() + text->size(), value);
  return std::max<int64_t>(0, value);
}

struct HallucinationKind {
  const char* key;
  const char* kind;
  const char* meaning;
  const char* unit;
  // Adds one answer's part to the count.
  void (*add)(const AnswerRow& answer, HallucinationCount& count);
};

void add_closed_book(const AnswerRow& answer, HallucinationCount& count) {
  const double* score = find_score(answer, "hallucination_rate");
  if (score == nullptr) return;
  ++count.of;
  count.count += *score > 0.5 ? 1 : 0;
}

void add_unsupported(const AnswerRow& answer, HallucinationCount& count) {
  count.of += detail_number(answer, "claims");
  count.count += detail_number(answer, "claims_unsupported");
}

void add_fabricated(const AnswerRow& answer, HallucinationCount& count) {
  count.of += detail_number(answer, "fields_checkable");
  count.count += detail_number(answer, "fields_fabricated");
}

void add_unanswerable(const AnswerRow& answer, HallucinationCount& count) {
  const double* score = find_score(answer, "abstention");
  if (score == nullptr) return;
  ++count.of;
  count.count += *score < 0.5 ? 1 : 0;
}

constexpr std::array<HallucinationKind, 4> kKinds = {{
    {"closed_book", "Closed book", "wrong answer instead of “I do not know”", "questions", add_closed_book},
    {"unsupported", "From a passage", "claim with no support in the passage", "claims", add_unsupported},
    {"unanswerable", "Unanswerable", "answers a question that has no answer there", "questions",
     add_unanswerable},
    {"fabricated", "Extraction", "value that occurs nowhere in the source", "values", add_fabricated},
}};

// NULL costs are unknown; a sum with an unknown part, or over two currencies, is unknown too.
class CostSum {
 public:
  void add(const ReportCost& cost, std::optional<double> per_request, int64_t samples) {
    if (!first_ && cost.currency != currency_) known_ = false;
    currency_ = cost.currency;
    basis_ = first_ || basis_ == cost.basis ? cost.basis : "several prices";
    first_ = false;
    if (!per_request || samples <= 0) {
      known_ = false;
      return;
    }
    amount_ += *per_request * static_cast<double>(samples);
    samples_ += samples;
    if (cost.total) total_ += *cost.total;
    all_totals_ = all_totals_ && cost.total;
    // 1,000 c / right = price of 1,000 right answers: what the right ones must have been.
    if (cost.per_1000_correct && *cost.per_1000_correct > 0.0) {
      correct_ += *per_request * static_cast<double>(samples) * 1000.0 / *cost.per_1000_correct;
    } else {
      all_correct_ = false;
    }
  }

  ReportCost sum(int model) const {
    ReportCost out;
    out.model = model;
    out.basis = basis_;
    if (!known_ || samples_ == 0) return out;
    out.currency = currency_;
    out.per_1000 = 1000.0 * amount_ / static_cast<double>(samples_);
    if (all_correct_ && correct_ > 0.0) out.per_1000_correct = 1000.0 * amount_ / correct_;
    if (all_totals_) out.total = total_;
    return out;
  }

 private:
  bool first_ = true;
  bool known_ = true;
  bool all_totals_ = true;
  bool all_correct_ = true;
  double amount_ = 0.0;
  double total_ = 0.0;
  double correct_ = 0.0;
  int64_t samples_ = 0;
  std::string currency_;
  std::string basis_;
};

void add_load(const Cell& cell, int model, int task, ReportData& data) {
  const auto value = [&](const char* metric) -> std::optional<double> {
    for (const ResultRow& row : cell.load) {
      if (row.metric == metric && row.slice_field.empty()) return row.value;
    }
    return std::nullopt;
  };
  const std::optional<double> rate = value(kRequestsPerSecond);
  if (!rate) return;
  data.load.push_back({model, task, static_cast<int64_t>(cell.timings.size()), *rate, value(kGoodput),
                       value(kCorrectGoodput)});
}

}  // namespace

std::vector<std::string> invented_kinds(const AnswerRow& answer) {
  std::vector<std::string> out;
  for (const HallucinationKind& kind : kKinds) {
    HallucinationCount count;
    kind.add(answer, count);
    if (count.count > 0) out.emplace_back(kind.key);
  }
  return out;
}

void measure_latency(const RunContent& content, ReportData& data) {
  data.latency_scenario = content.latency_scenario;
  for (size_t model = 0; model < content.models.size(); ++model) {
    std::vector<double> first_token;
    std::vector<double> per_token;
    std::vector<double> full;
    std::vector<Due> requests;
    for (size_t task = 0; task < content.tasks.size(); ++task) {
      add_load(content.cells[model][task], static_cast<int>(model), static_cast<int>(task), data);
      const bool writes =
          data.tasks[task].output_type == "generate_until" || data.tasks[task].protocol == "generative";
      for (const TimingRow& timing : content.cells[model][task].timings) {
        full.push_back(timing.total_ms);
        requests.push_back({timing.due_ms / 1000.0, timing.total_ms});
        if (!writes) continue;
        first_token.push_back(timing.ttft_ms);
        if (timing.completion_tokens > 1 && timing.total_ms > timing.ttft_ms)
          per_token.push_back((timing.total_ms - timing.ttft_ms) / (timing.completion_tokens - 1));
      }
    }
    const int index = static_cast<int>(model);
    if (!first_token.empty()) data.latency.push_back(summarise(index, "first token", first_token, true));
    if (!per_token.empty())
      data.latency.push_back(summarise(index, "per token after the first", per_token, false));
    if (!full.empty()) data.latency.push_back(summarise(index, "full answer", full, true));
    // Where each waits for the one before, requests cannot pile up.
    if (content.latency_scenario.starts_with("server:")) add_time_series(index, std::move(requests), data);
  }
  if (data.latency.empty()) {
    data.missing.push_back(
        "Latency is measured one request at a time, or under load with --scenario: run again with "
        "latency_samples above 0, as is the default.");
  }
}

void sum_costs(const RunContent& content, ReportData& data) {
  std::vector<ReportCost> rows;
  bool any = false;
  for (size_t model = 0; model < content.models.size(); ++model) {
    CostSum sum;
    std::vector<ReportCost> by_task;
    for (size_t task = 0; task < content.tasks.size(); ++task) {
      const Cell& cell = content.cells[model][task];
      if (!cell.present) continue;
      ReportCost cost;
      cost.model = static_cast<int>(model);
      cost.task = static_cast<int>(task);
      cost.basis = cell.cost ? clean_name(cell.cost->basis) : "unknown";
      if (cell.cost) cost.measured = clean_name(cell.cost->measured);
      std::optional<double> per_request;
      if (cell.cost) {
        cost.currency = clean_name(cell.cost->currency.value_or(""));
        per_request = cell.cost->per_request;
        if (per_request) cost.per_1000 = 1000.0 * *per_request;
        cost.per_1000_correct = cell.cost->per_1000_correct;
        cost.total = cell.cost->total;
      }
      any = any || cost.per_1000;
      sum.add(cost, per_request, cell.answered);
      by_task.push_back(std::move(cost));
    }
    rows.push_back(sum.sum(static_cast<int>(model)));
    if (content.tasks.size() > 1) rows.insert(rows.end(), by_task.begin(), by_task.end());
  }
  if (any) {
    data.cost = std::move(rows);
  } else {
    data.missing.push_back(
        "Cost is unknown: put `prices:` into the run file (a price per hour, or per million tokens) and run "
        "again.");
  }
}

void count_hallucinations(const RunContent& content, ReportData& data) {
  for (size_t task = 0; task < content.tasks.size(); ++task) {
    for (const HallucinationKind& kind : kKinds) {
      ReportHallucination row;
      row.task = static_cast<int>(task);
      row.kind = kind.kind;
      row.meaning = kind.meaning;
      row.unit = kind.unit;
      row.sample_key = kind.key;
      bool any = false;
      for (const std::vector<Cell>& cells : content.cells) {
        HallucinationCount count;
        for (const AnswerRow& answer : cells[task].answers) kind.add(answer, count);
        if (count.of > 0) count.interval = wilson_interval(count.count, count.of);
        any = any || count.of > 0;
        row.models.push_back(count);
      }
      if (any) data.hallucination.push_back(std::move(row));
    }
  }
}

void rank_models(const RunContent& content, ReportData& data) {
  for (size_t model = 0; model < content.models.size(); ++model) {
    ReportLeader leader;
    leader.model = static_cast<int>(model);
    std::vector<GroupMember> members;
    Estimate only;
    int64_t answered = 0;
    int64_t unusable = 0;
    for (size_t task = 0; task < content.tasks.size(); ++task) {
      const ReportScore* score = find_report_score(data, leader.model, static_cast<int>(task));
      const Averaged one = averaged(content.cells[model][task], data.tasks[task], score);
      if (one.estimate.n > 0) {
        members.push_back(one.member);
        only = one.estimate;
      }
      if (score == nullptr) continue;
      answered += score->answered;
      unusable += score->no_answer + score->invalid + score->errors;
    }
    if (members.size() == 1) leader.accuracy = only;
    if (members.size() > 1) leader.accuracy = group_estimate(members);
    leader.unusable =
        answered > 0 ? static_cast<double>(unusable) / static_cast<double>(answered) : kNoNumber;
    for (const ReportCost& cost : data.cost) {
      if (cost.model == leader.model && cost.task < 0) leader.cost_per_1000 = cost.per_1000;
    }
    for (const ReportLatency& latency : data.latency) {
      if (latency.model != leader.model || latency.quantity != "full answer") continue;
      for (const ReportPercentile& percentile : latency.percentiles) {
        if (percentile.percent == 50.0 && percentile.supported) leader.p50_ms = percentile.estimate;
        if (percentile.percent == 95.0 && percentile.supported) leader.p95_ms = percentile.estimate;
      }
    }
    data.leaderboard.push_back(std::move(leader));
  }
  std::stable_sort(data.leaderboard.begin(), data.leaderboard.end(),
                   [](const ReportLeader& a, const ReportLeader& b) {
                     if (std::isnan(a.accuracy.value)) return false;
                     return std::isnan(b.accuracy.value) || a.accuracy.value > b.accuracy.value;
                   });
}

}  // namespace sizeup
