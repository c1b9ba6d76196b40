// Small first, on to large where small's answer may not do.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "harness/statistics/percentile.h"
#include "harness/store/model_text.h"
#include "reports/load/load_parts.h"
#include "reports/text.h"

namespace sizeup {
namespace {

// Fewer samples leave every share within every margin's reach: a report says nothing, the command does.
constexpr int64_t kFewestRouted = 100;

// The samples of some tasks that both models have a score for, as the signal and as the frontier see them.
struct Collected {
  std::vector<RouteSample> known;
  std::vector<RoutedSample> routed;  // without confidence
  std::vector<uint32_t> fitted;      // fitted_number of each document, sorted
};

class SampleCollector {
 public:
  struct Wanted {
    bool tokens = false;
    bool rejections = false;
  };
  SampleCollector(const Store& store, const RunContent& content, const ReportData& data, const Wanted& wanted)
      : store_(store), content_(content), data_(data), wanted_(wanted) {}

  Result<void> add(size_t task) {
    const Cell& small = content_.cells[static_cast<size_t>(data_.candidate)][task];
    const Cell& large = content_.cells[static_cast<size_t>(data_.baseline)][task];
    const ReportTask& about = data_.tasks[task];
    std::unordered_map<int64_t, SampleTokens> tokens;
    if (wanted_.tokens) {
      auto rows = read_sample_tokens(store_, small.evaluation.id);
      if (!rows) return forward_error(rows);
      for (const SampleTokens& row : *rows) tokens[row.sample] = row;
    }
    AnswersInOrder answers(small);
    const auto small_ms = times_of(small);
    const auto large_ms = times_of(large);
    const PairedScores paired = paired_scores(content_, task, data_.candidate, data_.baseline);
    for (size_t i = 0; i < paired.samples.size(); ++i) {
      const SampleRow& sample = *paired.samples[i];
      const AnswerRow& answer = answers.to(sample.id);
      const double score = paired.pairs.candidate[i];
      RouteSample known;
      known.facts.confidence = stated_confidence(answer, about.pair_metric);
      if (wanted_.rejections) known.facts.rejections = rejections_of(answer, score);
      known.facts.task = about.name;
      known.facts.slices = &sample.slices;
      if (const auto row = tokens.find(sample.id); row != tokens.end()) {
        known.facts.input_tokens = static_cast<double>(row->second.input);
        known.facts.output_tokens = static_cast<double>(row->second.output);
      }
      known.small = score;
      known.document = first_document_ + paired.pairs.documents[i];
      out_.known.push_back(known);
      out_.fitted.push_back(fitted_number(sample.document_hash));
      out_.routed.push_back({0.0, score, paired.pairs.baseline[i], known.document, cost_of(small),
                             cost_of(large), at(small_ms, sample.id), at(large_ms, sample.id)});
    }
    first_document_ += static_cast<int64_t>(content_.samples[task].size());
    return {};
  }

  Collected take() {
    std::sort(out_.fitted.begin(), out_.fitted.end());
    out_.fitted.erase(std::unique(out_.fitted.begin(), out_.fitted.end()), out_.fitted.end());
    return std::move(out_);
  }

 private:
  static std::unordered_map<int64_t, double> times_of(const Cell& cell) {
    std::unordered_map<int64_t, double> out;
    for (const TimingRow& timing : cell.timings) out[timing.sample_id] = timing.total_ms;
    return out;
  }

  static double at(const std::unordered_map<int64_t, double>& values, int64_t sample) {
    const auto found = values.find(sample);
    return found == values.end() ? kNoNumber : found->second;
  }

  static double cost_of(const Cell& cell) {
    return cell.cost && cell.cost->per_request ? *cell.cost->per_request : kNoNumber;
  }

  const Store& store_;
  const RunContent& content_;
  const ReportData& data_;
  Wanted wanted_;
  int64_t first_document_ = 0;
  Collected out_;
};

bool states_confidence(const Cell& cell, const ReportTask& task) {
  return std::any_of(cell.answers.begin(), cell.answers.end(), [&](const AnswerRow& answer) {
    return !std::isnan(stated_confidence(answer, task.pair_metric));
  });
}

// Confidences of two kinds have no common threshold, nor a common weight.
bool is_one_kind(RouteSignal::Kind signal) {
  return signal == RouteSignal::Kind::confidence || signal == RouteSignal::Kind::learned;
}

class Routing {
 public:
  Routing(const Store& store, const RunContent& content, const ReportOptions& options, ReportData& data)
      : store_(store), content_(content), options_(options.route), data_(data) {}

  // Of the report: nothing where the data do not reach; the section on confidence says what is missing.
  Result<void> of_report() {
    if (!data_.is_pair()) return {};
    choose_tasks();
    if (out_.tasks.empty() || out_.n < kFewestRouted) return {};
    return measure();
  }

  Result<void> of_command() {
    if (!data_.is_pair())
      return usage_error(fmt::format("the run '{}' has one model", data_.run.name),
                         "routing is between two models of a run");
    if (auto named = take_named_tasks(); !named) return named;
    if (options_.tasks.empty()) choose_tasks();
    if (options_.signal.kind == RouteSignal::Kind::verifier && options_.rejections.empty())
      return usage_error("a verifier rejects answers for a reason, and none is given",
                         fmt::format("--reject with some of {}", fmt::join(kRejections, ", ")));
    if (out_.n == 0)
      return usage_error("no task has answers of both models by one protocol that can be compared",
                         "run both models on the same tasks");
    return measure();
  }

 private:
  std::string kind_of(size_t task) const {
    const Cell& small = content_.cells[static_cast<size_t>(data_.candidate)][task];
    if (!states_confidence(small, data_.tasks[task])) return {};
    return std::string(confidence_kind(data_.tasks[task]));
  }

  // Samples that both models have a score for.
  int64_t pairs_of(size_t task) const {
    for (const ReportDifference& difference : data_.differences) {
      if (difference.task == static_cast<int>(task)) return difference.result.difference.n;
    }
    return 0;
  }

  // All tasks; of a signal that is one kind of confidence, those whose kind has the most samples.
  void choose_tasks() {
    std::vector<std::pair<std::string, int64_t>> kinds;  // in the order of the tasks
    std::vector<std::string> kind_of_task;
    std::vector<int64_t> pairs;
    for (size_t task = 0; task < data_.tasks.size(); ++task) {
      pairs.push_back(pairs_of(task));
      kind_of_task.push_back(is_one_kind(options_.signal.kind) ? kind_of(task) : std::string());
      const auto known = std::find_if(kinds.begin(), kinds.end(),
                                      [&](const auto& kind) { return kind.first == kind_of_task.back(); });
      if (known == kinds.end()) {
        kinds.emplace_back(kind_of_task.back(), pairs.back());
      } else {
        known->second += pairs.back();
      }
    }
    // No confidence is a kind for a learned score, not for confidence itself.
    const bool needs_one = options_.signal.kind == RouteSignal::Kind::confidence;
    const std::pair<std::string, int64_t>* best = nullptr;
    for (const auto& kind : kinds) {
      if (needs_one && kind.first.empty()) continue;
      if (best == nullptr || kind.second > best->second) best = &kind;
    }
    if (best == nullptr) return;
    out_.kind = best->first;
    for (size_t task = 0; task < data_.tasks.size(); ++task) {
      if (pairs[task] == 0) continue;
      const bool chosen = kind_of_task[task] == out_.kind;
      (chosen ? out_.n : out_.left_out) += pairs[task];
      if (chosen) out_.tasks.push_back(static_cast<int>(task));
    }
  }

  Result<void> take_named_tasks() {
    for (const std::string& name : options_.tasks) {
      const auto task = std::find_if(data_.tasks.begin(), data_.tasks.end(),
                                     [&](const ReportTask& known) { return known.name == clean_name(name); });
      if (task == data_.tasks.end()) {
        std::vector<std::string> names;
        for (const ReportTask& known : data_.tasks) names.push_back(known.name);
        return usage_error(fmt::format("no task of the run '{}' is named '{}'", data_.run.name, name),
                           fmt::format("its tasks are: {}", fmt::join(names, ", ")));
      }
      const auto index = static_cast<size_t>(task - data_.tasks.begin());
      const std::string kind = is_one_kind(options_.signal.kind) ? kind_of(index) : std::string();
      const bool named_twice =
          std::find(out_.tasks.begin(), out_.tasks.end(), static_cast<int>(index)) != out_.tasks.end();
      if (named_twice) continue;
      if (!out_.tasks.empty() && kind != out_.kind)
        return usage_error("the tasks named do not state one kind of confidence, which no threshold fits",
                           "route them one at a time, or by length, slice or verifier");
      out_.kind = kind;
      out_.tasks.push_back(static_cast<int>(index));
      out_.n += pairs_of(index);
    }
    return {};
  }

  Result<void> measure() {
    const RouteSignal::Kind kind = options_.signal.kind;
    const bool learned = kind == RouteSignal::Kind::learned;
    SampleCollector collector(store_, content_, data_,
                              {.tokens = learned || kind == RouteSignal::Kind::length,
                               .rejections = learned || !options_.rejections.empty()});
    for (const int task : out_.tasks) {
      if (auto added = collector.add(static_cast<size_t>(task)); !added) return added;
    }
    Collected samples = collector.take();
    Result<RouteScores> scores = score_samples(samples.known, options_.signal);
    if (!scores) return forward_error(scores);
    for (size_t i = 0; i < samples.routed.size(); ++i) {
      const double score = scores->cross_fitted[i];
      const bool rejected = (samples.known[i].facts.rejections & wanted_rejections()) != 0;
      samples.routed[i].confidence = rejected || std::isnan(score) ? 0.0 : score;
    }
    out_.signal = options_.signal.name();
    out_.rejections = options_.rejections;
    out_.small_reference = without_name(content_.models[static_cast<size_t>(data_.candidate)]);
    out_.large_reference = without_name(content_.models[static_cast<size_t>(data_.baseline)]);
    out_.scorer = std::move(scores->scorer);
    out_.fitted = std::move(samples.fitted);
    set_currency();
    out_.margin = 1.0;
    for (const int task : out_.tasks)
      out_.margin = std::min(out_.margin, data_.tasks[static_cast<size_t>(task)].margin);
    if (options_.margin) out_.margin = *options_.margin;
    set_frontier(samples.known, samples.routed);
    data_.routing = std::move(out_);
    return {};
  }

  uint32_t wanted_rejections() const {
    uint32_t wanted = 0;
    for (const size_t rejection : options_.rejections) wanted |= uint32_t{1} << rejection;
    return wanted;
  }

  // Amounts in several currencies are no amount.
  void set_currency() {
    std::vector<std::string> currencies;
    for (const int task : out_.tasks) {
      for (const int model : {data_.candidate, data_.baseline}) {
        const Cell& cell = content_.cells[static_cast<size_t>(model)][static_cast<size_t>(task)];
        currencies.push_back(cell.cost && cell.cost->per_request ? cell.cost->currency.value_or("") : "");
      }
    }
    const bool one =
        std::adjacent_find(currencies.begin(), currencies.end(), std::not_equal_to<>()) == currencies.end();
    if (one) out_.currency = clean_name(currencies.front());
  }

  void set_frontier(const std::vector<RouteSample>& samples, std::vector<RoutedSample>& routed) {
    if (out_.currency.empty()) {
      for (RoutedSample& sample : routed) sample.small_cost = sample.large_cost = kNoNumber;
    }
    out_.n = static_cast<int64_t>(routed.size());
    out_.frontier = routing_frontier(routed);
    out_.apgr = apgr_estimate(routed);
    out_.share_for_half = share_for_estimate(routed, 0.5);
    out_.share_for_80 = share_for_estimate(routed, 0.8);
    // As in the section on latency: no percentile that the number of requests does not support.
    if (!enough_queries(static_cast<int64_t>(routed_times(routed, 0).size()), 95.0)) {
      for (RoutePoint& point : out_.frontier.points) point.p95_ms = kNoNumber;
    }
    double large_cost = 0.0;
    for (const RoutedSample& sample : routed) large_cost += sample.large_cost;
    out_.large_cost = large_cost / static_cast<double>(routed.size());
    out_.chosen = least_share_within(out_.frontier, out_.margin);
    if (options_.share) {
      out_.asked_for = true;
      out_.chosen = static_cast<size_t>(std::llround(100.0 * *options_.share));
    }
    if (!out_.chosen) return;
    const auto percent = static_cast<int>(*out_.chosen);
    const std::vector<double> scores = routed_scores(routed, percent);
    Pairs pairs;
    for (size_t i = 0; i < routed.size(); ++i) pairs.add(scores[i], routed[i].large, routed[i].document);
    out_.kept = retention(pairs);
    out_.share = share_estimate(routed, percent);
    out_.saving = saving_estimate(routed, percent);
    out_.p95_ms = percentile_estimate(routed_times(routed, percent), 95.0);
    split_by_task(samples, pairs);
  }

  // The samples of a task stand together, in the order of the tasks.
  void split_by_task(const std::vector<RouteSample>& samples, const Pairs& pairs) {
    size_t at = 0;
    for (const int task : out_.tasks) {
      Pairs own;
      const std::string& name = data_.tasks[static_cast<size_t>(task)].name;
      for (; at < pairs.size() && samples[at].facts.task == name; ++at)
        own.add(pairs.candidate[at], pairs.baseline[at], pairs.documents[at]);
      const Estimate accuracy =
          own.has_repeats() ? clustered_estimate(own.candidate, own.documents) : mean_estimate(own.candidate);
      out_.by_task.push_back({task, accuracy, paired_difference(own)});
    }
  }

  const Store& store_;
  const RunContent& content_;
  const RouteOptions& options_;
  ReportData& data_;
  ReportRouting out_;
};

}  // namespace

Result<void> measure_routing(const Store& store, const RunContent& content, const ReportOptions& options,
                             ReportData& data) {
  return Routing(store, content, options, data).of_report();
}

Result<void> route_pair(const Store& store, const RunContent& content, const ReportOptions& options,
                        ReportData& data) {
  return Routing(store, content, options, data).of_command();
}

}  // namespace sizeup
