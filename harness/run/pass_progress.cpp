#include "harness/run/pass_progress.h"

namespace sizeup {

void PassProgress::begin(const std::string& model, const std::string& scenario, int64_t total) {
  const std::lock_guard lock(mutex_);
  progress_.model = model;
  progress_.scenario = scenario;
  progress_.samples_total = total;
  progress_.samples_done = 0;
  ++progress_.pass;
  done_before_ = 0;
  committed_before_ = committed_;
  started_ = Clock::now();
  report(started_);
}

void PassProgress::found_done(int64_t samples) {
  if (samples == 0) return;
  const std::lock_guard lock(mutex_);
  done_before_ += samples;
  progress_.samples_done += samples;
  report(Clock::now());
}

void PassProgress::count(const PassUsage& usage) {
  const std::lock_guard lock(mutex_);
  usage_ = &usage;
}

void PassProgress::end() {
  const std::lock_guard lock(mutex_);
  report(Clock::now());
  usage_ = nullptr;
}

void PassProgress::on_commit(const Committed& committed, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  committed_ = committed.answers + committed.timings;
  progress_.samples_done = done_before_ + committed_ - committed_before_;
  report(now);
}

void PassProgress::message(const std::string& text) {
  const std::lock_guard lock(mutex_);
  sink_.on_message(text);
}

void PassProgress::report(Clock::time_point now) {
  const double seconds = std::chrono::duration<double>(now - started_).count();
  const auto tokens = usage_ == nullptr ? 0.0 : static_cast<double>(usage_->tokens.load());
  progress_.tokens_per_second = seconds > 0 ? tokens / seconds : 0.0;
  const auto fresh = static_cast<double>(progress_.samples_done - done_before_);
  progress_.seconds_left.reset();
  if (fresh > 0) {
    const auto left = static_cast<double>(progress_.samples_total - progress_.samples_done);
    progress_.seconds_left = seconds * left / fresh;
  }
  sink_.on_progress(progress_);
}

}  // namespace sizeup
