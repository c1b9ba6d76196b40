// Progress of a run on standard error: one line that is redrawn on a terminal, a line now and then elsewhere.
#pragma once

#include <chrono>

#include "harness/run/progress.h"

namespace sizeup::cli {

class ProgressLine : public ProgressSink {
 public:
  ProgressLine();
  ~ProgressLine() override;
  void on_progress(const Progress& progress) override;
  void on_message(const std::string& text) override;

 private:
  void clear();

  bool terminal_ = false;
  bool drawn_ = false;
  int64_t finished_pass_ = 0;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace sizeup::cli
