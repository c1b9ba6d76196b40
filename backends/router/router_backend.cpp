#include "backends/router/router_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

#include "backends/engine/tokenizer/tokenizer.h"
#include "backends/model_files.h"
#include "backends/registry.h"
#include "backends/run_counts.h"
#include "core/io/sha256.h"
#include "core/threads/deep_thread.h"

namespace sizeup {
namespace {

constexpr size_t kTruncated = 2;
static_assert(kRejections[kTruncated] == "truncated");

bool is_scored(const RoutePolicy& policy) {
  return policy.protocol == "likelihood";
}

// Whether a policy goes by what responses alone do not show: checks other than whether the prompt was cut, or
// a confidence that is more than how sure the tokens of one answer are.
bool asks_for_facts(const RoutePolicy& policy) {
  const bool confident = !policy.confidence.empty() && policy.confidence != kMeanTokenProbability;
  const bool rejects = std::ranges::any_of(policy.rejections, [](size_t one) { return one != kTruncated; });
  return confident || rejects || std::ranges::any_of(policy.scorer.weights, [](const auto& weight) {
           return weight.first.kind() == RouteFeature::Kind::rejection && weight.second != 0.0 &&
                  weight.first.name() != kRejections[kTruncated];
         });
}

double mean_probability(const Response& response) {
  const std::vector<float>& logprobs = response.token_logprobs;
  if (logprobs.empty()) return RouteFacts::kUnknown;
  return std::exp(std::accumulate(logprobs.begin(), logprobs.end(), 0.0) /
                  static_cast<double>(logprobs.size()));
}

// Ids mean nothing where two tokenizers are at work.
void name_first_tokens(Response& response, const Tokenizer* tokenizer) {
  if (response.top.empty()) return;
  if (tokenizer != nullptr && response.first_top.empty()) {
    for (const TokenLogprob& one : response.top.front())
      response.first_top.push_back({tokenizer->decode(std::vector{one.token}, false), one.logprob});
  }
  response.top.clear();
}

// Requests on their way through both models. The small model takes them from here and answers here; those
// that go on wait here for the large model. What is decided on together is a group, by the id of its first
// request.
class Crossing {
 public:
  Crossing(const RoutePolicy& policy, const ModelCard& card, RequestSource& source, ResponseSink& sink,
           int max_concurrent)
      : policy_(policy),
        asks_for_facts_(asks_for_facts(policy)),
        by_document_(card.decides_by_document),
        source_(source),
        sink_(sink),
        max_concurrent_(max_concurrent) {}

  // For the small model. No more groups than the scenario allows are in either model.
  std::optional<Request> next_new() {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] {
        return no_more_new_ || max_concurrent_ == 0 || coming_ ||
               groups_.size() < static_cast<size_t>(max_concurrent_);
      });
      if (no_more_new_) return std::nullopt;
    }
    std::optional<Request> request = source_.next();
    if (!request) return std::nullopt;
    const std::lock_guard lock(mutex_);
    ++asked_;
    const uint64_t first = coming_.value_or(request->id);
    Group& group = groups_[first];
    if (!coming_ && by_document_)
      group.requests = static_cast<size_t>(std::max(1, request->asked_for.answers));
    group.ids.push_back(request->id);
    coming_.reset();
    if (group.ids.size() < group.requests) coming_ = first;
    pending_.emplace(request->id, Pending{*request, {}, first});
    return request;
  }

  void answered_by_small(Response response) {
    std::unique_lock lock(mutex_);
    const auto found = pending_.find(response.id);
    require(found != pending_.end(), "the small model answers what it was asked");
    Group& group = groups_.at(found->second.group);
    found->second.small = std::move(response);
    if (++group.answered < group.requests) return;
    // Nobody else touches them before they go on, so others may come and go while their answers are looked
    // at.
    const Request& request = pending_.at(group.ids.front()).request;
    std::vector<Response> answers;
    for (const uint64_t id : group.ids) answers.push_back(std::move(pending_.at(id).small));
    lock.unlock();
    const bool kept = keeps(request, answers);
    lock.lock();
    if (kept) {
      for (Response& answer : answers) answer.routed = routed(false, request);
      for (const uint64_t id : group.ids) pending_.erase(id);
      lock.unlock();
      const uint64_t first = answers.front().id;
      for (Response& answer : answers) {
        // Nothing can be shown before it is known to be the answer.
        answer.timing.ttft_ms = answer.timing.total_ms;
        finish(std::move(answer), first);
      }
      return;
    }
    for (Response& answer : answers) {
      ++sent_on_;
      waiting_.push_back(answer.id);
      pending_.at(answer.id).small = std::move(answer);
    }
    changed_.notify_all();
  }

  // For the large model. Waits for what goes on, until the small model has answered everything.
  std::optional<Request> next_sent_on() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return no_more_sent_on_ || small_is_done_ || !waiting_.empty(); });
    if (no_more_sent_on_ || waiting_.empty()) return std::nullopt;
    const uint64_t id = waiting_.front();
    waiting_.pop_front();
    return pending_.at(id).request;
  }

  void answered_by_large(Response response) {
    uint64_t group = 0;
    {
      const std::lock_guard lock(mutex_);
      const auto found = pending_.find(response.id);
      require(found != pending_.end(), "the large model answers what was sent on");
      add_small(found->second.small, response);
      response.routed = routed(true, found->second.request);
      group = found->second.group;
      pending_.erase(found);
    }
    finish(std::move(response), group);
  }

  void small_is_done() {
    const std::lock_guard lock(mutex_);
    small_is_done_ = true;
    changed_.notify_all();
  }

  void abandon_new() {
    {
      const std::lock_guard lock(mutex_);
      no_more_new_ = true;
      changed_.notify_all();
    }
    source_.abandon();
  }

  void abandon_sent_on() {
    const std::lock_guard lock(mutex_);
    no_more_sent_on_ = true;
    changed_.notify_all();
  }

  // A model broke, or the run was stopped: nobody waits any longer.
  void end() {
    abandon_sent_on();
    abandon_new();
  }

  std::string note() const {
    std::string note = fmt::format("{} of {} requests went on to the large model", sent_on_, asked_);
    if (const int64_t untold = untold_; untold > 0)
      note += fmt::format(", {} of them as nothing here tells what the policy goes by", untold);
    return note;
  }

  void stream(uint64_t id, int32_t token, double elapsed_ms) {
    const std::lock_guard lock(sink_mutex_);
    sink_.on_token(id, token, elapsed_ms);
  }

 private:
  struct Pending {
    Request request;
    Response small;
    uint64_t group = 0;
  };
  struct Group {
    std::vector<uint64_t> ids;  // that have come
    size_t requests = 1;
    size_t answered = 0;  // by the small model
    size_t finished = 0;
  };

  // Whether the small model's answers to these requests will do; `request` is the first of them.
  bool keeps(const Request& request, std::span<const Response> answers) {
    for (const Response& answer : answers) {
      if (answer.error) return false;
    }
    RouteFacts facts = facts_shown(request, answers);
    if (asks_for_facts_ && !add_facts(request, answers, facts)) {
      untold_ += static_cast<int64_t>(answers.size());
      return false;
    }
    return !policy_.sends_on(facts);
  }

  // False: whoever asks cannot tell, or the answers state another kind of confidence.
  bool add_facts(const Request& request, std::span<const Response> answers, RouteFacts& facts) {
    const std::optional<AnswerFacts> told = sink_.facts_of(answers);
    if (!told) return false;
    facts.confidence = told->confidence;
    facts.rejections = told->rejections;
    if (policy_.confidence.empty()) return true;
    const bool scored = std::holds_alternative<ScoreContinuation>(request.ask);
    const bool asked_alike = policy_.confidence != kOptionProbability || scored == is_scored(policy_);
    return told->confidence_kind == policy_.confidence && asked_alike;
  }

  RouteFacts facts_shown(const Request& request, std::span<const Response> answers) const {
    RouteFacts facts;
    if (policy_.confidence == kMeanTokenProbability) facts.confidence = mean_probability(answers.front());
    facts.input_tokens = facts.output_tokens = 0.0;
    for (const Response& answer : answers) {
      facts.input_tokens += answer.prompt_tokens;
      facts.output_tokens += answer.completion_tokens;
      if (answer.truncated) facts.rejections |= 1U << kTruncated;
    }
    facts.task = request.asked_for.task;
    facts.slices = request.asked_for.slices;
    return facts;
  }

  Routed routed(bool sent_on, const Request& request) const {
    const std::string_view document = request.asked_for.document_hash;
    if (policy_.fitted.empty() || document.empty()) return {sent_on, std::nullopt};
    return {sent_on, policy_.was_fitted_on(document)};
  }

  // What the small model took comes on top of what the large one did.
  static void add_small(const Response& small, Response& response) {
    if (small.error) return;
    response.prompt_tokens += small.prompt_tokens;
    response.completion_tokens += small.completion_tokens;
    if (response.cached_prompt_tokens || small.cached_prompt_tokens) {
      response.cached_prompt_tokens =
          response.cached_prompt_tokens.value_or(0) + small.cached_prompt_tokens.value_or(0);
    }
    response.timing.ttft_ms += small.timing.total_ms;
    response.timing.total_ms += small.timing.total_ms;
  }

  // Out of the lock: the sink may take its time. It takes one call at a time.
  void finish(Response response, uint64_t group) {
    {
      const std::lock_guard lock(sink_mutex_);
      sink_.on_response(std::move(response));
    }
    const std::lock_guard lock(mutex_);
    const auto found = groups_.find(group);
    if (++found->second.finished == found->second.requests) groups_.erase(found);
    changed_.notify_all();
  }

  const RoutePolicy& policy_;
  bool asks_for_facts_;
  bool by_document_;
  RequestSource& source_;
  ResponseSink& sink_;
  int max_concurrent_;
  std::mutex mutex_;
  std::mutex sink_mutex_;
  std::condition_variable changed_;
  std::unordered_map<uint64_t, Pending> pending_;
  std::unordered_map<uint64_t, Group> groups_;  // until all of it is answered
  std::optional<uint64_t> coming_;              // the group that is not there yet as a whole
  std::deque<uint64_t> waiting_;
  bool small_is_done_ = false;
  bool no_more_new_ = false;
  bool no_more_sent_on_ = false;
  int64_t asked_ = 0;
  int64_t sent_on_ = 0;
  std::atomic<int64_t> untold_ = 0;
};

// One model's side of the crossing.
class Side : public RequestSource {
 public:
  using Next = std::optional<Request> (Crossing::*)();
  using Abandon = void (Crossing::*)();
  Side(Crossing& crossing, Next take, Abandon leave) : crossing_(crossing), next_(take), abandon_(leave) {}
  std::optional<Request> next() override { return (crossing_.*next_)(); }
  void abandon() override { (crossing_.*abandon_)(); }

 private:
  Crossing& crossing_;
  Next next_;
  Abandon abandon_;
};

// Streams the tokens of what it was sent, as no other model may still change them.
class LargeSink : public ResponseSink {
 public:
  LargeSink(Crossing& crossing, const Tokenizer* tokenizer) : crossing_(crossing), tokenizer_(tokenizer) {}
  void on_response(Response response) override {
    name_first_tokens(response, tokenizer_);
    crossing_.answered_by_large(std::move(response));
  }
  void on_token(uint64_t id, int32_t token, double elapsed_ms) override {
    crossing_.stream(id, token, elapsed_ms);
  }

 private:
  Crossing& crossing_;
  const Tokenizer* tokenizer_;
};

std::string both(const std::string& small, const std::string& large) {
  return small == large ? small : small + " + " + large;
}

ModelCard card_of(const ModelReference& reference, const RoutePolicy& policy, const ModelCard& small,
                  const ModelCard& large) {
  ModelCard card;
  card.name = reference.name;
  card.reference = reference.text;
  card.fingerprint = sha256_hex(
      fmt::format("{}\n{}\n{}", to_route_policy_text(policy), small.fingerprint, large.fingerprint));
  card.architecture = both(small.architecture, large.architecture);
  card.parameters = small.parameters > 0 && large.parameters > 0 ? small.parameters + large.parameters : 0;
  card.bytes = small.bytes > 0 && large.bytes > 0 ? small.bytes + large.bytes : 0;
  card.packed_bytes =
      small.packed_bytes > 0 && large.packed_bytes > 0 ? small.packed_bytes + large.packed_bytes : 0;
  card.context_length = std::min(small.context_length, large.context_length);
  card.weight_format = both(small.weight_format, large.weight_format);
  card.backend = "router";
  card.device = both(small.device, large.device);
  card.tier = both(small.tier, large.tier);
  card.precision = both(small.precision, large.precision);
  card.can_generate = true;
  card.can_score = is_scored(policy);
  card.scores_conversations = small.scores_conversations && large.scores_conversations;
  card.decides_by_document = is_scored(policy) || asks_for_facts(policy);
  card.has_chat_template = small.has_chat_template && large.has_chat_template;
  card.notes.push_back(
      fmt::format("{} first, {} for what the policy sends on: {:.0f} % of the samples that it "
                  "was made from",
                  policy.small.name, policy.large.name, 100.0 * policy.expected.share.value));
  RoutePolicy rule = policy;
  rule.fitted.clear();
  card.policy = to_route_policy_text(rule);
  for (const ModelCard* model : {&small, &large}) {
    for (const std::string& note : model->notes) card.notes.push_back(model->name + ": " + note);
  }
  return card;
}

class Router : public Backend {
 public:
  Router(const ModelReference& reference, RoutePolicy policy, std::unique_ptr<Backend> small,
         std::unique_ptr<Backend> large)
      : policy_(std::move(policy)),
        small_(std::move(small)),
        large_(std::move(large)),
        card_(card_of(reference, policy_, small_->card(), large_->card())) {}

  const ModelCard& card() const override { return card_; }

  // What either may be sent: a response depends on both.
  Result<std::string> render(const Prompt& prompt) const override {
    Result<std::string> small = small_->render(prompt);
    if (!small) return small;
    Result<std::string> large = large_->render(prompt);
    if (!large) return large;
    return *small == *large ? *small : *small + "\n\n" + *large;
  }

  Result<RunCounts> run(RequestSource& source, ResponseSink& sink, const RunOptions& options,
                        std::stop_token stop) override {
    Crossing crossing(policy_, card_, source, sink, options.max_concurrent);
    Result<RunCounts> counts = options.max_concurrent == 0 ? one_after_other(crossing, options, stop)
                                                           : both_at_once(crossing, options, stop);
    if (counts) counts->notes.push_back(crossing.note());
    return counts;
  }

 private:
  Result<RunCounts> run_small(Crossing& crossing, const RunOptions& options, const std::stop_token& stop) {
    Side requests(crossing, &Crossing::next_new, &Crossing::abandon_new);
    FunctionSink answers([&](Response response) {
      name_first_tokens(response, small_->tokenizer());
      crossing.answered_by_small(std::move(response));
    });
    Result<RunCounts> counts = small_->run(requests, answers, options, stop);
    if (counts) {
      crossing.small_is_done();
    } else {
      crossing.end();
    }
    return counts;
  }

  Result<RunCounts> run_large(Crossing& crossing, const RunOptions& options, const std::stop_token& stop) {
    Side requests(crossing, &Crossing::next_sent_on, &Crossing::abandon_sent_on);
    LargeSink answers(crossing, large_->tokenizer());
    Result<RunCounts> counts = large_->run(requests, answers, options, stop);
    if (!counts) crossing.end();
    return counts;
  }

  static Result<RunCounts> sum(Result<RunCounts> small, Result<RunCounts> large) {
    if (!small) return small;
    if (!large) return large;
    add(*large, *small);
    return small;
  }

  Result<RunCounts> one_after_other(Crossing& crossing, const RunOptions& options,
                                    const std::stop_token& stop) {
    Result<RunCounts> small = run_small(crossing, options, stop);
    if (!small || stop.stop_requested()) return small;
    return sum(std::move(small), run_large(crossing, options, stop));
  }

  Result<RunCounts> both_at_once(Crossing& crossing, const RunOptions& options, const std::stop_token& stop) {
    const std::stop_callback ended(stop, [&] { crossing.end(); });
    Result<RunCounts> large;
    std::exception_ptr failed;
    DeepThread thread([&] {
      try {
        large = run_large(crossing, options, stop);
      } catch (...) {
        failed = std::current_exception();
        crossing.end();
      }
    });
    Result<RunCounts> small;
    try {
      small = run_small(crossing, options, stop);
    } catch (...) {
      crossing.end();
      thread.join();
      throw;
    }
    thread.join();
    if (failed) std::rethrow_exception(failed);
    return sum(std::move(small), std::move(large));
  }

  RoutePolicy policy_;
  std::unique_ptr<Backend> small_;
  std::unique_ptr<Backend> large_;
  ModelCard card_;
};

Result<std::unique_ptr<Backend>> open_model(const RouteModel& model, const ModelReference& router) {
  auto reference = ModelReference::parse(model.reference);
  if (!reference) return forward_error(reference);
  const bool offline = router.options.contains("offline");
  if (reference->scheme == "router" || reference->scheme == "answers")
    return bad_input(router.target, fmt::format("'{:.100}' is no model that answers", model.reference),
                     "a model");
  if (offline && reference->scheme == "openai") {
    return unavailable(
        router.target,
        fmt::format("{:.100} is asked over a connection, and --offline opens none", model.name),
        "leave out --offline, or the model");
  }
  HubSettings hub = HubSettings::from_environment();
  hub.offline = hub.offline || offline;
  auto local = with_local_files(std::move(*reference), HubNeed::model, hub);
  if (!local) return forward_error(local);
  if (const auto now = router.options.find("now"); now != router.options.end() && local->scheme != "openai")
    local->options["now"] = now->second;
  auto backend = open_backend(*local);
  if (!backend) return backend;
  if ((*backend)->card().fingerprint != model.fingerprint) {
    return bad_input(router.target,
                     fmt::format("{:.100} has other weights than the policy was made with", model.reference),
                     "", "make the policy again with `sizeup route --policy`");
  }
  return backend;
}

}  // namespace

Result<std::unique_ptr<Backend>> open_router(const ModelReference& reference) {
  for (const auto& [key, value] : reference.options) {
    if (key != "now" && key != "offline")
      return usage_error(fmt::format("model '{}': a router has no option '{}'", reference.text, key),
                         "its models' options stand in its file");
  }
  auto policy = read_route_policy(reference.target);
  if (!policy) return forward_error(policy);
  auto small = open_model(policy->small, reference);
  if (!small) return small;
  auto large = open_model(policy->large, reference);
  if (!large) return large;
  return make_router(reference, std::move(*policy), std::move(*small), std::move(*large));
}

Result<std::unique_ptr<Backend>> make_router(const ModelReference& reference, RoutePolicy policy,
                                             std::unique_ptr<Backend> small, std::unique_ptr<Backend> large) {
  for (const Backend* model : {small.get(), large.get()}) {
    if (!model->card().can_generate)
      return usage_error(fmt::format("{} writes no answers, and a router asks for them", model->card().name));
    if (is_scored(policy) && !model->card().can_score) {
      return usage_error(
          fmt::format("{} cannot score given texts, and the policy was made from scored choices",
                      model->card().name),
          "make a policy from a run with --protocol generative");
    }
  }
  return std::make_unique<Router>(reference, std::move(policy), std::move(small), std::move(large));
}

}  // namespace sizeup
