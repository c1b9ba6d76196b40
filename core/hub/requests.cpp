#include "core/hub/requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace sizeup {
namespace {

constexpr int kMaxFailures = 5;  // in a row: with doubled pauses, half a minute
constexpr std::chrono::milliseconds kMaxPause{60000};

// Ends early when a stop is requested.
void sleep_unless_stopped(std::chrono::milliseconds pause, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  condition.wait_for(lock, stop, pause, [] { return false; });
}

}  // namespace

bool may_pass(const HttpOutcome& outcome) {
  const int status = outcome.status;
  return !outcome.failure.empty() || status == 408 || status == 429 || status >= 500;
}

bool HubPatience::wait_after(const HttpOutcome& outcome) {
  if (outcome.stopped || settings_.stop.stop_requested() || ++failures_ >= kMaxFailures) return false;
  std::chrono::milliseconds pause = pause_;
  if (outcome.retry_after) pause = std::max<std::chrono::milliseconds>(pause, *outcome.retry_after);
  sleep_unless_stopped(std::min(pause, kMaxPause), settings_.stop);
  pause_ *= 2;
  return !settings_.stop.stop_requested();
}

void HubPatience::made_progress() {
  failures_ = 0;
  pause_ = settings_.first_pause;
}

tl::unexpected<Error> request_error(const HttpOutcome& outcome, const std::string& address,
                                    const std::string& subject, bool had_token) {
  if (outcome.stopped) {
    return tl::unexpected<Error>(
        {ErrorKind::interrupted, subject, "the download was interrupted", {}, "it continues where it was"});
  }
  if (!outcome.failure.empty()) {
    return unavailable(address, fmt::format("{}: {}", subject, outcome.failure),
                       "check the connection; what has arrived is kept, and --offline uses what is complete");
  }
  const std::string message = fmt::format("{}: the hub answers with status {}", subject, outcome.status);
  switch (outcome.status) {
    case 401:
    case 403:
      return unavailable(address, message + ", no access (or there is no such repository)",
                         had_token
                             ? "accept the repository's terms on its page with the account of your token"
                             : "check the name; a private or gated repository needs a token in HF_TOKEN");
    case 404:
      return unavailable(address, message + ", no such repository, revision or file", "check the name");
    case 429:
      return unavailable(address, message + ", too many requests", "wait a while and start again");
    default:
      return unavailable(address, message, "try again later; what has arrived is kept");
  }
}

Result<std::string> HubRequests::get_text(const std::string& path, const std::string& subject, size_t limit) {
  HubPatience patience(settings_);
  while (true) {
    std::string text;
    bool too_long = false;
    const HttpOutcome outcome = get(path, 0, [&](const HttpHead& head, std::string_view bytes) {
      revision_ = head.revision;
      too_long = text.size() + bytes.size() > limit;
      if (!too_long) text += bytes;
      return !too_long;
    });
    if (too_long) return unavailable(address(path), fmt::format("the answer has more than {} bytes", limit));
    unreachable_ = may_pass(outcome);
    if (!unreachable_ && outcome.status == 200) return text;
    if (!unreachable_ || !patience.wait_after(outcome)) {
      return request_error(outcome, address(path), subject, !settings_.token.empty());
    }
  }
}

}  // namespace sizeup
