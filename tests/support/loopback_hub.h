// A Hugging Face hub of one repository on a loopback port, which can be told to misbehave.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace sizeup {

struct LoopbackRequest {
  std::string target;  // "/org/tiny/resolve/..."
  std::string head;    // the request's lines as they came

  std::string header(const std::string& name) const;  // empty if it is not there
  bool is_file(const std::string& path) const { return target.ends_with("/" + path); }
};

struct LoopbackReply {
  int status = 200;
  std::vector<std::string> headers = {};
  std::string body = {};
  std::optional<size_t> claimed_length = {};  // another Content-Length than the body's
  std::optional<size_t> cut_after = {};       // bytes of the body, after which the connection is closed
  bool with_length = true;                    // false: the end of the connection is the end of the body
};

// Serves on a thread of its own, a connection at a time, until it is destroyed.
class LoopbackHub {
 public:
  LoopbackHub();
  ~LoopbackHub();
  LoopbackHub(const LoopbackHub&) = delete;
  LoopbackHub& operator=(const LoopbackHub&) = delete;

  std::string endpoint() const;  // "http://127.0.0.1:PORT"

  // The repository; change it between requests only.
  std::string repository = "org/tiny";
  std::string commit = "0123456789abcdef0123456789abcdef01234567";
  std::map<std::string, std::string> files;        // content by path
  std::set<std::string> large;                     // paths of files that are listed with a SHA-256
  std::map<std::string, size_t> claimed_sizes;     // where the listing lies
  std::map<std::string, std::string> claimed_ids;  // the same, of SHA-256 or Git id

  // Sees each reply before it is sent, and may change it.
  std::function<void(const LoopbackRequest&, LoopbackReply&)> on_reply;

  std::vector<LoopbackRequest> requests() const;  // so far
  size_t requests_of(const std::string& path) const;

 private:
  void serve();
  void answer(int connection);
  LoopbackReply reply_to(const LoopbackRequest& request) const;
  std::string listing() const;

  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> done_ = false;
  mutable std::mutex mutex_;
  std::vector<LoopbackRequest> requests_;
  std::thread thread_;
};

}  // namespace sizeup
