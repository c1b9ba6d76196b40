#include "harness/serve/serve.h"

#include <atomic>
#include <chrono>
#include <ctime>
#include <exception>
#include <optional>
#include <thread>

#include "core/threads/deep_thread.h"
#include "harness/serve/http_server.h"
#include "harness/serve/request_queue.h"
#include "harness/serve/service.h"

namespace sizeup {
namespace {

// A prompt of a million tokens as a list of ids is about 8 MB; nobody sends more by intention.
constexpr size_t kMostBodyBytes = size_t{16} << 20;

// Connections beside those that wait for answers: they are told that the queue is full, or ask for metrics.
constexpr int kSpareConnections = 32;

constexpr std::chrono::milliseconds kLook{20};  // how late the end of something is seen

// The engine's run, on a thread of its own.
class RunningEngine {
 public:
  RunningEngine(Backend& backend, RequestQueue& queue, const RunOptions& options)
      : queue_(queue), thread_([this, &backend, options] {
          outcome_ = run(backend, options);
          // Nobody waits for answers that will never come; after an orderly end nobody does.
          queue_.fail(outcome_->has_value() ? ended() : outcome_->error());
          over_ = true;
        }) {}

  bool over() const { return over_; }
  // After queue.close(): answers what was asked.
  Result<RunCounts> finish() {
    thread_.join();
    return std::move(*outcome_);
  }

 private:
  static Error ended() { return unavailable("", "the engine has stopped").value(); }

  Result<RunCounts> run(Backend& backend, const RunOptions& options) {
    try {
      return backend.run(queue_, queue_, options, {});
    } catch (const std::exception& failure) {
      return unavailable("", std::string("the engine is broken: ") + failure.what());
    }
  }

  RequestQueue& queue_;
  std::optional<Result<RunCounts>> outcome_;
  std::atomic<bool> over_ = false;
  DeepThread thread_;  // last: it uses everything above
};

}  // namespace

Result<RunCounts> serve(Backend& backend, const ServeSettings& settings,
                        const std::function<void(int port)>& on_listening, const std::stop_token& stop) {
  require(backend.tokenizer() != nullptr, "a model that is served has a tokenizer");
  const int most = settings.max_concurrent + settings.queue;
  RequestQueue queue(static_cast<size_t>(most));
  Service service(served_model(backend, std::time(nullptr)), queue, settings.key);
  auto server = HttpServer::open({.host = settings.host,
                                  .port = settings.port,
                                  .connections = most + kSpareConnections,
                                  .most_body_bytes = kMostBodyBytes},
                                 [&service](const HttpCall& call) { return service.answer(call); });
  if (!server) return forward_error(server);
  RunOptions options = settings.engine;
  options.max_concurrent = settings.max_concurrent;
  RunningEngine engine(backend, queue, options);
  (*server)->start();
  on_listening((*server)->port());

  const auto accepting = [&] { return (*server)->accepting(); };
  while (!stop.stop_requested() && !engine.over() && accepting()) std::this_thread::sleep_for(kLook);
  const bool lost = !accepting();
  service.stop_admitting();
  while (service.unfinished() > 0) std::this_thread::sleep_for(kLook);
  (*server)->stop();
  queue.close();
  auto counts = engine.finish();
  if (counts && lost) return unavailable(settings.host, "the system accepts no more connections");
  return counts;
}

}  // namespace sizeup
