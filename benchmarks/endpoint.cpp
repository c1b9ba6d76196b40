// Requests to an endpoint: processor time of the thread that asks, a request, against a server on another
// thread that answers after a pause, so that many requests are on their way at once.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "backends/openai/openai_backend.h"
#include "tests/support/scripted_endpoint.h"

namespace sizeup {
namespace {

using std::chrono::milliseconds;

constexpr uint64_t kRequests = 4000;
constexpr milliseconds kPause{2};  // between pieces, and before the first

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::vector<Request> requests(uint64_t count) {
  std::vector<Request> out;
  for (uint64_t id = 0; id < count; ++id) {
    Generate ask;
    ask.prompt = std::vector<ChatMessage>{{"user", std::string(2000, 'x')}};
    Request request;
    request.id = id;
    request.ask = std::move(ask);
    out.push_back(std::move(request));
  }
  return out;
}

Result<std::unique_ptr<Backend>> open_backend(const ScriptedEndpoint& server, int64_t at_once,
                                              const char* options) {
  setenv("HF_HOME", (std::filesystem::temp_directory_path() / "sizeup-bench").c_str(), 1);
  const auto reference = ModelReference::parse("openai:tiny?base_url=" + server.base_url() +
                                               "&api=chat&concurrency=" + std::to_string(at_once) + options);
  return open_endpoint(*reference);
}

// Arguments: requests at once, pieces of a streamed answer (0: one object).
void endpoint_requests(benchmark::State& state) {
  const auto pieces = static_cast<size_t>(state.range(1));
  std::vector<std::string> texts(pieces, chat_delta(" word"));
  texts.push_back(chat_end());
  texts.push_back(chat_usage(500, static_cast<int>(pieces)) + std::string(kDone));
  EndpointScript answer = event_stream(texts, kPause);
  if (pieces == 0) {
    answer = json_answer(chat_json("a word or two"));
    answer.steps.front().pause = milliseconds(100);
  }
  const ScriptedEndpoint server([&](const EndpointRequest& request) {
    return request.number == 0 ? plain_chat_server(request) : answer;
  });
  auto backend = open_backend(server, state.range(0), pieces == 0 ? "&stream=no" : "");
  if (!backend) {
    state.SkipWithError(describe(backend.error()).c_str());
    return;
  }
  double seconds = 0;
  int64_t failed = 0;
  for (auto _ : state) {
    ListSource source(requests(kRequests));
    FunctionSink sink([&](const Response& response) { failed += response.error ? 1 : 0; });
    const double before = thread_seconds();
    if (!(*backend)->run(source, sink, {}, {})) state.SkipWithError("the run failed");
    seconds += thread_seconds() - before;
  }
  if (failed > 0) state.SkipWithError("requests failed");
  const auto count = static_cast<double>(state.iterations()) * static_cast<double>(kRequests);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kRequests));
  state.counters["cpu_ms_a_request"] = 1000.0 * seconds / count;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_MiB"] = static_cast<double>(usage.ru_maxrss) / 1024.0;
}

BENCHMARK(endpoint_requests)
    ->Args({100, 0})
    ->Args({1000, 0})
    ->Args({100, 16})
    ->Args({1000, 16})
    ->Args({1000, 64})
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// What many streams at the pace of a busy server cost each of them: how much later the last text is there
// than the server's own pauses add up to. Arguments: streams, all begun at once; pieces of each; milliseconds
// between them. The server's thread is late too, so this is an upper bound.
void endpoint_streams(benchmark::State& state) {
  const auto pieces = static_cast<size_t>(state.range(1));
  const milliseconds pause(state.range(2));
  std::vector<std::string> texts(pieces, chat_delta(" word"));
  texts.push_back(chat_end());
  const EndpointScript answer = event_stream(texts, pause);
  const ScriptedEndpoint server([&](const EndpointRequest& request) {
    return request.number == 0 ? plain_chat_server(request) : answer;
  });
  auto backend = open_backend(server, state.range(0), "");
  if (!backend) {
    state.SkipWithError(describe(backend.error()).c_str());
    return;
  }
  const double planned = static_cast<double>(pause.count()) * static_cast<double>(pieces);
  double sum = 0.0;
  double most = 0.0;
  double seconds = 0.0;
  for (auto _ : state) {
    ListSource source(requests(static_cast<uint64_t>(state.range(0))));
    FunctionSink sink([&](const Response& response) {
      if (response.error) state.SkipWithError("a request failed");
      sum += response.timing.total_ms;
      most = std::max(most, response.timing.total_ms);
    });
    const double before = thread_seconds();
    if (!(*backend)->run(source, sink, {}, {})) state.SkipWithError("the run failed");
    seconds += thread_seconds() - before;
  }
  const double mean = sum / static_cast<double>(state.range(0) * state.iterations());
  state.counters["planned_ms"] = planned;
  state.counters["mean_later_percent"] = 100.0 * (mean / planned - 1.0);
  state.counters["most_later_percent"] = 100.0 * (most / planned - 1.0);
  state.counters["processor_percent"] =
      100.0 * 1000.0 * seconds / (planned * static_cast<double>(state.iterations()));
}

BENCHMARK(endpoint_streams)
    ->Args({1, 200, 50})
    ->Args({1000, 200, 50})
    ->Args({1000, 400, 25})
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sizeup
