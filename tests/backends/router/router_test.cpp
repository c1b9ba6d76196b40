#include "backends/router/router_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <map>
#include <mutex>

#include "backends/registry.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kBroken = "break down";
constexpr const char* kFails = "fail";

// Answers "NAME: PROMPT" with the confidence that the prompt ends in ("... 0.8"), at once, in order.
class FakeModel : public Backend {
 public:
  FakeModel(std::string name, double milliseconds, std::vector<std::string>& log)
      : milliseconds_(milliseconds), log_(log) {
    card_.name = std::move(name);
    card_.fingerprint = "of " + card_.name;
    card_.can_generate = true;
    card_.can_score = true;
    card_.context_length = card_.name == "small" ? 512 : 1024;
    card_.parameters = 7;
  }

  const ModelCard& card() const override { return card_; }
  ModelCard& card() { return card_; }

  Result<std::string> render(const Prompt& prompt) const override {
    return "<" + card_.name + ">" + std::get<std::string>(prompt);
  }

  Result<RunCounts> run(RequestSource& source, ResponseSink& sink, const RunOptions&,
                        std::stop_token stop) override {
    RunCounts counts;
    while (!stop.stop_requested()) {
      const std::optional<Request> request = source.next();
      if (!request) break;
      const auto* score = std::get_if<ScoreContinuation>(&request->ask);
      const std::string prompt = score != nullptr
                                     ? score->continuation
                                     : std::get<std::string>(std::get<Generate>(request->ask).prompt);
      {
        const std::lock_guard lock(mutex_);
        log_.push_back(card_.name + " " + prompt);
      }
      if (prompt.starts_with(card_.name + " " + kBroken)) {
        source.abandon();
        return unavailable("", card_.name + " broke");
      }
      counts.tokens_generated += 2;
      sink.on_token(request->id, 5, 1.0);
      sink.on_response(answer(*request, prompt));
    }
    return counts;
  }

 private:
  Response answer(const Request& request, const std::string& prompt) const {
    Response response;
    response.id = request.id;
    if (prompt.starts_with(card_.name + " " + kFails)) {
      response.error = Error{ErrorKind::unavailable, "", card_.name + " failed", "", ""};
      return response;
    }
    response.prompt_tokens = 10;
    response.timing = {milliseconds_ / 2, milliseconds_};
    if (prompt.ends_with(kFails)) {
      response.error = Error{ErrorKind::unavailable, "", "failed", "", ""};
      return response;
    }
    const double confidence = std::stod(prompt.substr(prompt.rfind(' ')));
    if (std::holds_alternative<ScoreContinuation>(request.ask)) {
      response.logprob = std::log(confidence);
      return response;
    }
    response.text = card_.name + ": " + prompt;
    response.tokens = {5, 6};
    response.token_logprobs = {static_cast<float>(std::log(confidence)),
                               static_cast<float>(std::log(confidence))};
    response.completion_tokens = 2;
    response.truncated = prompt.starts_with("cut");
    return response;
  }

  static inline std::mutex mutex_;  // of all logs: two models share one
  ModelCard card_;
  double milliseconds_;
  std::vector<std::string>& log_;
};

RoutePolicy by_confidence(double threshold = 0.75) {
  RoutePolicy out;
  out.small = {"small", "small.gguf", "of small"};
  out.large = {"large", "large.gguf", "of large"};
  out.confidence = "mean token probability";
  out.scorer.weights = {{RouteFeature::parse("confidence").value(), 1.0}};
  out.threshold = threshold;
  out.expected.share.value = 0.5;
  out.expected.accuracy.value = 0.75;
  return out;
}

ModelReference reference() {
  return ModelReference::parse("hybrid=router:policy.json").value();
}

std::vector<Request> requests(const std::vector<std::string>& prompts) {
  std::vector<Request> out;
  for (const std::string& prompt : prompts) {
    Request request;
    request.id = out.size();
    Generate ask;
    ask.prompt = prompt;
    request.ask = std::move(ask);
    out.push_back(std::move(request));
  }
  return out;
}

class RouterTest : public testing::Test {
 protected:
  std::vector<std::string> log;
  std::map<uint64_t, Response> answers;
  std::vector<uint64_t> streamed;

  std::unique_ptr<Backend> router(RoutePolicy with = by_confidence()) {
    return make_router(reference(), std::move(with), std::make_unique<FakeModel>("small", 10.0, log),
                       std::make_unique<FakeModel>("large", 100.0, log))
        .value();
  }
};

class Sink : public ResponseSink {
 public:
  Sink(std::map<uint64_t, Response>& answers, std::vector<uint64_t>& streamed)
      : answers_(answers), streamed_(streamed) {}
  void on_response(Response response) override {
    const std::lock_guard lock(mutex_);
    answers_[response.id] = std::move(response);
    changed_.notify_all();
  }
  void on_token(uint64_t id, int32_t, double) override { streamed_.push_back(id); }
  // Until so many have been answered.
  void wait(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return answers_.size() >= count || given_up_; });
  }
  void give_up() {
    const std::lock_guard lock(mutex_);
    given_up_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool given_up_ = false;
  std::map<uint64_t, Response>& answers_;
  std::vector<uint64_t>& streamed_;
};

// As the scenario `single`: the next request comes when the one before has been answered.
class OneByOne : public RequestSource {
 public:
  OneByOne(std::vector<Request> list, Sink& sink) : requests_(std::move(list)), sink_(sink) {}
  std::optional<Request> next() override {
    sink_.wait(given_);
    if (abandoned_ || given_ == requests_.size()) return std::nullopt;
    return requests_[given_++];
  }
  void abandon() override {
    abandoned_ = true;
    sink_.give_up();
  }

 private:
  std::vector<Request> requests_;
  Sink& sink_;
  size_t given_ = 0;
  std::atomic<bool> abandoned_ = false;
};

TEST_F(RouterTest, KeepsWhatIsSureAndSendsOnTheRest) {
  Sink sink(answers, streamed);
  ListSource source(requests({"a 0.9", "b 0.5", "c 0.8", "cut d 0.9", "e 0.1"}));
  RoutePolicy with = by_confidence();
  with.rejections = {find_rejection("truncated").value()};
  const RunCounts counts = router(with)->run(source, sink, {}, {}).value();
  ASSERT_EQ(answers.size(), 5u);
  EXPECT_EQ(answers[0].text, "small: a 0.9");
  EXPECT_EQ(answers[1].text, "large: b 0.5");
  EXPECT_EQ(answers[2].text, "small: c 0.8");
  EXPECT_EQ(answers[3].text, "large: cut d 0.9");
  EXPECT_EQ(answers[4].text, "large: e 0.1");
  // The large model sees a list when the small one has done with it: it can plan over all of its part.
  EXPECT_THAT(log, ElementsAre("small a 0.9", "small b 0.5", "small c 0.8", "small cut d 0.9", "small e 0.1",
                               "large b 0.5", "large cut d 0.9", "large e 0.1"));
  EXPECT_EQ(counts.tokens_generated, 16);
  EXPECT_THAT(counts.notes, ElementsAre("3 of 5 requests went on to the large model"));
  EXPECT_THAT(streamed, ElementsAre(1, 3, 4));  // what small wrote is shown when it is the answer

  // Kept: nothing was there before the end. Sent on: both were paid and waited for.
  EXPECT_EQ(answers[0].timing.ttft_ms, 10.0);
  EXPECT_EQ(answers[0].timing.total_ms, 10.0);
  EXPECT_EQ(answers[0].prompt_tokens, 10);
  EXPECT_EQ(answers[1].timing.ttft_ms, 60.0);
  EXPECT_EQ(answers[1].timing.total_ms, 110.0);
  EXPECT_EQ(answers[1].prompt_tokens, 20);
  EXPECT_EQ(answers[1].completion_tokens, 4);
}

TEST_F(RouterTest, SaysWhichWayARequestWentAndWhetherItIsNew) {
  Sink sink(answers, streamed);
  std::vector<Request> asked = requests({"a 0.9", "b 0.5", "c 0.9"});
  asked[0].asked_for.document_hash = "seen";
  asked[1].asked_for.document_hash = "new";
  ListSource source(asked);
  RoutePolicy with = by_confidence();
  with.fitted = {fitted_number("seen")};
  const std::unique_ptr<Backend> one = router(with);
  ASSERT_TRUE(one->run(source, sink, {}, {}).has_value());
  EXPECT_EQ(answers[0].routed, (Routed{false, true}));
  EXPECT_EQ(answers[1].routed, (Routed{true, false}));
  EXPECT_EQ(answers[2].routed, (Routed{false, std::nullopt}));  // whose document is not known
  with.fitted.clear();
  EXPECT_EQ(one->card().policy, to_route_policy_text(with));

  ListSource again(asked);
  ASSERT_TRUE(router()->run(again, sink, {}, {}).has_value());
  EXPECT_EQ(answers[0].routed, (Routed{false, std::nullopt}));  // a policy that names no documents
}

TEST_F(RouterTest, GoesBySlices) {
  Sink sink(answers, streamed);
  std::vector<Request> asked = requests({"a 0.9", "b 0.9", "c 0.9"});
  const std::map<std::string, std::string> german = {{"language", "de"}};
  const std::map<std::string, std::string> english = {{"language", "en"}};
  asked[0].asked_for.slices = &german;
  asked[1].asked_for.slices = &english;
  ListSource source(asked);
  RoutePolicy with = by_confidence();
  with.scorer.weights = {{RouteFeature::parse("slice:language=en").value(), 1.0}};
  with.threshold = 0.5;
  ASSERT_TRUE(router(with)->run(source, sink, {}, {}).has_value());
  EXPECT_EQ(answers[0].text, "large: a 0.9");
  EXPECT_EQ(answers[1].text, "small: b 0.9");
  EXPECT_EQ(answers[2].text, "large: c 0.9");  // its slices are not known
}

// Finds "invalid" in what begins with "bad", knows nothing of what begins with "odd", and is as sure of
// several responses as the last one's logprob says.
class TellingSink : public Sink {
 public:
  using Sink::Sink;
  std::optional<AnswerFacts> facts_of(std::span<const Response> responses) override {
    const Response& last = responses.back();
    if (last.text.starts_with("small: odd")) return std::nullopt;
    AnswerFacts facts{std::exp(last.logprob), kOptionProbability, 0};
    if (last.text.starts_with("small: bad")) facts.rejections = 1U << find_rejection("invalid").value();
    if (!last.text.empty()) facts = {0.9, kMeanTokenProbability, facts.rejections};
    return facts;
  }
};

TEST_F(RouterTest, GoesByTheChecksOfWhoeverAsks) {
  RoutePolicy reject = by_confidence();
  reject.rejections = {find_rejection("invalid").value()};
  RoutePolicy score = by_confidence();
  score.scorer.intercept = 0.0;
  score.scorer.weights.emplace_back(RouteFeature::parse("invalid").value(), -0.5);
  for (const RoutePolicy& with : {reject, score}) {
    answers.clear();
    TellingSink sink(answers, streamed);
    ListSource source(requests({"a 0.9", "bad b 0.9", "odd c 0.9"}));
    const RunCounts counts = router(with)->run(source, sink, {}, {}).value();
    EXPECT_EQ(answers[0].text, "small: a 0.9");
    EXPECT_EQ(answers[1].text, "large: bad b 0.9");
    EXPECT_EQ(answers[2].text, "large: odd c 0.9");
    EXPECT_THAT(counts.notes, ElementsAre("2 of 3 requests went on to the large model, 1 of them as nothing "
                                          "here tells what the policy goes by"));
  }
  // What only looks at the tokens does not ask.
  answers.clear();
  TellingSink sink(answers, streamed);
  ListSource source(requests({"bad b 0.9"}));
  ASSERT_TRUE(router()->run(source, sink, {}, {}).has_value());
  EXPECT_EQ(answers[0].text, "small: bad b 0.9");
}

// Choices of documents: the last choice's probability is what TellingSink takes for the option's.
std::vector<Request> scored(const std::vector<std::vector<std::string>>& documents) {
  std::vector<Request> out;
  for (const std::vector<std::string>& choices : documents) {
    for (size_t i = 0; i < choices.size(); ++i) {
      Request request;
      request.id = 100 - out.size();
      request.ask = ScoreContinuation{"question", choices[i]};
      request.asked_for.answer = static_cast<int>(i);
      request.asked_for.answers = static_cast<int>(choices.size());
      out.push_back(std::move(request));
    }
  }
  return out;
}

RoutePolicy by_option() {
  RoutePolicy out = by_confidence();
  out.confidence = kOptionProbability;
  out.protocol = "likelihood";
  return out;
}

TEST_F(RouterTest, AllChoicesOfADocumentAreOfOneModel) {
  for (const int limit : {0, 1, 2}) {
    SCOPED_TRACE(limit);
    answers.clear();
    log.clear();
    TellingSink sink(answers, streamed);
    ListSource source(
        scored({{"a 0.1", "b 0.8"}, {"c 0.9", "d 0.2", "e 0.3"}, {"f 0.9"}, {"g fail", "h 0.9"}}));
    RunOptions options;
    options.max_concurrent = limit;
    const std::unique_ptr<Backend> one = router(by_option());
    const RunCounts counts = one->run(source, sink, options, {}).value();
    ASSERT_EQ(answers.size(), 8u);
    std::string models;
    for (uint64_t id = 100; id > 92; --id) models += answers[id].prompt_tokens == 20 ? 'L' : 's';
    EXPECT_EQ(models.substr(0, 6), "ssLLLs");
    EXPECT_TRUE(answers[94].routed->sent_on) << "one choice could not be scored";
    EXPECT_TRUE(answers[93].routed->sent_on);
    EXPECT_EQ(answers[97].logprob, std::log(0.2)) << "as the large model says";
    EXPECT_THAT(counts.notes, ElementsAre("5 of 8 requests went on to the large model"));
    if (limit != 1) continue;
    EXPECT_THAT(log, ElementsAre("small a 0.1", "small b 0.8", "small c 0.9", "small d 0.2", "small e 0.3",
                                 "large c 0.9", "large d 0.2", "large e 0.3", "small f 0.9", "small g fail",
                                 "small h 0.9", "large g fail", "large h 0.9"));
  }
}

// The probability of a choice in writing is another one than that of a scored choice.
TEST_F(RouterTest, AnotherKindOfConfidenceIsNone) {
  TellingSink sink(answers, streamed);
  ListSource written(requests({"a 0.9"}));
  const RunCounts counts = router(by_option())->run(written, sink, {}, {}).value();
  EXPECT_EQ(answers[0].text, "large: a 0.9");
  EXPECT_THAT(counts.notes.back(), HasSubstr("1 of them as nothing here tells"));
  RoutePolicy of_written = by_option();
  of_written.protocol = "generative";
  ListSource list(scored({{"a 0.1", "b 0.8"}}));
  ASSERT_TRUE(router(of_written)->run(list, sink, {}, {}).has_value());
  EXPECT_TRUE(answers[100].routed->sent_on);
}

// A policy that needs no facts still keeps choices together, and adds their lengths up.
TEST_F(RouterTest, LengthsAreThoseOfAllChoices) {
  RoutePolicy with = by_option();
  with.confidence.clear();
  with.scorer.weights = {{RouteFeature::parse("log_input_tokens").value(), -1.0}};
  with.threshold = -std::log1p(25.0);
  Sink sink(answers, streamed);
  ListSource list(scored({{"a 0.1", "b 0.8"}, {"c 0.9", "d 0.2", "e 0.3"}}));
  ASSERT_TRUE(router(with)->run(list, sink, {}, {}).has_value());
  EXPECT_FALSE(answers[100].routed->sent_on);
  EXPECT_TRUE(answers[98].routed->sent_on);
  EXPECT_TRUE(answers[96].routed->sent_on);
}

TEST_F(RouterTest, OneRequestAtATimeIsInEitherModel) {
  Sink sink(answers, streamed);
  OneByOne source(requests({"a 0.9", "b 0.5", "c 0.8", "d 0.4"}), sink);
  RunOptions options;
  options.max_concurrent = 1;
  ASSERT_TRUE(router()->run(source, sink, options, {}).has_value());
  EXPECT_THAT(log, ElementsAre("small a 0.9", "small b 0.5", "large b 0.5", "small c 0.8", "small d 0.4",
                               "large d 0.4"));
  EXPECT_EQ(answers.size(), 4u);
}

TEST_F(RouterTest, ALimitOfTwoLetsTwoIn) {
  Sink sink(answers, streamed);
  std::vector<std::string> prompts;
  for (int i = 0; i < 200; ++i) prompts.push_back("p 0." + std::to_string(1 + i % 9));
  ListSource source(requests(prompts));
  RunOptions options;
  options.max_concurrent = 2;
  ASSERT_TRUE(router()->run(source, sink, options, {}).has_value());
  ASSERT_EQ(answers.size(), 200u);
  for (const auto& [id, response] : answers)
    EXPECT_EQ(response.text.starts_with("small"), std::stod(prompts[id].substr(2)) >= 0.75) << prompts[id];
}

TEST_F(RouterTest, WhatSmallCannotAnswerGoesOn) {
  Sink sink(answers, streamed);
  ListSource source(requests({"small fail 0.9", "large fail 0.5"}));
  ASSERT_TRUE(router()->run(source, sink, {}, {}).has_value());
  EXPECT_EQ(answers[0].text, "large: small fail 0.9");
  EXPECT_EQ(answers[0].prompt_tokens, 10);  // small had none
  EXPECT_EQ(answers[1].error->message, "large failed");
}

TEST_F(RouterTest, ABrokenModelEndsTheRun) {
  for (const std::string broken : {"small break down 0.5", "large break down 0.5"}) {
    for (const int limit : {0, 1}) {
      SCOPED_TRACE(broken + " " + std::to_string(limit));
      answers.clear();
      Sink sink(answers, streamed);
      OneByOne one_by_one(requests({"a 0.9", broken, "c 0.9"}), sink);
      ListSource list(requests({"a 0.9", broken, "c 0.9"}));
      RunOptions options;
      options.max_concurrent = limit;
      RequestSource& source = limit == 0 ? static_cast<RequestSource&>(list) : one_by_one;
      const Result<RunCounts> ran = router()->run(source, sink, options, {});
      ASSERT_FALSE(ran.has_value());
      EXPECT_THAT(ran.error().message, HasSubstr("broke"));
    }
  }
}

TEST_F(RouterTest, AStopEndsTheRun) {
  for (const int limit : {0, 1}) {
    std::stop_source stop;
    stop.request_stop();
    Sink sink(answers, streamed);
    OneByOne source(requests({"a 0.5", "b 0.5"}), sink);
    RunOptions options;
    options.max_concurrent = limit;
    EXPECT_TRUE(router()->run(source, sink, options, stop.get_token()).has_value());
  }
}

TEST_F(RouterTest, IsAModelOfItsOwn) {
  const std::unique_ptr<Backend> one = router();
  const ModelCard& card = one->card();
  EXPECT_EQ(card.name, "hybrid");
  EXPECT_EQ(card.backend, "router");
  EXPECT_EQ(card.parameters, 14);
  EXPECT_EQ(card.context_length, 512);
  EXPECT_TRUE(card.can_generate);
  EXPECT_FALSE(card.can_score);
  EXPECT_FALSE(card.decides_by_document);
  EXPECT_TRUE(router(by_option())->card().can_score);
  EXPECT_TRUE(router(by_option())->card().decides_by_document);
  EXPECT_EQ(one->render("x").value(), "<small>x\n\n<large>x");
  // Another threshold gives other answers, so it is another model.
  EXPECT_NE(router(by_confidence(0.5))->card().fingerprint, card.fingerprint);
  EXPECT_EQ(router()->card().fingerprint, card.fingerprint);
}

TEST_F(RouterTest, AModelThatCannotDoItsPartIsRefused) {
  const auto refused = [&](RoutePolicy with, bool writes) {
    auto small = std::make_unique<FakeModel>("small", 1.0, log);
    small->card().can_generate = writes;
    small->card().can_score = false;
    const auto made = make_router(reference(), std::move(with), std::move(small),
                                  std::make_unique<FakeModel>("large", 1.0, log));
    return made ? std::string() : describe(made.error());
  };
  EXPECT_EQ(refused(by_confidence(), true), "");
  EXPECT_THAT(refused(by_confidence(), false), HasSubstr("small writes no answers"));
  EXPECT_THAT(refused(by_option(), true), HasSubstr("small cannot score given texts"));
}

// The file, with real models: at the ends the router is either of them, bit for bit.
class OpenedRouter : public testing::Test {
 protected:
  TemporaryFolder folder;
  std::string small = source_path("models/pocket/pocket-small.gguf").string();
  std::string large = source_path("models/pocket/pocket-large.gguf").string();

  static std::unique_ptr<Backend> open(const std::string& text) {
    return open_backend(ModelReference::parse(text).value()).value();
  }

  std::string write(double threshold) {
    RoutePolicy with = by_confidence(threshold);
    with.small = {"small", small, open(small)->card().fingerprint};
    with.large = {"large", large, open(large)->card().fingerprint};
    folder.write("policy.json", to_route_policy_text(with));
    return "router:" + (folder.path() / "policy.json").string();
  }

  static std::vector<Response> answers_of(Backend& model) {
    std::vector<Request> list = requests({"The invoice is", "Where is my parcel"});
    for (Request& request : list) std::get<Generate>(request.ask).max_tokens = 8;
    std::vector<Response> out(list.size());
    ListSource source(std::move(list));
    FunctionSink sink([&](Response response) { out[response.id] = std::move(response); });
    EXPECT_TRUE(model.run(source, sink, {}, {}).has_value());
    return out;
  }
};

TEST_F(OpenedRouter, IsEitherModelAtTheEnds) {
  const std::vector<Response> of_small = answers_of(*open(small));
  const std::vector<Response> of_large = answers_of(*open(large));
  const std::vector<Response> kept = answers_of(*open(write(0.0)));
  const std::vector<Response> sent = answers_of(*open(write(std::numeric_limits<double>::infinity())));
  for (size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(kept[i].text, of_small[i].text);
    EXPECT_EQ(kept[i].token_logprobs, of_small[i].token_logprobs);
    EXPECT_EQ(sent[i].text, of_large[i].text);
    EXPECT_EQ(sent[i].token_logprobs, of_large[i].token_logprobs);
    EXPECT_EQ(sent[i].completion_tokens, of_small[i].completion_tokens + of_large[i].completion_tokens);
  }
}

TEST_F(OpenedRouter, SaysWhatIsWrong) {
  const auto error_of = [](const std::string& text) {
    const auto opened = open_backend(ModelReference::parse(text).value());
    return opened ? std::string() : describe(opened.error());
  };
  const std::string good = write(0.5);
  EXPECT_EQ(error_of(good + "?now=2026-01-01"), "");
  EXPECT_THAT(error_of(good + "?quant=Q8_0"), HasSubstr("a router has no option 'quant'"));
  EXPECT_THAT(error_of("router:/nowhere/policy.json"), HasSubstr("/nowhere/policy.json"));
  RoutePolicy other = by_confidence();
  other.small = {"small", small, "of other weights"};
  other.large = {"large", large, open(large)->card().fingerprint};
  folder.write("policy.json", to_route_policy_text(other));
  EXPECT_THAT(error_of(good), HasSubstr("has other weights than the policy was made with"));
  other.small.reference = "router:policy.json";
  folder.write("policy.json", to_route_policy_text(other));
  EXPECT_THAT(error_of(good), HasSubstr("is no model that answers"));
  other.small.reference = "openai:x?base_url=http://127.0.0.1:1/v1";
  folder.write("policy.json", to_route_policy_text(other));
  EXPECT_THAT(error_of(good + "?offline=true"), HasSubstr("--offline opens none"));
}

}  // namespace
}  // namespace sizeup
