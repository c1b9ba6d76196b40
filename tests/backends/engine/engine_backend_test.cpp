// The whole engine on stories260K: agreement with published outputs, and bits that do not depend on how
// requests are computed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <filesystem>
#include <map>
#include <random>

#include "backends/engine/decoder.h"
#include "backends/engine/engine_backend.h"
#include "backends/engine/tokenizer/tokenizer.h"
#include "backends/registry.h"
#include "core/io/file.h"
#include "core/json/json.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::filesystem::path models_folder() {
  return shared_folder() / "models";
}

std::unique_ptr<Backend> open_model(const std::string& reference) {
  auto backend = open_backend(*ModelReference::parse(reference));
  EXPECT_TRUE(backend.has_value()) << describe(backend.error());
  return backend ? std::move(*backend) : nullptr;
}

// Before anything is packed; what is packed has padding, too.
TEST(Device, SaysWhatTheWeightsWillTake) {
  for (const BackendEntry& entry : backend_table()) {
    if (entry.make_device == nullptr || entry.why_unavailable()) continue;
    SCOPED_TRACE(entry.device);
    for (const char* file :
         {"models/pocket/pocket-small.gguf", "tests/golden/tiny_mixture/qwen2_moe_f32.gguf"}) {
      const auto opened = open_weights(*ModelReference::parse(source_path(file).string()));
      ASSERT_TRUE(opened.has_value()) << describe(opened.error());
      auto device = entry.make_device(opened->model, opened->options);
      ASSERT_TRUE(device.has_value()) << describe(device.error());
      EXPECT_EQ((*device)->traits().weight_bytes, 0);
      const auto need = static_cast<double>((*device)->traits().weight_need);
      const Decoder decoder(opened->model, std::move(*device));
      const auto packed = static_cast<double>(decoder.device().traits().weight_bytes);
      EXPECT_GT(need, 0.5 * packed);  // the second model's rows are far from whole panels
      EXPECT_LE(need, packed);
    }
  }
}

class CollectingSink : public ResponseSink {
 public:
  void on_response(Response response) override {
    const uint64_t id = response.id;
    EXPECT_TRUE(responses.emplace(id, std::move(response)).second) << "answered twice: " << id;
  }
  void on_token(uint64_t id, int32_t token, double) override { streamed[id].push_back(token); }
  std::map<uint64_t, Response> responses;
  std::map<uint64_t, std::vector<int32_t>> streamed;
};

struct RunResult {
  std::map<uint64_t, Response> responses;
  std::map<uint64_t, std::vector<int32_t>> streamed;
  RunCounts counts;
};

RunResult run(Backend& backend, std::vector<Request> requests, const RunOptions& options = {}) {
  ListSource source(std::move(requests));
  CollectingSink sink;
  const auto counts = backend.run(source, sink, options, {});
  EXPECT_TRUE(counts.has_value());
  return {std::move(sink.responses), std::move(sink.streamed), counts.value_or(RunCounts{})};
}

Request score(uint64_t id, Prompt context, std::string continuation) {
  return {.id = id, .ask = ScoreContinuation{std::move(context), std::move(continuation)}};
}

Request generate(uint64_t id, std::string prompt, int max_tokens, std::vector<std::string> stop = {},
                 const Sampling& sampling = {}) {
  return {.id = id,
          .ask = Generate{.prompt = std::move(prompt),
                          .max_tokens = max_tokens,
                          .stop = std::move(stop),
                          .sampling = sampling}};
}

class Stories : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(models_folder())) GTEST_SKIP() << "no models in " << models_folder();
  }
  static std::string model(std::string_view file) { return (models_folder() / file).string(); }
};

struct StoriesFile {
  std::string model;
  std::string reference;
  double bound;  // for each token
};

class StoriesAgreement : public Stories, public testing::WithParamInterface<StoriesFile> {};

TEST_P(StoriesAgreement, WithTheReference) {
  const auto text = read_file(models_folder() / GetParam().reference);
  ASSERT_TRUE(text.has_value());
  const Json reference = parse_json(*text, "reference").value();
  const auto backend = open_model(model(GetParam().model) + "?dtype=float32");
  const double bound = GetParam().bound;

  std::vector<Request> requests = {generate(0, "", 255)};
  for (const Json& prompt : reference["prompts"]) {
    requests.push_back(score(requests.size(), "", prompt["text"].get<std::string>()));
  }
  for (const Json& question : reference["multiple_choice"]) {
    for (const Json& choice : question["choices"]) {
      requests.push_back(score(requests.size(), question["context"].get<std::string>(),
                               choice["choice"].get<std::string>()));
    }
  }
  auto responses = run(*backend, std::move(requests)).responses;

  const auto ids = reference["greedy_from_bos_ids"].get<std::vector<int32_t>>();
  EXPECT_EQ(responses[0].tokens, (std::vector<int32_t>(ids.begin() + 1, ids.end())));
  EXPECT_EQ(responses[0].text, reference["greedy_text"].get<std::string>());
  EXPECT_EQ(responses[0].finish, FinishReason::length);
  EXPECT_EQ(responses[0].prompt_tokens, 1);
  const auto logprobs = reference["greedy_logprobs"].get<std::vector<double>>();
  ASSERT_EQ(responses[0].token_logprobs.size(), logprobs.size());
  for (size_t i = 0; i < logprobs.size(); ++i)
    EXPECT_NEAR(responses[0].token_logprobs[i], logprobs[i], bound) << i;

  uint64_t id = 1;
  for (const Json& prompt : reference["prompts"]) {
    const Response& response = responses[id++];
    const auto expected = prompt["ids"].get<std::vector<int32_t>>();
    EXPECT_EQ(response.tokens, (std::vector<int32_t>(expected.begin() + 1, expected.end())))
        << prompt["text"];
    EXPECT_NEAR(response.logprob, prompt["sum_logprob_given_bos"].get<double>(),
                bound * static_cast<double>(expected.size() - 1))
        << prompt["text"];
  }
  for (const Json& question : reference["multiple_choice"]) {
    for (const Json& choice : question["choices"]) {
      const Response& response = responses[id++];
      const auto length = choice["full_ids"].size() - choice["context_len"].get<size_t>();
      EXPECT_EQ(response.tokens.size(), length);
      EXPECT_NEAR(response.logprob, choice["sum_logprob"].get<double>(), bound * static_cast<double>(length))
          << choice["choice"];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, StoriesAgreement,
    testing::Values(StoriesFile{"stories260K-F32.gguf", "stories260K.reference.json", 2e-4},
                    StoriesFile{"stories260K-Q8_0.gguf", "stories260K-Q8_0.reference.json", 1e-3}),
    [](const auto& file) { return std::string(file.index == 0 ? "F32" : "Q8_0"); });

TEST_F(Stories, CardDescribesTheModel) {
  const auto backend = open_model("tiny=" + model("stories260K-Q8_0.gguf") + "?device=reference");
  const ModelCard& card = backend->card();
  EXPECT_EQ(card.name, "tiny");
  EXPECT_EQ(card.architecture, "llama");
  EXPECT_EQ(card.parameters, 260032);
  EXPECT_EQ(card.context_length, 512);
  EXPECT_EQ(card.vocabulary, 512);
  EXPECT_EQ(card.weight_format, "mixed Q8_0/F16");
  EXPECT_GT(card.packed_bytes, card.bytes) << "the reference device keeps float32";
  EXPECT_EQ(card.fingerprint.size(), 64u);
  EXPECT_EQ(card.backend, "engine");
  EXPECT_EQ(card.device, "reference");
  EXPECT_EQ(card.precision, "float32");
  EXPECT_TRUE(card.can_score && card.can_generate);
  EXPECT_FALSE(card.has_chat_template);
  EXPECT_THAT(card.notes, IsEmpty());
}

// ---- Bits

// Everything that users see of a response but its times, bit for bit.
std::string bits(const Response& response) {
  std::string text = std::to_string(std::bit_cast<uint64_t>(response.logprob)) + "/" + response.text;
  text += std::to_string(response.greedy) + std::to_string(static_cast<int>(response.finish));
  for (const int32_t token : response.tokens) text += " " + std::to_string(token);
  for (const float logprob : response.token_logprobs)
    text += " " + std::to_string(std::bit_cast<uint32_t>(logprob));
  return text + (response.error ? response.error->message : "");
}

std::vector<Request> mixed_requests() {
  std::vector<Request> requests;
  const std::vector<std::string> contexts = {
      "Once upon a time, there was a little girl named Lily. She loved to",
      "Once upon a time, there was a little girl named Lily. She saw a big", "The sun was", "Tim"};
  for (const std::string& context : contexts) {
    for (const std::string_view choice : {" play outside in the park", " play", " dog", " dog and a cat"}) {
      requests.push_back(score(requests.size(), context, std::string(choice)));
    }
    requests.push_back(generate(requests.size(), context, 40));
    requests.push_back(
        generate(requests.size(), context, 30, {}, {.temperature = 1.0, .seed = 3, .stream = 4}));
    requests.push_back(
        generate(requests.size(), context, 25, {}, {.temperature = 1.0, .seed = 3, .stream = 5}));
    requests.push_back({.id = requests.size(), .ask = ScoreText{context + " be happy."}});
  }
  requests.push_back(score(requests.size(), "Impossible:", ""));
  return requests;
}

class StoriesBits : public Stories {
 protected:
  void SetUp() override {
    Stories::SetUp();
    if (IsSkipped()) return;
    backend_ = open_model(model("stories260K-Q8_0.gguf"));
    for (Request& request : mixed_requests()) {
      const uint64_t id = request.id;
      alone_[id] =
          bits(run(*backend_, {std::move(request)}, {.threads = 1, .draft = false}).responses.at(id));
    }
  }

  void expect_same(std::vector<Request> requests, const RunOptions& options) {
    const RunResult result = run(*backend_, std::move(requests), options);
    ASSERT_EQ(result.responses.size(), alone_.size());
    for (const auto& [id, response] : result.responses)
      ASSERT_EQ(bits(response), alone_[id]) << "request " << id;
  }

  std::unique_ptr<Backend> backend_;
  std::map<uint64_t, std::string> alone_;
};

TEST_F(StoriesBits, DoNotDependOnBatchThreadsSharingOrMemory) {
  for (const bool share : {true, false}) {
    for (const int rows : {1, 7, 64, 1024}) {
      for (const int threads : {1, 2, 3}) {
        for (const int64_t budget : {int64_t{1}, int64_t{1} << 30}) {
          SCOPED_TRACE(testing::Message() << share << " " << rows << " " << threads << " " << budget);
          expect_same(mixed_requests(), {.threads = threads,
                                         .max_batch_rows = rows,
                                         .kv_budget_bytes = budget,
                                         .share_prefixes = share});
        }
      }
    }
  }
}

// Answers that repeat themselves and their prompts, ended by everything that can end one inside of a draft.
// 200 seconds under sanitizers, where the plan's and the devices' property tests see drafts as well.
using StoriesSlow = Stories;
TEST_F(StoriesSlow, DraftsChangeNothingButTheNumberOfSteps) {
  const auto backend = open_model(model("stories260K-Q8_0.gguf"));
  const std::string prompt = "Lily was sad. She said, \"I'm sorry, Lily. I didn't know what to do.\" Lily";
  // The context of 512 ends this one.
  const Response longest = run(*backend, {generate(0, prompt, 600)}, {.draft = false}).responses.at(0);
  ASSERT_EQ(longest.prompt_tokens + longest.completion_tokens, 512);
  std::vector<Request> requests = {generate(0, prompt, 600), generate(1, prompt, 400),
                                   generate(2, "Once upon a time", 300), generate(3, prompt + " was", 200)};
  for (int i = 1; i <= 40; ++i) {
    const size_t place = longest.text.size() * static_cast<size_t>(i) / 41;
    requests.push_back(generate(requests.size(), prompt, 400, {longest.text.substr(place, 3)}));
    requests.push_back(generate(requests.size(), prompt, 5 * i));
  }
  requests.push_back(generate(requests.size(), prompt, 100, {}, {.temperature = 1.0, .seed = 3}));
  const RunResult plain = run(*backend, requests, {.draft = false});
  EXPECT_EQ(plain.counts.tokens_drafted, 0);
  for (const int concurrent : {0, 1, 4}) {
    for (const int64_t budget : {int64_t{1}, int64_t{1} << 30}) {
      const RunResult drafted =
          run(*backend, requests, {.kv_budget_bytes = budget, .max_concurrent = concurrent});
      for (const auto& [id, response] : plain.responses) {
        ASSERT_EQ(bits(drafted.responses.at(id)), bits(response)) << id << ", concurrent " << concurrent;
        ASSERT_EQ(drafted.responses.at(id).completion_tokens, response.completion_tokens);
        ASSERT_EQ(drafted.streamed.at(id), plain.streamed.at(id));
      }
      EXPECT_EQ(drafted.counts.tokens_generated, plain.counts.tokens_generated);
      if (concurrent != 1) continue;
      EXPECT_GT(drafted.counts.tokens_accepted, drafted.counts.tokens_generated / 5);
      EXPECT_GT(drafted.counts.tokens_drafted, drafted.counts.tokens_accepted);
    }
  }
}

// One row of memory too few for two answers.
TEST_F(Stories, WhatMemoryCostsIsCounted) {
  const auto backend = open_model(model("stories260K-Q8_0.gguf"));
  const std::vector<Request> requests = {generate(0, "Tim", 200), generate(1, "Lily", 200)};
  EXPECT_EQ(run(*backend, requests).counts.tokens_recomputed, 0);
  const RunCounts tight = run(*backend, requests, {.kv_budget_bytes = 1, .draft = false}).counts;
  EXPECT_GT(tight.tokens_recomputed, 0);
  EXPECT_EQ(tight.tokens_computed, tight.tokens_unique + 2 * 199 + tight.tokens_recomputed);
}

TEST_F(StoriesBits, DoNotDependOnOrderOrConcurrency) {
  std::mt19937 random(3);
  for (const int concurrent : {0, 1, 3}) {
    std::vector<Request> requests = mixed_requests();
    std::shuffle(requests.begin(), requests.end(), random);
    SCOPED_TRACE(concurrent);
    expect_same(std::move(requests), {.max_concurrent = concurrent});
  }
}

// ---- Behaviour

TEST_F(Stories, SharedPromptsAreComputedOnce) {
  const auto backend = open_model(model("stories260K-F32.gguf"));
  std::vector<Request> requests;
  for (const std::string_view choice : {" toy", " ball", " sky", " mom"}) {
    requests.push_back(score(requests.size(), "Tim was sad because he lost his", std::string(choice)));
  }
  const RunResult shared = run(*backend, requests);
  const RunResult apart = run(*backend, requests, {.share_prefixes = false});
  EXPECT_EQ(shared.counts.tokens_asked, apart.counts.tokens_asked);
  EXPECT_EQ(apart.counts.tokens_computed, apart.counts.tokens_asked - 4);
  EXPECT_EQ(shared.counts.tokens_computed, shared.counts.tokens_unique);
  EXPECT_LT(shared.counts.tokens_computed, apart.counts.tokens_computed - 3 * 13);  // 14 tokens of context
  EXPECT_EQ(shared.counts.tokens_generated, 0);
}

TEST_F(Stories, StopStringsEndTheAnswerBeforeThem) {
  const auto backend = open_model(model("stories260K-F32.gguf"));
  auto responses = run(*backend, {generate(0, "", 200), generate(1, "", 200, {"named Lily"}),
                                  generate(2, "", 200, {"nowhere", "."}), generate(3, "", 200, {"Once"})})
                       .responses;
  EXPECT_EQ(responses[0].finish, FinishReason::length);
  // The stop string lies across several tokens, and its tokens are part of the response.
  EXPECT_EQ(responses[1].text, "Once upon a time, there was a little girl ");
  EXPECT_EQ(responses[1].finish, FinishReason::stop);
  EXPECT_GT(responses[1].completion_tokens, 8);
  EXPECT_EQ(responses[2].text, "Once upon a time, there was a little girl named Lily");
  EXPECT_EQ(responses[3].text, "");
  for (const uint64_t id : {1, 2, 3}) {
    EXPECT_TRUE(
        std::equal(responses[id].tokens.begin(), responses[id].tokens.end(), responses[0].tokens.begin()));
  }
}

TEST_F(Stories, TokensAreStreamedAndTimed) {
  const auto backend = open_model(model("stories260K-F32.gguf"));
  const RunResult result =
      run(*backend, {generate(0, "Lily", 30), generate(1, "Tom", 20), score(2, "Tom", " went")},
          {.max_concurrent = 1});
  for (const auto& [id, response] : result.responses) {
    EXPECT_EQ(result.streamed.count(id) > 0 ? result.streamed.at(id) : std::vector<int32_t>(),
              id < 2 ? response.tokens : std::vector<int32_t>());
    EXPECT_GT(response.timing.ttft_ms, 0.0);
    EXPECT_GE(response.timing.total_ms, response.timing.ttft_ms);
  }
  EXPECT_EQ(result.counts.tokens_generated, 50);
}

TEST_F(Stories, OneBadRequestDoesNotDisturbTheOthers) {
  const auto backend = open_model(model("stories260K-F32.gguf"));
  std::string much;
  for (int i = 0; i < 600; ++i) much += " dog";
  Request strict = score(2, much, " dog");
  strict.truncate = Truncate::error;
  auto responses =
      run(*backend, {score(0, "Tim", ""), score(1, std::vector<ChatMessage>{{"user", "hi"}}, "x"), strict,
                     score(3, much, " dog"), score(4, "Tim", " went"), generate(5, much, 4)})
          .responses;
  EXPECT_THAT(responses[0].error.value_or(Error{}).message, HasSubstr("no tokens"));
  EXPECT_THAT(responses[1].error.value_or(Error{}).message, HasSubstr("no chat template"));
  EXPECT_THAT(responses[2].error.value_or(Error{}).message, HasSubstr("tokens"));
  EXPECT_FALSE(responses[3].error);
  EXPECT_TRUE(responses[3].truncated);
  EXPECT_FALSE(responses[4].error);
  EXPECT_FALSE(responses[4].truncated);
  EXPECT_LT(responses[4].logprob, 0.0);
  EXPECT_TRUE(responses[5].truncated);
  EXPECT_EQ(responses[5].completion_tokens, 4);
  EXPECT_EQ(responses[5].prompt_tokens, 508);
}

TEST_F(Stories, AStopEndsTheRunBetweenSteps) {
  const auto backend = open_model(model("stories260K-F32.gguf"));
  for (const int concurrent : {0, 2}) {
    std::stop_source stop;
    ListSource source({generate(0, "Lily", 400), generate(1, "Tom", 400), generate(2, "Tim", 400)});
    class StoppingSink : public CollectingSink {
     public:
      explicit StoppingSink(std::stop_source& stop_now) : stop_(stop_now) {}
      void on_token(uint64_t id, int32_t token, double elapsed) override {
        CollectingSink::on_token(id, token, elapsed);
        if (streamed[id].size() == 5) stop_.request_stop();
      }

     private:
      std::stop_source& stop_;
    } sink(stop);
    const auto counts = backend->run(source, sink, {.max_concurrent = concurrent}, stop.get_token());
    ASSERT_TRUE(counts.has_value());
    EXPECT_THAT(sink.responses, IsEmpty());
    EXPECT_LE(counts->tokens_generated, 3 * 6);
  }
}

TEST_F(Stories, ResponsesComeWithTheStepThatFindsThemAndAStopEndsTheRunThere) {
  const auto backend = open_model(model("stories260K-F32.gguf"));
  std::vector<Request> requests;
  for (const std::string_view name : {"Tim", "Lily", "Tom", "Sue", "Ben", "Anna", "Max", "Mia"}) {
    requests.push_back(score(requests.size(), std::string(name) + " went to the park and saw a", " big dog"));
  }
  const RunCounts all = run(*backend, requests).counts;

  std::stop_source stop;
  std::vector<uint64_t> answered;
  FunctionSink sink([&](Response response) {
    answered.push_back(response.id);
    stop.request_stop();
  });
  ListSource source(requests);
  const RunOptions options{.max_batch_rows = 8};
  const auto counts = backend->run(source, sink, options, stop.get_token());
  ASSERT_TRUE(counts.has_value());
  EXPECT_THAT(answered, ElementsAre(0));
  // The first request has as many rows as an eighth of all, roughly; no step came after its last one.
  EXPECT_LT(counts->tokens_computed, all.tokens_computed / 8 + 2 * options.max_batch_rows);
  // A run that was stopped leaves nothing behind that another would see.
  EXPECT_EQ(run(*backend, requests).counts.tokens_computed, all.tokens_computed);
}

// ---- Conversations, on the bundled model

class Pocket : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kModel)) GTEST_SKIP() << "no " << kModel;
    backend_ = open_model(kModel + "?now=2026-01-01T00:00:00");
  }
  const std::string kModel = source_path("models/pocket/pocket-small.gguf").string();
  std::unique_ptr<Backend> backend_;
};

TEST_F(Pocket, AConversationIsWhatItsTemplateMakesOfIt) {
  const Prompt chat = std::vector<ChatMessage>{{"system", "Answer briefly."}, {"user", "What is a refund?"}};
  const std::string text =
      "<|begin|><|system|>Answer briefly.<|end|><|user|>What is a refund?<|end|><|assistant|>";
  ASSERT_TRUE(backend_->card().has_chat_template);
  EXPECT_EQ(backend_->render(chat).value_or("error"), text);
  EXPECT_EQ(backend_->render(Prompt("plain <|end|>")).value_or("error"), "plain <|end|>");
  Request rendered = generate(1, text, 60);
  Request conversation = rendered;
  conversation.id = 0;
  std::get<Generate>(conversation.ask).prompt = chat;
  auto responses = run(*backend_, {conversation, rendered}).responses;
  EXPECT_EQ(bits(responses[0]), bits(responses[1]));
  EXPECT_FALSE(responses[0].text.empty());
  EXPECT_EQ(responses[0].finish, FinishReason::stop);
  EXPECT_EQ(responses[0].text.find("<|end|>"), std::string::npos);
  // The token that ended the answer was generated and is counted.
  EXPECT_EQ(responses[0].completion_tokens, static_cast<int>(responses[0].tokens.size()));
}

TEST_F(Pocket, SpecialTokensInAPlainPromptAreText) {
  const auto responses =
      run(*backend_, {score(0, "a", "<|end|>"), score(1, "<|begin|>a", "<|end|>")}).responses;
  EXPECT_GT(responses.at(0).tokens.size(), 1u);
  EXPECT_EQ(responses.at(1).tokens.size(), 1u);
}

// A source that gives a request only when the one before has been answered.
TEST_F(Stories, ASourceMayWaitForEarlierAnswers) {
  const auto backend = open_model(model("stories260K-F32.gguf"));
  CollectingSink sink;
  class Dependent : public RequestSource {
   public:
    explicit Dependent(const CollectingSink& earlier) : earlier_(earlier) {}
    std::optional<Request> next() override {
      EXPECT_EQ(earlier_.responses.size(), given_);
      if (given_ == 3) return std::nullopt;
      return generate(given_++, "Lily", 5);
    }

   private:
    const CollectingSink& earlier_;
    size_t given_ = 0;
  } source(sink);
  ASSERT_TRUE(backend->run(source, sink, {.max_concurrent = 1}, {}).has_value());
  EXPECT_EQ(sink.responses.size(), 3u);
}

}  // namespace
}  // namespace sizeup
