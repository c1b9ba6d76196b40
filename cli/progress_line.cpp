#include "cli/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace sizeup::cli {
namespace {

// A terminal is redrawn as often as an eye follows; a log file gets a line now and then.
constexpr std::chrono::milliseconds kRedraw{200};
constexpr std::chrono::seconds kLogEvery{15};

std::string duration(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  return fmt::format("{} min {:02} s", whole / 60, whole % 60);
}

std::string line_of(const Progress& progress) {
  std::string line =
      fmt::format("[{}/{}] {} · {} · {} of {} samples", progress.pass, progress.passes, progress.model,
                  progress.scenario, progress.samples_done, progress.samples_total);
  if (progress.tokens_per_second > 0) line += fmt::format(" · {:.0f} tokens/s", progress.tokens_per_second);
  if (progress.seconds_left) line += fmt::format(" · {} left", duration(*progress.seconds_left));
  return line;
}

}  // namespace

ProgressLine::ProgressLine() : terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  clear();
}

void ProgressLine::clear() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
  drawn_ = false;
}

void ProgressLine::on_progress(const Progress& progress) {
  const auto now = std::chrono::steady_clock::now();
  const bool finished = progress.samples_done == progress.samples_total;
  if (finished && finished_pass_ == progress.pass) return;
  if (finished) finished_pass_ = progress.pass;
  if (terminal_) {
    if (!finished && now - last_ < kRedraw) return;
    fmt::print(stderr, "\r\033[K{}", line_of(progress));
    std::fflush(stderr);
    drawn_ = true;
  } else {
    if (!finished && now - last_ < kLogEvery) return;
    fmt::print(stderr, "{}\n", line_of(progress));
  }
  last_ = now;
}

void ProgressLine::on_message(const std::string& text) {
  clear();
  fmt::print(stderr, "{}\n", text);
}

}  // namespace sizeup::cli
