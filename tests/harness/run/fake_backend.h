// A model without weights: answers are a pure function of the request, everything asked is recorded.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "backends/backend.h"
#include "core/io/sha256.h"

namespace sizeup {

// One text for everything that a request says, to compare and to count.
inline std::string text_of(const Prompt& prompt) {
  if (const auto* text = std::get_if<std::string>(&prompt)) return *text;
  std::string joined;
  for (const ChatMessage& message : std::get<std::vector<ChatMessage>>(prompt)) {
    joined += "<" + message.role + ">" + message.content;
  }
  return joined + "<assistant>";
}

inline std::string text_of(const Request& request) {
  if (const auto* score = std::get_if<ScoreContinuation>(&request.ask)) {
    return text_of(score->context) + "|" + score->continuation;
  }
  if (const auto* text = std::get_if<ScoreText>(&request.ask)) return text->text + "|";
  return text_of(std::get<Generate>(request.ask).prompt) + "|";
}

// A number from 0 to 255 that stands for what the model "thinks".
inline int opinion(const std::string& model, const std::string& text) {
  return sha256(model + text)[0];
}

// What was asked of a model, over all its runs.
struct FakeLog {
  std::vector<std::string> asked;  // text_of each request, in order
  std::vector<Request> requests;
  std::vector<RunOptions> runs;

  size_t count() const { return asked.size(); }
};

struct FakeModel {
  std::string name = "fake";
  std::string fingerprint = "fingerprint";
  bool can_score = true;
  bool can_generate = true;
  bool has_chat_template = false;
  bool scores_conversations = true;
  bool takes_schema = false;
  bool refuses_system = false;         // its template raises an error for system messages
  std::chrono::microseconds delay{0};  // before each response
  std::function<std::optional<Error>(const Request&)> fails = {};    // this request fails
  std::function<std::string(const Request&)> writes = {};            // the text of a generation
  std::string policy = {};                                           // of a router
  std::function<std::optional<Routed>(const Request&)> routed = {};  // what it does with a request
  std::vector<TextLogprob> first_top = {};                           // of every generation, if asked for
  std::function<void(const Request&)> before = {};                   // called before each response
  std::optional<size_t> breaks_after = {};   // the whole backend fails after so many responses
  std::optional<size_t> forgets_after = {};  // later requests get no response
};

class FakeBackend : public Backend {
 public:
  FakeBackend(FakeModel model, FakeLog& log) : model_(std::move(model)), log_(log) {
    card_.name = model_.name;
    card_.reference = model_.name;
    card_.fingerprint = model_.fingerprint;
    card_.backend = "fake";
    card_.context_length = 100;
    card_.can_score = model_.can_score;
    card_.can_generate = model_.can_generate;
    card_.has_chat_template = model_.has_chat_template;
    card_.scores_conversations = model_.scores_conversations;
    card_.takes_schema = model_.takes_schema;
    card_.policy = model_.policy;
  }

  const ModelCard& card() const override { return card_; }

  Result<std::string> render(const Prompt& prompt) const override {
    const auto* messages = std::get_if<std::vector<ChatMessage>>(&prompt);
    if (model_.refuses_system && messages != nullptr && messages->front().role == "system") {
      return bad_input("template", "system role not supported");
    }
    return text_of(prompt);
  }

  Result<RunCounts> run(RequestSource& source, ResponseSink& sink, const RunOptions& options,
                        std::stop_token stop) override {
    log_.runs.push_back(options);
    RunCounts counts;
    counts.notes = {"seen by " + model_.name};
    size_t answered = 0;
    while (!stop.stop_requested()) {
      std::optional<Request> request = source.next();
      if (!request) break;
      if (model_.breaks_after && answered == *model_.breaks_after)
        return unavailable("fake", "the device is gone");
      if (model_.forgets_after && answered == *model_.forgets_after) break;
      if (model_.before) model_.before(*request);
      log_.asked.push_back(text_of(*request));
      log_.requests.push_back(*request);
      if (model_.delay.count() > 0) std::this_thread::sleep_for(model_.delay);
      Response response = answer(*request);
      counts.tokens_asked += response.prompt_tokens;
      sink.on_response(std::move(response));
      ++answered;
    }
    return counts;
  }

  Response answer(const Request& request) const {
    Response response;
    response.id = request.id;
    if (model_.routed) response.routed = model_.routed(request);
    if (model_.fails) response.error = model_.fails(request);
    const int thought = opinion(model_.name, text_of(request));
    response.prompt_tokens = 10;
    response.timing = {1.0 + thought, 2.0 + thought};
    if (const auto* ask = std::get_if<Generate>(&request.ask)) {
      if (ask->top_logprobs > 0) response.first_top = model_.first_top;
      response.text = model_.writes ? model_.writes(request) : std::to_string(thought % 2);
      response.finish = FinishReason::stop;
      response.tokens = {thought};
      response.token_logprobs = {-0.5F};
      response.completion_tokens = 1;
    } else {
      response.logprob = -thought / 16.0;
      response.greedy = thought < 128;
      response.tokens = {thought};
      response.token_logprobs = {static_cast<float>(response.logprob)};
    }
    return response;
  }

 private:
  FakeModel model_;
  FakeLog& log_;
  ModelCard card_;
};

}  // namespace sizeup
