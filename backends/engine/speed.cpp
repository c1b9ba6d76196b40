#include "backends/engine/speed.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <unordered_set>

namespace sizeup {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Answers that never end by themselves.
class Listener : public PlanListener {
 public:
  void on_target(int64_t, int, float, bool, const NextToken&) override {}
  std::optional<Token> on_next(int64_t request, const NextToken& next) override {
    answering_.insert(request);
    ++tokens_;
    return next.best;
  }
  void on_done(int64_t request) override {
    answering_.erase(request);
    ++done_;
  }

  int64_t tokens() const { return tokens_; }
  // So many requests have begun to answer, and none has ended.
  bool all_run(int requests) const { return done_ == 0 && static_cast<int>(answering_.size()) == requests; }

 private:
  std::unordered_set<int64_t> answering_;
  int64_t tokens_ = 0;
  int done_ = 0;
};

struct TimedStep {
  Work work;
  double seconds = 0.0;
  int64_t tokens = 0;    // found for answers
  bool all_run = false;  // before it all requests had begun to answer and none had ended
};

// Everything from the requests to the last answer.
struct TimedRun {
  std::vector<TimedStep> steps;
  PlanCounts counts;
  double seconds = 0.0;

  Work work() const {
    Work all;
    for (const TimedStep& step : steps) all += step.work;
    return all;
  }
};

// Requests of random tokens, the same ones in every run of the program.
class RandomRequests {
 public:
  explicit RandomRequests(int vocabulary) : token_(0, vocabulary - 1) {}

  std::vector<Token> tokens(int count) {
    std::vector<Token> tokens(static_cast<size_t>(count));
    for (Token& token : tokens) token = token_(random_);
    return tokens;
  }

  // Scores one token after these.
  TokenRequest score(std::vector<Token> tokens) {
    TokenRequest request;
    request.first_target = static_cast<int>(tokens.size()) - 1;
    request.tokens = std::move(tokens);
    request.targets = {token_(random_)};
    return request;
  }

  TokenRequest generate(int prompt, int new_tokens) {
    TokenRequest request;
    request.tokens = tokens(prompt);
    request.max_new_tokens = new_tokens;
    return request;
  }

  // Requests that differ in the last, scored token only.
  std::vector<TokenRequest> choices(const SharedForm& form, int questions) {
    const std::vector<Token> prefix = tokens(form.prefix);
    std::vector<TokenRequest> requests;
    for (int i = 0; i < questions; ++i) {
      std::vector<Token> stem = prefix;
      const std::vector<Token> own = tokens(form.question);
      stem.insert(stem.end(), own.begin(), own.end());
      for (int option = 0; option < form.options; ++option) requests.push_back(score(stem));
    }
    return requests;
  }

 private:
  std::mt19937 random_{20261125};
  std::uniform_int_distribution<Token> token_;
};

int64_t tokens_asked(const std::vector<TokenRequest>& requests) {
  int64_t asked = 0;
  for (const TokenRequest& request : requests) {
    asked += static_cast<int64_t>(request.tokens.size()) + (request.targets.empty() ? 0 : 1);
  }
  return asked;
}

class Meter {
 public:
  Meter(Decoder& decoder, const SpeedSettings& settings)
      : decoder_(decoder), settings_(settings), requests_(decoder.spec().vocabulary) {}

  PromptSpeed prompts(int step_rows) {
    PromptSpeed speed;
    speed.step_rows = step_rows;
    speed.prompts = std::max(1, step_rows / settings_.prompt);
    speed.prompt = settings_.prompt;
    const auto make = [&] {
      std::vector<TokenRequest> requests;
      for (int i = 0; i < speed.prompts; ++i) {
        requests.push_back(requests_.score(requests_.tokens(speed.prompt)));
      }
      return requests;
    };
    std::vector<double> rates;
    for (const TimedRun& timed : repeat(make, limits(step_rows, true))) {
      const Work work = timed.work();
      rates.push_back(static_cast<double>(work.rows) / timed.seconds);
      speed.flop_per_token = flop_of(decoder_.spec(), work) / static_cast<double>(work.rows);
    }
    speed.tokens_per_second = spread_of(std::move(rates));
    return speed;
  }

  GenerationSpeed generation(int streams) {
    const int new_tokens = settings_.new_tokens_of(streams);
    std::vector<TokenRequest> requests;
    for (int i = 0; i < streams; ++i) {
      requests.push_back(requests_.generate(settings_.generation_prompt, new_tokens));
    }
    PlanLimits all = limits(settings_.generation_rows(streams), true);
    all.pages = streams * (pages_for(settings_.generation_prompt + new_tokens) + 1 + all.state_pages);
    const TimedRun timed = run(std::move(requests), all);
    Work work;
    std::vector<double> rates;
    for (const TimedStep& step : timed.steps) {
      if (step.work.rows != streams || step.work.wanted != streams) continue;  // prompts, or some are done
      work += step.work;
      rates.push_back(streams / step.seconds);
    }
    require(!rates.empty(), "there are steps in which all streams run");
    return {.streams = streams,
            .context = static_cast<double>(work.context) / static_cast<double>(work.rows),
            .tokens_per_second = spread_of(std::move(rates)),
            .flop_per_token = flop_of(decoder_.spec(), work) / static_cast<double>(work.rows)};
  }

  DraftSpeed drafts(int streams) {
    const int new_tokens = settings_.new_tokens_of(streams);
    std::vector<TokenRequest> requests;
    for (int i = 0; i < streams; ++i) {
      requests.push_back(requests_.generate(settings_.generation_prompt, new_tokens));
      requests.back().greedy = true;
    }
    PlanLimits all = limits(settings_.generation_rows(streams), true);
    all.pages = streams * (pages_for(settings_.generation_prompt + new_tokens) + 1 + all.state_pages);
    DraftSpeed speed;
    speed.streams = streams;
    speed.plain_tokens_per_second = answer_rate(run(requests, all));
    all.weight_rows = decoder_.device().traits().weight_rows;
    const TimedRun drafting = run(std::move(requests), all);
    speed.tokens_per_second = answer_rate(drafting);
    speed.counts = drafting.counts;
    return speed;
  }

  SharedSpeed shared(int questions, bool share) {
    SharedSpeed speed;
    speed.questions = questions;
    speed.shared = share;
    const auto make = [&] {
      std::vector<TokenRequest> requests = requests_.choices(settings_.shared, questions);
      speed.tokens_asked = tokens_asked(requests);
      return requests;
    };
    std::vector<double> seconds;
    for (const TimedRun& timed : repeat(make, limits(step_rows(), share))) {
      seconds.push_back(timed.seconds);
      speed.counts = timed.counts;
      speed.rows = timed.work().rows;
    }
    speed.seconds = spread_of(std::move(seconds));
    return speed;
  }

 private:
  int step_rows() const { return settings_.step_rows.back(); }

  PlanLimits limits(int max_rows, bool share) const {
    // A gigabyte, as runs have by default; a request that needs more gets it.
    constexpr int64_t kBudget = int64_t{1} << 30;
    const int64_t pages = std::max<int64_t>(1, kBudget / decoder_.device().traits().page_bytes);
    return {.max_rows = max_rows,
            .pages = static_cast<int>(std::min<int64_t>(pages, 1 << 20)),
            .share_prefixes = share,
            .state_pages = state_pages(decoder_.device().traits()),
            .earlier_tokens = decoder_.spec().earlier_tokens};
  }

  static double answer_rate(const TimedRun& timed) {
    int64_t tokens = 0;
    double seconds = 0.0;
    for (const TimedStep& step : timed.steps) {
      if (!step.all_run) continue;
      tokens += step.tokens;
      seconds += step.seconds;
    }
    require(tokens > 0, "there are steps in which all streams run");
    return static_cast<double>(tokens) / seconds;
  }

  TimedRun run(std::vector<TokenRequest> requests, const PlanLimits& limits) {
    TimedRun timed;
    Listener listener;
    const int count = static_cast<int>(requests.size());
    const auto start = Clock::now();
    Plan plan(limits);
    plan.add(std::move(requests));
    while (!plan.idle()) {
      const auto step_start = Clock::now();
      const Step& step = plan.next_step();
      TimedStep now{.work = work_of(decoder_.spec(), step), .all_run = listener.all_run(count)};
      const int64_t tokens_before = listener.tokens();
      decoder_.run(step, result_);
      plan.finish_step(result_, listener);
      now.seconds = seconds_since(step_start);
      now.tokens = listener.tokens() - tokens_before;
      timed.steps.push_back(now);
    }
    timed.seconds = seconds_since(start);
    timed.counts = plan.counts();
    return timed;
  }

  std::vector<TimedRun> repeat(const std::function<std::vector<TokenRequest>()>& make,
                               const PlanLimits& limits) {
    std::vector<TimedRun> runs;
    const auto start = Clock::now();
    // One more than counted: the first is left out below.
    const auto enough = static_cast<size_t>(settings_.repetitions > 1 ? settings_.repetitions + 1 : 1);
    while (runs.size() < enough && (runs.empty() || seconds_since(start) < settings_.seconds)) {
      runs.push_back(run(make(), limits));
    }
    if (runs.size() > 1) runs.erase(runs.begin());
    return runs;
  }

  Decoder& decoder_;
  const SpeedSettings& settings_;
  RandomRequests requests_;
  StepResult result_;
};

}  // namespace

SpeedSettings SpeedSettings::quick() {
  SpeedSettings settings;
  settings.step_rows = {32, 128};
  settings.prompt = 64;
  settings.streams = {1, 4};
  settings.generation_prompt = 16;
  settings.new_tokens = 16;
  settings.shared = {.prefix = 80, .question = 20, .options = 4, .questions = 4, .unshared_questions = 2};
  settings.repetitions = 1;
  return settings;
}

void SpeedSettings::fit(int context_length) {
  prompt = std::min(prompt, context_length);
  shared.prefix = std::max(1, std::min(shared.prefix, context_length - shared.question - 1));
}

int SpeedSettings::positions() const {
  int longest = std::max(prompt, shared.request_tokens() + 1);
  for (const int count : streams) longest = std::max(longest, generation_prompt + new_tokens_of(count));
  return longest;
}

int SpeedSettings::generation_rows(int count) const {
  return std::max(step_rows.back(), 2 * count);
}

int SpeedSettings::new_tokens_of(int count) const {
  const int prompt_rows = generation_rows(count) - count;  // the others may be taken by streams that run
  return new_tokens + (count * generation_prompt + prompt_rows - 1) / prompt_rows;
}

DecoderSpeed measure_speed(Decoder& decoder, const SpeedSettings& settings,
                           const std::function<void(const std::string&)>& progress) {
  require(!settings.step_rows.empty(), "there is a step size");
  require(settings.positions() <= decoder.spec().context_length, "requests fit the context");
  Meter meter(decoder, settings);
  DecoderSpeed speed;
  for (const int rows : settings.step_rows) {
    progress(fmt::format("prompts, steps of {} rows", rows));
    speed.prompts.push_back(meter.prompts(rows));
  }
  for (const int streams : settings.streams) {
    progress(fmt::format("generation, {} at once", streams));
    speed.generation.push_back(meter.generation(streams));
  }
  if (decoder.device().traits().weight_rows > 0) {
    for (const int streams : settings.streams) {
      progress(fmt::format("generation with drafts, {} at once", streams));
      speed.drafts.push_back(meter.drafts(streams));
    }
  }
  progress("a shared prefix");
  speed.shared.push_back(meter.shared(settings.shared.questions, true));
  speed.shared.push_back(meter.shared(settings.shared.unshared_questions, false));
  return speed;
}

}  // namespace sizeup
