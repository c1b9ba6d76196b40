// Many HTTP requests at once on one thread, with libcurl. Redirects are not followed: what a request carries
// must not reach another address. Certificates are always checked.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sizeup {

struct TransferSettings {
  std::vector<std::string> headers;  // of every request: "Name: value"
  std::chrono::milliseconds connect_limit{15'000};
  std::chrono::milliseconds total_limit{600'000};
  std::string ca_file;  // instead of the machine's certificates
};

struct TransferEnd {
  enum class Kind {
    whole,      // the answer came to its end
    refused,    // the listener did not want more
    broken,     // no connection, or one that broke: another try may succeed
    timed_out,  // at the total limit
    hopeless,   // nothing another try could change: a certificate, headers without end
  };
  Kind kind = Kind::whole;
  int status = 0;       // 0: there was no answer
  std::string failure;  // in words; empty if whole
  std::optional<std::chrono::seconds> retry_after;
};

// Calls come from HttpTransfers::wait(), on its thread. They may start transfers, and must not cancel any.
class TransferListener {
 public:
  virtual ~TransferListener() = default;
  // Bytes of the body, unpacked; false ends the transfer.
  virtual bool on_bytes(int transfer, int status, std::string_view content_type, std::string_view bytes) = 0;
  virtual void on_end(int transfer, const TransferEnd& end) = 0;
};

// Connections are kept for later requests. For one thread, except wake().
class HttpTransfers {
 public:
  HttpTransfers(const TransferSettings& settings, TransferListener& listener);
  ~HttpTransfers();
  HttpTransfers(const HttpTransfers&) = delete;
  HttpTransfers& operator=(const HttpTransfers&) = delete;

  // A POST of JSON, or a GET if the body is empty. The number that names it until its end is small: numbers
  // are used again.
  int start(const std::string& url, std::string body);
  // Without on_end().
  void cancel(int transfer);
  // Moves bytes and calls the listener, until `until` at the latest; returns sooner when something happened.
  void wait(std::chrono::steady_clock::time_point until);
  // Ends a wait.
  void wake();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sizeup
