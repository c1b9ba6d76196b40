// How a run tells what it is doing; drawing it is the caller's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sizeup {

// One pass is one model in one scenario over all tasks. Only what is committed to the store counts as done.
struct Progress {
  std::string model;
  std::string scenario;       // "offline", or that of the latencies
  int64_t samples_done = 0;   // of this pass, those from an earlier run or the store included
  int64_t samples_total = 0;  // of this pass
  int64_t pass = 0;           // from 1
  int64_t passes = 0;
  double tokens_per_second = 0.0;      // prompt and answer tokens of arrived responses; 0: none yet
  std::optional<double> seconds_left;  // of this pass; nothing before the first sample is done
};

// Calls come from any thread, one at a time.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  virtual void on_progress(const Progress& progress) = 0;
  virtual void on_message(const std::string& text) = 0;  // one line: the protocol, what is resumed, warnings
};

}  // namespace sizeup
