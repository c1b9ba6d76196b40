#include "cli/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "backends/registry.h"
#include "cli/interrupt.h"
#include "cli/json_lines.h"
#include "cli/load_report.h"
#include "cli/model_files.h"
#include "cli/requests.h"
#include "core/random/counter_random.h"
#include "core/timing/utc_time.h"
#include "harness/load/lengths.h"
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
std::string random_words(int count, uint64_t seed, uint64_t number) {
  constexpr const char* kWords[] = {"time", "year",  "people", "way",   "day",   "man",   "thing", "world",
                                    "life", "hand",  "part",   "place", "case",  "week",  "work",  "point",
                                    "home", "water", "room",   "area",  "money", "story", "fact",  "month",
                                    "lot",  "right", "study",  "book",  "eye",   "job",   "word",  "side"};
  std::string text = fmt::format("{}", number);
  for (int i = 1; i < count; ++i) {
    const double u = uniform(seed, kStream + number, static_cast<uint64_t>(i));
    text += fmt::format(" {}", kWords[static_cast<size_t>(u * std::size(kWords))]);
  }
  return text;
}

// A conversation where the model takes any: to a text many would have nothing to answer.
Prompt said_by_user(const Backend& backend, std::string text) {
  if (!backend.card().has_chat_template) return text;
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

Prompt synthetic_prompt(const Backend& backend, int length, uint64_t seed, uint64_t number) {
  if (backend.tokenizer() != nullptr) return random_tokens(*backend.tokenizer(), length, seed, number);
  return said_by_user(backend, random_words(length, seed, number));
}

// What is offered, and what the report says of it.
struct Offer {
  std::vector<Request> requests;
  std::string prompts;
};

std::string describe_lengths(const LengthDistribution& lengths, const DrawnLengths& drawn, int most) {
  const auto [least, greatest] = std::minmax_element(drawn.lengths.begin(), drawn.lengths.end());
  const double sum = std::accumulate(drawn.lengths.begin(), drawn.lengths.end(), 0.0);
  std::string out = fmt::format("{}, from {} to {} and {:.1f} in the mean", name_of(lengths), *least,
                                *greatest, sum / static_cast<double>(drawn.lengths.size()));
  if (drawn.cut > 0) out += fmt::format(" ({} of them cut to {}, so that the answer fits)", drawn.cut, most);
  return out;
}

// Prompts of the stated lengths; none is longer than the context leaves room for, where that is known.
Result<Offer> synthetic_offer(const LoadCommand& command, const Backend& backend, int prompt) {
  LengthDistribution lengths{.low = prompt};
  if (!command.lengths.empty()) {
    auto given = parse_lengths(command.lengths);
    if (!given) return forward_error(given);
    lengths = *given;
  }
  const int context = backend.card().context_length;
  const int room = context > 0 ? context - command.answer : std::numeric_limits<int>::max();
  if (room < 1 && command.exact) {
    return usage_error(
        fmt::format("answers of {} tokens do not fit the model's context of {}", command.answer, context),
        "a smaller --answer");
  }
  const int most = std::max(1, room);
  const int count = (command.requests > 0 ? command.requests : kRequests) + command.warm_up;
  const DrawnLengths drawn = draw_lengths(lengths, count, most, command.seed);
  Offer offer;
  for (size_t i = 0; i < drawn.lengths.size(); ++i) {
    Generate ask;
    ask.prompt = synthetic_prompt(backend, drawn.lengths[i], command.seed, i);
    ask.max_tokens = command.answer;
    ask.ignore_end = command.exact;
    offer.requests.emplace_back();
    offer.requests.back().ask = std::move(ask);
  }
  const char* unit = backend.tokenizer() != nullptr ? "random tokens" : "random words";
  const bool alike = lengths.kind == LengthDistribution::Kind::fixed && drawn.cut == 0;
  offer.prompts = fmt::format("synthetic, {} {} each, no two alike; answers of {} {} tokens",
                              alike ? std::to_string(lengths.low) : describe_lengths(lengths, drawn, most),
                              unit, command.exact ? "exactly" : "at most", command.answer);
  return offer;
}

Result<Offer> offer_of(const LoadCommand& command, const Backend& backend, int prompt) {
  if (command.input.empty()) return synthetic_offer(command, backend, prompt);
  auto requests = requests_of_input(command);
  if (!requests) return forward_error(requests);
  for (Request& request : *requests) std::get<Generate>(request.ask).ignore_end = command.exact;
  return Offer{std::move(*requests),
               command.input + (command.exact ? ", answers of exactly max_tokens" : "")};
}

// An endpoint may refuse or ignore what it does not know: one answer that anybody would end at once shows it.
Result<void> check_exact(Backend& backend, std::stop_token stop) {
  if (backend.tokenizer() != nullptr) return {};  // the engine does what it is asked
  constexpr int kTokens = 32;
  Generate ask;
  ask.prompt = said_by_user(backend, "Answer with one word, yes or no: is water wet?");
  ask.max_tokens = kTokens;
  ask.ignore_end = true;
  std::vector<Request> requests(1);
  requests.front().ask = std::move(ask);
  ListSource source(std::move(requests));
  Response answer;
  FunctionSink sink([&answer](Response response) { answer = std::move(response); });
  auto ran = backend.run(source, sink, {}, std::move(stop));
  if (!ran) return forward_error(ran);
  const std::string& name = backend.card().name;
  if (answer.error)
    return unavailable(name, "answers of an exact length cannot be had: " + answer.error->message,
                       "without --exact answers end where the model ends them");
  if (answer.completion_tokens == kTokens) return {};
  return unavailable(
      name,
      fmt::format(
          "the endpoint ignores ignore_eos: an answer of exactly {} tokens was asked for, and it has {}",
          kTokens, answer.completion_tokens),
      "without --exact answers end where the model ends them");
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
  if (!command.lengths.empty()) {
    if (!command.input.empty())
      return usage_error("--prompt-lengths is for synthetic prompts", "leave out --input");
    if (auto read = parse_lengths(command.lengths); !read) return forward_error(read);
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
  app.add_flag("--exact", command.exact,
               "Answers of exactly that many tokens: nothing ends them before (endpoints: by ignore_eos)");
  app.add_option(
      "--prompt-lengths", command.lengths,
      "Of synthetic prompts, instead of --prompt: uniform:LOW:HIGH or lognormal:MEDIAN:SIGMA, in tokens");
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
  auto offer = offer_of(command, **backend, prompt);
  if (!offer) return forward_error(offer);
  if (command.exact) {
    if (auto checked = check_exact(**backend, interrupt.token()); !checked) return forward_error(checked);
  }
  const Bench bench{command, **backend, offer->requests, threads, interrupt.token()};
  auto report = measure_all(bench, *scenarios);
  if (!report) return forward_error(report);
  report->model = (*backend)->card();
  report->date = utc_now();
  report->machine = describe_machine();
  report->warm_up = command.warm_up;
  report->prompts = offer->prompts;
  fmt::print("{}", json ? to_line(load_to_json(*report)) + "\n" : load_to_text(*report));
  return 0;
}

}  // namespace sizeup::cli
