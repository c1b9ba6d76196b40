// Quantisation ladders: what each step down costs, from answers, sizes and timings of the run.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/statistics/percentile.h"
#include "reports/load/load_parts.h"
#include "reports/load/same_weights.h"
#include "reports/text.h"

namespace sizeup {
namespace {

constexpr double kMilliseconds = 1000.0;

// Tokens a second of single requests. Written answers: the prompt up to the first token, then the others.
// Scored choices: all of the request, which is one prompt for each choice.
struct Rates {
  std::vector<double> prompt;
  std::vector<double> generation;

  void add(const TimingRow& timing, bool writes) {
    const double tokens = timing.prompt_tokens + (writes ? 0 : timing.completion_tokens);
    const double ms = writes ? timing.ttft_ms : timing.total_ms;
    if (tokens > 0.0 && ms > 0.0) prompt.push_back(kMilliseconds * tokens / ms);
    const double rest = timing.total_ms - timing.ttft_ms;
    if (writes && timing.completion_tokens > 1 && rest > 0.0) {
      generation.push_back(kMilliseconds * (timing.completion_tokens - 1) / rest);
    }
  }
};

void measure_rates(const RunContent& content, const ReportData& data, ReportRung& rung) {
  Rates rates;
  const bool alone = content.latency_scenario == "single";
  for (size_t task = 0; alone && task < data.tasks.size(); ++task) {
    const bool writes =
        data.tasks[task].output_type == "generate_until" || data.tasks[task].protocol == "generative";
    for (const TimingRow& timing : content.cells[static_cast<size_t>(rung.model)][task].timings) {
      rates.add(timing, writes);
    }
  }
  constexpr double kMedian = 50.0;
  if (!rates.prompt.empty()) rung.prompt_rate = percentile_estimate(rates.prompt, kMedian);
  if (!rates.generation.empty()) rung.generation_rate = percentile_estimate(rates.generation, kMedian);
  for (const ReportWork& work : data.work) {
    if (work.model != rung.model || work.scenario != "offline") continue;
    if (work.wall_ms > 0.0 && work.tokens_computed > 0) {
      rung.offline_rate = kMilliseconds * static_cast<double>(work.tokens_computed) / work.wall_ms;
    }
  }
}

// Fills the rung's differences; what they were computed from is returned for widening.
std::vector<Pairs> compare_with_base(const RunContent& content, const ReportData& data, int base,
                                     ReportRung& rung) {
  std::vector<Pairs> out;
  Pairs all;
  double margin = 1.0;
  for (size_t task = 0; task < data.tasks.size(); ++task) {
    PairedScores scores = paired_scores(content, task, rung.model, base);
    if (scores.pairs.empty()) continue;
    rung.differences.push_back(
        {difference_of(scores.pairs, data.tasks[task].margin), static_cast<int>(task), {}, {}});
    margin = std::min(margin, data.tasks[task].margin);
    all.append(scores.pairs);
    out.push_back(std::move(scores.pairs));
  }
  if (out.size() < 2) return out;
  rung.differences.push_back({difference_of(all, margin), -1, {}, {}});
  out.push_back(std::move(all));
  return out;
}

// Bonferroni over every difference of the ladder: whichever is lowest was looked for.
void widen(const std::vector<std::vector<Pairs>>& pairs, ReportLadder& ladder) {
  for (const std::vector<Pairs>& rung : pairs) ladder.comparisons += static_cast<int64_t>(rung.size());
  if (ladder.comparisons == 0) return;
  ladder.confidence = 1.0 - (1.0 - kConfidence) / static_cast<double>(ladder.comparisons);
  for (size_t r = 0; r < pairs.size(); ++r) {
    for (size_t d = 0; d < pairs[r].size(); ++d) {
      const PairedDifference wide = paired_difference(pairs[r][d], ladder.confidence);
      Interval& widened = ladder.rungs[r].differences[d].widened;
      widened = {wide.lo, wide.hi};
      if (ladder.first_loss < 0 && widened.hi < 0.0) ladder.first_loss = static_cast<int>(r);
    }
  }
}

// Most bytes first; of equal ones, products in float32 before others.
void sort_by_size(std::vector<int>& family, const std::vector<ReportModel>& models) {
  const auto key = [&](int index) {
    const ReportModel& model = models[static_cast<size_t>(index)];
    return std::pair(-model.bytes, model.precision != "float32");
  };
  std::stable_sort(family.begin(), family.end(), [&](int a, int b) { return key(a) < key(b); });
}

ReportLadder build(const RunContent& content, const ReportData& data, WeightFamily family) {
  ReportLadder ladder;
  ladder.reason = std::move(family.reason);
  sort_by_size(family.models, data.models);
  std::vector<std::vector<Pairs>> pairs;
  for (const int model : family.models) {
    ReportRung rung;
    rung.model = model;
    const auto leader = std::find_if(data.leaderboard.begin(), data.leaderboard.end(),
                                     [&](const ReportLeader& one) { return one.model == model; });
    if (leader != data.leaderboard.end()) {
      rung.accuracy = leader->accuracy;
      rung.cost_per_1000 = leader->cost_per_1000;
    }
    measure_rates(content, data, rung);
    const int base = family.models.front();
    pairs.push_back(model == base ? std::vector<Pairs>() : compare_with_base(content, data, base, rung));
    ladder.rungs.push_back(std::move(rung));
  }
  widen(pairs, ladder);
  return ladder;
}

Result<WeightFamily> named_family(const std::vector<std::string>& names, const ReportData& data) {
  WeightFamily family;
  family.reason = "named with --ladder";
  for (const std::string& name : names) {
    const auto model = std::find_if(data.models.begin(), data.models.end(),
                                    [&](const ReportModel& known) { return known.name == clean_name(name); });
    if (model == data.models.end()) {
      return usage_error(
          fmt::format("--ladder: no model of the run '{}' is named '{}'", data.run.name, name));
    }
    const int index = static_cast<int>(model - data.models.begin());
    if (std::find(family.models.begin(), family.models.end(), index) == family.models.end()) {
      family.models.push_back(index);
    }
  }
  if (family.models.size() < 2) return usage_error("--ladder: names at least two models of the run");
  return family;
}

}  // namespace

Result<void> build_ladders(const RunContent& content, const ReportOptions& options, ReportData& data) {
  std::vector<WeightFamily> families;
  if (options.ladder.empty()) {
    families = same_weights(content.models, data.models);
  } else {
    auto named = named_family(options.ladder, data);
    if (!named) return forward_error(named);
    families.push_back(std::move(*named));
  }
  for (WeightFamily& family : families) data.ladders.push_back(build(content, data, std::move(family)));
  return {};
}

}  // namespace sizeup
