// The contract between the harness and whatever answers requests: the built-in engine or an endpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backends/request.h"
#include "core/errors/result.h"

namespace sizeup {

class Tokenizer;

// Who answers, and with which numbers: everything that a result's identity depends on.
struct ModelCard {
  std::string name;          // short, for tables: "pocket-small"
  std::string reference;     // as given on the command line, without secrets
  std::string fingerprint;   // SHA-256 of the weights and what modifies them; "unknown:..." for endpoints
  std::string architecture;  // "llama"; empty if unknown
  int64_t parameters = 0;    // 0 if unknown
  int64_t active_parameters = 0;  // without the experts that a token does not use
  int64_t bytes = 0;              // size of the weights as stored; 0 if unknown
  int64_t packed_bytes = 0;       // of the weights in the device's memory; 0 if unknown
  int context_length = 0;         // tokens; 0 if unknown
  int vocabulary = 0;             // tokens; 0 if unknown
  std::string weight_format;      // "Q8_0", "F32", "mixed Q8_0/F32"; empty if unknown
  std::string backend;            // "engine", "openai"
  std::string device;             // "reference", "cpu", "cuda"; empty for endpoints
  std::string tier;               // instruction-set level of the cpu device; empty elsewhere
  std::string pci_bus_id;         // of the GPU that computes: "0000:3B:00.0"; empty elsewhere
  std::string precision;          // "float32", "bfloat16"; empty if unknown
  bool can_score = false;
  bool can_generate = false;
  bool has_chat_template = false;
  bool scores_conversations = true;  // false: can_score holds for plain texts alone
  bool takes_schema = false;         // written answers can be held to a JSON Schema (Generate::schema)
  // The answers are from a file: each belongs to a document, not to its prompt, and nothing is computed.
  bool recorded = false;
  bool has_latencies = true;  // false: recorded answers without them
  std::string policy;         // what a router applies, in JSON, without the samples it was made from
  // A router that gives all requests to a document to one model, by AskedFor::answers and what the sink
  // knows.
  bool decides_by_document = false;
  std::string currency;            // of Response::cost; empty if there is none
  std::vector<std::string> notes;  // fallbacks and warnings to show in doctor and reports
};

// Of a piece of text whose token the server does not say.
constexpr int32_t kUnknownToken = -1;

// Where requests come from. next() may be called from any thread, one call at a time.
class RequestSource {
 public:
  virtual ~RequestSource() = default;
  // The next request; nothing when there are no more.
  virtual std::optional<Request> next() = 0;
  // Nobody will ask again, perhaps because the backend broke: a next() that waits for arrivals returns. From
  // any thread.
  virtual void abandon() {}
};

// What a router goes by and one response does not show.
struct AnswerFacts {
  double confidence = std::numeric_limits<double>::quiet_NaN();  // NaN: the answer states none
  std::string_view confidence_kind = {};                         // as policies name it
  uint32_t rejections = 0;  // bit i: kRejections[i] of router/route_policy.h was found
};

// Where responses go. Calls come from any thread, one at a time.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  virtual void on_response(Response response) = 0;
  // One generated token, as soon as it is known (streaming, TTFT); kUnknownToken from endpoints, which send
  // pieces of text. Optional.
  virtual void on_token(uint64_t request_id, int32_t token, double elapsed_ms) {
    (void)request_id, (void)token, (void)elapsed_ms;
  }
  // What is known of an answer before it is given, which a router asks: `responses` are all to one document,
  // in the order of AskedFor::answer. Nothing: nobody here can tell. From any thread, also beside the other
  // calls.
  virtual std::optional<AnswerFacts> facts_of(std::span<const Response> responses) {
    (void)responses;
    return std::nullopt;
  }
};

// What a run cost in computation, for reports: the plan's savings are visible here.
struct RunCounts {
  int64_t tokens_asked = 0;       // prompt and continuation tokens over all requests
  int64_t tokens_unique = 0;      // after sharing common prefixes
  int64_t tokens_computed = 0;    // rows that went through the decoder, recomputation included
  int64_t tokens_recomputed = 0;  // those of them that had been given up for memory
  int64_t tokens_generated = 0;
  int64_t tokens_drafted = 0;      // rows of guessed tokens, among those computed
  int64_t tokens_accepted = 0;     // guesses that were right: steps saved to the answers
  std::vector<std::string> notes;  // what a reader of the results must know of this run, a sentence each
};

struct RunOptions {
  int threads = 0;              // 0: all available processors
  int max_batch_rows = 0;       // tokens in one step; 0: the engine's choice
  int64_t kv_budget_bytes = 0;  // memory for keys and values; 0: the engine's choice
  bool share_prefixes = true;   // off only to test that scores do not change
  bool draft = true;            // guess greedy answers ahead where that pays; changes no answer
  int max_concurrent = 0;       // requests in flight at once; 0: no limit, 1: the `single` scenario
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual const ModelCard& card() const = 0;

  // The prompt exactly as this backend will send it to the model: what the response key is made of.
  virtual Result<std::string> render(const Prompt& prompt) const = 0;

  // What the ids of prompts and responses mean; none for endpoints and recorded answers.
  virtual const Tokenizer* tokenizer() const { return nullptr; }

  // Answers every request of the source; returns when all have been answered, or soon after a stop.
  // A request that fails becomes a response with an error; an error here means the backend is broken.
  virtual Result<RunCounts> run(RequestSource& source, ResponseSink& sink, const RunOptions& options,
                                std::stop_token stop) = 0;
};

// The usual source: a list known in advance, which is what lets the engine plan over all of it.
class ListSource : public RequestSource {
 public:
  explicit ListSource(std::vector<Request> requests) : requests_(std::move(requests)) {}
  std::optional<Request> next() override {
    if (position_ == requests_.size()) return std::nullopt;
    return std::move(requests_[position_++]);
  }

 private:
  std::vector<Request> requests_;
  size_t position_ = 0;
};

// The usual sink: a function.
class FunctionSink : public ResponseSink {
 public:
  explicit FunctionSink(std::function<void(Response)> function) : function_(std::move(function)) {}
  void on_response(Response response) override { function_(std::move(response)); }

 private:
  std::function<void(Response)> function_;
};

}  // namespace sizeup
