// Requests to the hub with patience: what may go away by itself is tried again, what will not is an error.
#pragma once

#include <string>

#include "core/errors/result.h"
#include "core/http/http.h"
#include "core/hub/settings.h"

namespace sizeup {

// Counts failures in a row and waits longer after each.
class HubPatience {
 public:
  explicit HubPatience(const HubSettings& settings) : settings_(settings), pause_(settings.first_pause) {}

  // Whether the request may be repeated; waits first, as long as the server asks for within reason.
  // Nothing is repeated after a stop.
  bool wait_after(const HttpOutcome& outcome);

  void made_progress();

 private:
  const HubSettings& settings_;
  std::chrono::milliseconds pause_;
  int failures_ = 0;
};

// No connection, a broken one, or a status that another try may change (408, 429, 5xx).
bool may_pass(const HttpOutcome& outcome);

// The error for what a request of `subject` came to: place, what happened, what to do.
tl::unexpected<Error> request_error(const HttpOutcome& outcome, const std::string& address,
                                    const std::string& subject, bool had_token);

class HubRequests {
 public:
  explicit HubRequests(const HubSettings& settings)
      : settings_(settings), client_(settings.stall, settings.stop) {}

  // Below the endpoint.
  std::string address(const std::string& path) const { return settings_.endpoint + "/" + path; }

  // One try, from byte `from` on.
  HttpOutcome get(const std::string& path, int64_t from, const HttpBody& body) {
    return client_.get({address(path), settings_.token, from}, body);
  }

  // The whole body, of at most `limit` bytes. `subject` is named in errors.
  Result<std::string> get_text(const std::string& path, const std::string& subject, size_t limit);

  // Of the last get_text.
  const std::string& revision() const { return revision_; }

  // Whether the last get_text failed because nobody answered, or only with "not now".
  bool unreachable() const { return unreachable_; }

  const HubSettings& settings() const { return settings_; }

 private:
  const HubSettings& settings_;
  HttpClient client_;
  bool unreachable_ = false;
  std::string revision_;
};

}  // namespace sizeup
