#include "harness/run/collector.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "backends/engine/tokenizer/tokenizer.h"
#include "core/json/json.h"
#include "harness/run/answer_check.h"
#include "harness/run/scoring.h"

namespace sizeup {
namespace {

std::string valid_utf8(const std::string& text) {
  return Json::parse(to_line(Json(text))).get<std::string>();
}

const char* name_of(FinishReason finish) {
  switch (finish) {
    case FinishReason::stop:
      return "stop";
    case FinishReason::length:
      return "length";
    case FinishReason::none:
      return "none";
  }
  throw InternalError("unknown FinishReason");
}

// Whose texts the server sent, or whose ids the backend knows.
std::vector<std::pair<std::string, double>> first_tokens_of(const Response& response,
                                                            const Tokenizer* tokenizer) {
  std::vector<std::pair<std::string, double>> tokens;
  const auto add = [&](const std::string& text, float logprob) {
    if (std::isfinite(logprob)) tokens.emplace_back(valid_utf8(text), logprob);
  };
  for (const TextLogprob& token : response.first_top) add(token.text, token.logprob);
  if (response.top.empty() || tokenizer == nullptr) return tokens;
  for (const TokenLogprob& one : response.top.front())
    add(tokenizer->decode(std::vector{one.token}, false), one.logprob);
  return tokens;
}

}  // namespace

ResponseRow row_of(const Response& response, const PendingRequest& request, const Tokenizer* tokenizer) {
  ResponseRow row;
  row.key = request.key;
  row.key_json = request.key_json;
  row.prompt = *request.prompt;
  if (request.generates) {
    row.text = valid_utf8(response.text);
  } else {
    row.logprob = response.logprob;
    row.greedy = response.greedy;
  }
  row.finish = name_of(response.finish);
  row.tokens = response.tokens;
  row.token_logprobs = response.token_logprobs;
  row.first_tokens = first_tokens_of(response, tokenizer);
  row.prompt_tokens = response.prompt_tokens;
  row.completion_tokens = response.completion_tokens;
  row.cached_prompt_tokens = response.cached_prompt_tokens;
  row.reasoning_tokens = response.reasoning_tokens;
  row.truncated = response.truncated;
  return row;
}

Collector::Collector(const RunPlan& plan, Batch& batch, StoreWriter& writer, std::stop_source failed,
                     int scorers, const Tokenizer* tokenizer, PassUsage& usage)
    : plan_(plan),
      batch_(batch),
      writer_(writer),
      failed_(std::move(failed)),
      answered_(batch.requests.size()),
      tokenizer_(tokenizer),
      usage_(usage) {
  usage_.evaluations.resize(plan.evaluations.size());
  for (int i = 0; i < scorers; ++i) {
    scorers_.emplace_back([this](std::stop_token stop) { score_queued(std::move(stop)); });
  }
}

Collector::~Collector() {
  for (std::jthread& scorer : scorers_) scorer.request_stop();
}

void Collector::take_stored() {
  for (size_t i = 0; i < batch_.samples.size(); ++i) {
    if (batch_.samples[i].error) queue(i);
  }
  for (StoredResponse& stored : batch_.stored) {
    const Reply reply = reply_of(stored.response, plan_.settings.think_end);
    store(std::move(stored.response), stored.uses);
    give(reply, stored.routed, stored.uses);
  }
  batch_.stored.clear();
}

void Collector::on_response(Response response) {
  require(response.id < batch_.requests.size(), "a response belongs to a request");
  PendingRequest& request = batch_.requests[response.id];
  require(!answered_[response.id], "a request is answered once");
  answered_[response.id] = true;
  Reply reply;
  if (response.error) {
    reply.error = describe(*response.error);
  } else {
    ResponseRow row = row_of(response, request, tokenizer_);
    reply = reply_of(row, plan_.settings.think_end);
    usage_.tokens += row.prompt_tokens + row.completion_tokens;
    ++usage_.responses;
    EvaluationUsage& usage = usage_of(batch_.samples[request.uses.front().sample]);
    usage.input_tokens += row.prompt_tokens;
    usage.output_tokens += row.completion_tokens;
    if (row.cached_prompt_tokens)
      usage.cached_input_tokens = usage.cached_input_tokens.value_or(0) + *row.cached_prompt_tokens;
    usage.priced += response.cost ? 1 : 0;
    usage.cost += response.cost.value_or(0.0);
    store(std::move(row), request.uses);
  }
  give(reply, response.routed, request.uses);
}

std::optional<AnswerFacts> Collector::facts_of(std::span<const Response> responses) {
  return facts_of_answer(batch_, responses, plan_.settings.think_end);
}

Result<void> Collector::finish(bool complete) {
  for (size_t id = 0; complete && id < answered_.size(); ++id) {
    if (answered_[id]) continue;
    Response missing;
    missing.id = id;
    missing.error = Error{ErrorKind::unavailable, "", "the backend gave no response to this request", "", ""};
    on_response(std::move(missing));
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return (queue_.empty() && scoring_ == 0) || error_; });
  if (error_) return tl::unexpected<Error>(*error_);
  for (const PendingSample& sample : batch_.samples) {
    if (sample.sent && !sample.goes_on()) ++usage_of(sample).samples;
  }
  return {};
}

EvaluationUsage& Collector::usage_of(const PendingSample& sample) {
  return usage_.evaluations[static_cast<size_t>(sample.evaluation - plan_.evaluations.data())];
}

void Collector::store(ResponseRow row, const std::vector<AskOfSample>& uses) {
  ResponseWrite used{std::move(row), {}};
  for (const AskOfSample& use : uses) {
    const PendingSample& sample = batch_.samples[use.sample];
    used.uses.push_back({sample.evaluation->row.id, sample.sample_id, use.ask});
  }
  write(std::move(used));
}

void Collector::give(const Reply& reply, const std::optional<Routed>& routed,
                     const std::vector<AskOfSample>& uses) {
  for (const AskOfSample& use : uses) {
    PendingSample& sample = batch_.samples[use.sample];
    if (routed) add_routed(*routed, static_cast<size_t>(use.ask), sample);
    sample.replies[static_cast<size_t>(use.ask)] = reply;
    if (reply.error && sample.goes_on()) sample.error = reply.error;  // there is nothing to go on from
    if (--sample.missing == 0 && !sample.goes_on()) queue(use.sample);
  }
}

void Collector::queue(size_t sample) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(sample);
  changed_.notify_all();
}

void Collector::score_queued(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !queue_.empty(); })) {
    PendingSample& sample = batch_.samples[queue_.front()];
    queue_.pop_front();
    ++scoring_;
    lock.unlock();
    write(answer_of(sample));
    sample.replies.clear();
    lock.lock();
    --scoring_;
    changed_.notify_all();
  }
}

void Collector::write(StoreWrite row) {
  Result<void> written = writer_.write(std::move(row));
  if (written) return;
  failed_.request_stop();
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(written.error());
  changed_.notify_all();
}

}  // namespace sizeup
