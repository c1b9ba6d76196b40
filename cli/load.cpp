#include "cli/load.h"

#include <fmt/format.h>

#include <utility>

#include "backends/registry.h"
#include "cli/interrupt.h"
#include "cli/json_lines.h"
#include "cli/load_report.h"
#include "cli/model_files.h"
#include "cli/requests.h"
#include "core/random/counter_random.h"
#include "core/timing/utc_time.h"
#include "harness/load/measure.h"
#include "harness/load/sweep.h"
#include "harness/run/machine.h"

#include "backends/engine/tokenizer/tokenizer.h"

namespace sizeup::cli {
namespace {

constexpr int kRequests = 200;
constexpr int kPrompt = 256;
constexpr uint64_t kStream = 0x70726f6d707473;  // "prompts": apart from the streams of arrivals and sampling

// Each differs from the first token on, so that no prefix is shared: every prompt is computed whole.
Prompt random_tokens(const Tokenizer& tokenizer, int count, uint64_t seed, uint64_t number) {
  TokenIds ids;
  for (uint64_t draw = 0; static_cast<int>(ids.size()) < count; ++draw) {
    const double u = uniform(seed, kStream + number, draw);
    const auto token = static_cast<int32_t>(u * tokenizer.vocabulary());
    if (!tokenizer.is_special(token)) ids.push_back(token);
  }
  return ids;
}

// Of common words, most of which are a token to most models; how many they are the server says.
Prompt random_words(int count, uint64_t seed, uint64_t number) {
  constexpr const char* kWords[] = {"time", "year",  "people", "way",   "day",   "man",   "thing", "world",
                                    "life", "hand",  "part",   "place", "case",  "week",  "work",  "point",
                                    "home", "water", "room",   "area",  "money", "story", "fact",  "month",
                                    "lot",  "right", "study",  "book",  "eye",   "job",   "word",  "side"};
  std::string text = fmt::format("{}", number);
  for (int i = 1; i < count; ++i) {
    const double u = uniform(seed, kStream + number, static_cast<uint64_t>(i));
    text += fmt::format(" {}", kWords[static_cast<size_t>(u * std::size(kWords))]);
  }
  return std::vector<ChatMessage>{{"user", std::move(text)}};
}

Result<std::vector<Request>> requests_of_input(const LoadCommand& command) {
  auto lines = read_lines(command.input);
  if (!lines) return forward_error(lines);
  std::vector<Request> requests;
  for (const InputLine& line : *lines) {
    if (!line.object) return tl::unexpected<Error>(line.object.error());
    auto request = generate_request(*line.object);
    if (!request) return forward_error(request);
    requests.push_back(std::move(*request));
  }
  const auto wanted = static_cast<size_t>(command.requests + (command.requests > 0 ? command.warm_up : 0));
  if (requests.size() < std::max<size_t>(wanted, static_cast<size_t>(command.warm_up) + 1)) {
    return usage_error(
        fmt::format("{} holds {} requests, and {} to measure and {} to warm up are wanted", command.input,
                    requests.size(), std::max(command.requests, 1), command.warm_up),
        "a request that is sent twice may be answered from a cache; ask for fewer with --requests");
  }
  if (wanted > 0) requests.resize(wanted);
  return requests;
}

std::vector<Request> synthetic_requests(const LoadCommand& command, const Backend& backend, int prompt) {
  const int count = (command.requests > 0 ? command.requests : kRequests) + command.warm_up;
  std::vector<Request> requests(static_cast<size_t>(count));
  for (size_t i = 0; i < requests.size(); ++i) {
    Generate ask;
    ask.prompt = backend.tokenizer() != nullptr ? random_tokens(*backend.tokenizer(), prompt, command.seed, i)
                                                : random_words(prompt, command.seed, i);
    ask.max_tokens = command.answer;
    requests[i].ask = std::move(ask);
  }
  return requests;
}

struct Bench {
  const LoadCommand& command;
  Backend& backend;
  const std::vector<Request>& requests;
  int threads;
  std::stop_token stop;

  Result<LoadMeasurement> measure(const Scenario& scenario) const {
    fmt::print(stderr, "measuring: {}\n", name_of(scenario));
    SteadyClock clock;
    return measure_load(
        backend, requests,
        {.scenario = scenario, .warm_up = command.warm_up, .threads = threads, .seed = command.seed}, clock,
        stop);
  }

  Result<Sweep> find_rate() const {
    const Result<LoadMeasurement> offline = measure({});
    if (!offline) return tl::unexpected<Error>(offline.error());
    const double rate = summarize(*offline, {}).requests_per_second;
    if (!(rate > 0.0)) return unavailable(command.input, "no request was answered");
    // A model that answers all at once at this rate serves half of it with little waiting.
    const SweepOptions options{
        .first_qps = rate / 2, .burstiness = command.burstiness, .precision = command.precision};
    return find_highest_rate([this](const Scenario& scenario) { return measure(scenario); },
                             {command.limits, command.percent}, options);
  }
};

Result<LoadReport> measure_all(const Bench& bench, const std::vector<Scenario>& scenarios) {
  LoadReport report;
  for (const Scenario& scenario : scenarios) {
    auto measured = bench.measure(scenario);
    if (!measured) return forward_error(measured);
    report.summaries.push_back(summarize(*measured, bench.command.limits));
  }
  if (!bench.command.sweep) return report;
  auto sweep = bench.find_rate();
  if (!sweep) return forward_error(sweep);
  report.goal = SweepGoal{bench.command.limits, bench.command.percent};
  report.sweep = std::move(*sweep);
  return report;
}

Result<std::vector<Scenario>> scenarios_of(const LoadCommand& command) {
  std::vector<Scenario> scenarios;
  for (const std::string& text : command.scenarios) {
    auto scenario = parse_scenario(text);
    if (!scenario) return forward_error(scenario);
    scenarios.push_back(*scenario);
  }
  if (command.sweep && !command.limits.any())
    return usage_error("a sweep needs a limit",
                       "--limit-ttft, --limit-tpot or --limit-total, in milliseconds");
  return scenarios;
}

}  // namespace

void add_latency_limits(CLI::App& app, LatencyLimits& limits) {
  const CLI::Range milliseconds(0.001, 1e9);
  app.add_option("--limit-ttft", limits.ttft, "Limit of the time to the first token, ms")
      ->check(milliseconds);
  app.add_option("--limit-tpot", limits.tpot, "Limit of the time per token after it, ms")
      ->check(milliseconds);
  app.add_option("--limit-total", limits.total, "Limit of the time to the full answer, ms")
      ->check(milliseconds);
}

void add_load_options(CLI::App& app, LoadCommand& command) {
  app.add_option(
         "--scenario", command.scenarios,
         "Measure under load: offline, single, concurrent:N, server:QPS[:BURSTINESS], separated by commas")
      ->delimiter(',');
  app.add_flag("--sweep", command.sweep, "Find the highest QPS at which requests stay within the limits");
  app.add_option("--input", command.input,
                 "Prompts as generate reads them, JSON lines (default: synthetic ones)");
  app.add_option("--requests", command.requests,
                 "Requests to measure in each scenario (default: 200, or the input)")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--warm-up", command.warm_up, "Requests before them (default: 4)")
      ->check(CLI::Range(0, 1 << 20));
  app.add_option("--answer", command.answer, "Most tokens of an answer to a synthetic prompt (default: 64)")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--seed", command.seed, "Seed of arrivals and synthetic prompts");
  add_latency_limits(app, command.limits);
  app.add_option("--percent", command.percent,
                 "Share of requests that a sweep wants within the limits (default: 95)")
      ->check(CLI::Range(1.0, 99.9));
  app.add_option("--burstiness", command.burstiness, "Of a sweep's arrivals; 1 (default): Poisson")
      ->check(CLI::Range(0.01, 1e6));
  app.add_option("--precision", command.precision, "How near a sweep brackets the rate (default: 0.05)")
      ->check(CLI::Range(0.001, 1.0));
}

Outcome bench_load(const LoadCommand& command, const std::string& model, int prompt, int threads,
                   bool offline, bool json) {
  const Interrupt interrupt;
  auto scenarios = scenarios_of(command);
  if (!scenarios) return forward_error(scenarios);
  auto given = ModelReference::parse(model);
  if (!given) return forward_error(given);
  auto reference = with_local_files(*given, HubNeed::model, offline, interrupt.token());
  if (!reference) return forward_error(reference);
  auto backend = open_backend(*reference);
  if (!backend) return forward_error(backend);
  if (prompt == 0) prompt = kPrompt;
  auto requests =
      command.input.empty() ? synthetic_requests(command, **backend, prompt) : requests_of_input(command);
  if (!requests) return forward_error(requests);
  const Bench bench{command, **backend, *requests, threads, interrupt.token()};
  auto report = measure_all(bench, *scenarios);
  if (!report) return forward_error(report);
  report->model = (*backend)->card();
  report->date = utc_now();
  report->machine = describe_machine();
  report->warm_up = command.warm_up;
  report->prompts =
      command.input.empty()
          ? fmt::format("synthetic, {} {} each, no two alike; answers of at most {} tokens", prompt,
                        (*backend)->tokenizer() != nullptr ? "random tokens" : "random words", command.answer)
          : command.input;
  fmt::print("{}", json ? to_line(load_to_json(*report)) + "\n" : load_to_text(*report));
  return 0;
}

}  // namespace sizeup::cli
