#include "backends/cuda/delta_plan.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <type_traits>

namespace sizeup::cuda {

static_assert(std::is_trivially_copyable_v<StateRun> && sizeof(StateRun) == 6 * sizeof(int32_t) &&
              alignof(StateRun) == alignof(int32_t));

DeltaPlan::DeltaPlan(const StateRuns& runs, int rows, int taps) {
  shape_.kept = taps - 1;
  shape_.rows = rows;
  shape_.chains = runs.chains();
  const auto kept = static_cast<size_t>(shape_.kept);
  std::vector<int32_t> sources(static_cast<size_t>(rows) * kept);
  std::map<int32_t, std::vector<int32_t>> windows;  // of states that the step has changed
  for (const StateRun& run : runs.runs) {
    std::vector<int32_t> window(kept, kZeroSource);
    if (!run.from_zero) {
      const auto known = windows.find(run.state);
      for (size_t i = 0; i < kept; ++i) {
        window[i] = known != windows.end() ? known->second[i]
                                           : kept_source(run.state, static_cast<int>(i), shape_.kept);
      }
    }
    for (int32_t row = run.first_row; row < run.first_row + run.rows; ++row) {
      std::ranges::copy(window,
                        sources.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(row) * kept));
      if (kept == 0) continue;
      std::rotate(window.begin(), window.begin() + 1, window.end());
      window.back() = row;
    }
    for (int32_t f = run.first_fork; f < run.end_fork; ++f)
      windows[runs.forks[static_cast<size_t>(f)]] = window;
    windows[run.state] = std::move(window);
  }
  std::vector<int32_t> window_states;
  std::vector<int32_t> window_sources;
  if (kept > 0) {
    for (const auto& [state, window] : windows) {
      window_states.push_back(state);
      window_sources.insert(window_sources.end(), window.begin(), window.end());
    }
  }
  shape_.windows = static_cast<int>(window_states.size());
  std::vector<int32_t> run_words(runs.runs.size() * sizeof(StateRun) / sizeof(int32_t), 0);
  if (!run_words.empty()) std::memcpy(run_words.data(), runs.runs.data(), run_words.size() * sizeof(int32_t));
  sources_ = append(sources);
  window_states_ = append(window_states);
  window_sources_ = append(window_sources);
  chain_begin_ = append(runs.chain_begin);
  runs_ = append(run_words);
  forks_ = append(runs.forks);
}

size_t DeltaPlan::append(const std::vector<int32_t>& words) {
  const size_t begin = words_.size();
  words_.insert(words_.end(), words.begin(), words.end());
  return begin;
}

DeltaPlanView DeltaPlan::view(const int32_t* words) const {
  DeltaPlanView view = shape_;
  view.sources = words + sources_;
  view.window_states = words + window_states_;
  view.window_sources = words + window_sources_;
  view.chain_begin = words + chain_begin_;
  view.runs = reinterpret_cast<const StateRun*>(words + runs_);
  view.forks = words + forks_;
  return view;
}

}  // namespace sizeup::cuda
