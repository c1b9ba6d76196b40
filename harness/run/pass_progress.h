// Turns commits into progress: counts, rate and time left of the pass that is running.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "harness/run/collector.h"
#include "harness/run/progress.h"
#include "harness/store/writer.h"

namespace sizeup {

class PassProgress {
 public:
  using Clock = std::chrono::steady_clock;

  PassProgress(ProgressSink& sink, int64_t passes) : sink_(sink) { progress_.passes = passes; }

  // A pass of `total` samples begins.
  void begin(const std::string& model, const std::string& scenario, int64_t total);
  // So many of them turn out to be finished by an earlier run.
  void found_done(int64_t samples);
  // The tokens of this pass are counted here until end().
  void count(const PassUsage& usage);
  void end();

  void on_commit(const Committed& committed, Clock::time_point now = Clock::now());
  void message(const std::string& text);

 private:
  void report(Clock::time_point now);

  ProgressSink& sink_;
  std::mutex mutex_;
  Progress progress_;
  const PassUsage* usage_ = nullptr;
  int64_t done_before_ = 0;       // samples of this pass that no commit of this pass stands for
  int64_t committed_ = 0;         // answers and timings, over all passes
  int64_t committed_before_ = 0;  // of them, before this pass
  Clock::time_point started_;
};

}  // namespace sizeup
