#include "harness/serve/metrics.h"

#include <fmt/format.h>

#include <string_view>

namespace sizeup {
namespace {

std::string head(std::string_view name, std::string_view type, std::string_view help) {
  return fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

std::string line(std::string_view name, std::string_view type, std::string_view help, int64_t value) {
  return head(name, type, help) + fmt::format("{} {}\n", name, value);
}

}  // namespace

void ServeMetrics::Histogram::add(double seconds) {
  for (size_t i = 0; i < kBounds.size(); ++i) counts[i] += seconds <= kBounds[i] ? 1 : 0;
  ++count;
  sum += seconds;
}

std::string ServeMetrics::Histogram::text(const std::string& name, const std::string& help) const {
  std::string lines = head(name, "histogram", help);
  for (size_t i = 0; i < kBounds.size(); ++i) {
    lines += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", name, kBounds[i], counts[i]);
  }
  lines += fmt::format("{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2}\n{0}_count {1}\n", name, count, sum);
  return lines;
}

void ServeMetrics::add_reply(const std::string& route, int status) {
  const std::lock_guard lock(mutex_);
  ++replies_[{route, status}];
}

void ServeMetrics::add_tokens(int64_t prompt, int64_t completion) {
  const std::lock_guard lock(mutex_);
  prompt_tokens_ += prompt;
  completion_tokens_ += completion;
}

void ServeMetrics::add_cancelled() {
  const std::lock_guard lock(mutex_);
  ++cancelled_;
}

void ServeMetrics::add_latency(double first_seconds, double total_seconds) {
  const std::lock_guard lock(mutex_);
  first_.add(first_seconds);
  total_.add(total_seconds);
}

std::string ServeMetrics::text(const RequestQueue::Load& load) const {
  const std::lock_guard lock(mutex_);
  std::string lines = head("sizeup_replies_total", "counter", "Replies by route and HTTP status.");
  for (const auto& [key, count] : replies_) {
    lines +=
        fmt::format("sizeup_replies_total{{route=\"{}\",status=\"{}\"}} {}\n", key.first, key.second, count);
  }
  lines += line("sizeup_prompt_tokens_total", "counter", "Tokens of answered prompts.", prompt_tokens_);
  lines += line("sizeup_completion_tokens_total", "counter", "Tokens generated.", completion_tokens_);
  lines += line("sizeup_cancelled_total", "counter", "Bodies whose client went away before the reply.",
                cancelled_);
  lines += line("sizeup_requests_running", "gauge", "Answers that the engine works on.",
                static_cast<int64_t>(load.running));
  lines += line("sizeup_requests_waiting", "gauge", "Answers in line for the engine.",
                static_cast<int64_t>(load.waiting));
  lines += first_.text("sizeup_first_token_seconds", "From a body's arrival to its first token or score.");
  lines += total_.text("sizeup_reply_seconds", "From a body's arrival to its last answer.");
  return lines;
}

}  // namespace sizeup
