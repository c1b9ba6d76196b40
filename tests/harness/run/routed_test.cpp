// What a router did with each request is kept beside the answers, and says whether its policy's prediction
// holds.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "backends/router/route_policy.h"
#include "backends/router/router_backend.h"
#include "harness/decide/route_check.h"
#include "harness/run/asking.h"
#include "run_fixture.h"

namespace sizeup {
namespace {

using testing::ElementsAre;

class RoutedTest : public RunFixture {
 protected:
  void SetUp() override {
    RunFixture::SetUp();
    add_task("write", OutputType::generate_until, 40);
    settings.tasks = {"write", "read"};
    settings.models = {"hybrid=router:policy.json"};
    RoutePolicy policy;
    policy.expected.samples = 200;
    policy.expected.share = {0.5, 0.43, 0.57};
    policy.expected.accuracy = {0.5, 0.43, 0.57};
    policy.tasks = {"write"};
    models["hybrid"] = {.name = "hybrid", .fingerprint = "h", .policy = to_route_policy_text(policy)};
    // Every other document goes on; it was made from the first ten.
    models["hybrid"].routed = [](const Request& request) -> std::optional<Routed> {
      EXPECT_NE(request.asked_for.slices, nullptr);
      EXPECT_FALSE(request.asked_for.document_hash.empty());
      return Routed{request.asked_for.row % 2 == 1, request.asked_for.row < 10};
    };
  }

  RouteCheck check() const {
    const Store read = store();
    const std::vector<RouteCheck> checks = check_routers(read, "latest").value();
    EXPECT_EQ(checks.size(), 1u);
    return checks.at(0);
  }

  std::vector<std::string> details(const std::string& name) const {
    return query("SELECT json_extract(details, '$." + name +
                 "') FROM answer JOIN sample ON sample.id = sample_id JOIN task ON task.id = task_id "
                 "WHERE task.name = 'write' AND sample.row IN (0, 1, 20, 21) AND evaluation_id = "
                 "(SELECT max(id) FROM evaluation WHERE evaluation.task_id = task.id) ORDER BY sample.row");
  }
};

TEST_F(RoutedTest, AnswersSayWhichWayTheyWent) {
  done();
  EXPECT_THAT(details("sent_on"), ElementsAre("0", "1", "0", "1"));
  EXPECT_THAT(details("fitted"), ElementsAre("1", "1", "0", "0"));
  const RouteCheck found = check();
  EXPECT_EQ(found.model, "hybrid");
  EXPECT_EQ(found.fresh, 30);
  EXPECT_EQ(found.fitted, 10);
  EXPECT_EQ(found.other, 2);
  EXPECT_EQ(found.unknown, 0);
  EXPECT_EQ(found.share.observed.value, 0.5);
  EXPECT_TRUE(found.share.holds());
  EXPECT_EQ(found.accuracy.observed.n, 30);
}

// A run whose answers all come from the store asks nobody, and still knows.
TEST_F(RoutedTest, SoDoAnswersFromTheStore) {
  done();
  const RouteCheck first = check();
  models["hybrid"].routed = {};
  EXPECT_EQ(done().requests_sent, 0);
  EXPECT_THAT(details("sent_on"), ElementsAre("0", "1", "0", "1"));
  const RouteCheck again = check();
  EXPECT_EQ(again.fresh, first.fresh);
  EXPECT_EQ(again.accuracy.observed.value, first.accuracy.observed.value);
  EXPECT_EQ(again.share.range.lo, first.share.range.lo);
}

// A router may answer one prompt differently for two slices, so they are two requests.
TEST_F(RoutedTest, SlicesAreAPartOfWhatAnAnswerDependsOn) {
  ModelCard card;
  Request german;
  const std::map<std::string, std::string> de = {{"language", "de"}};
  const std::map<std::string, std::string> en = {{"language", "en"}};
  german.asked_for.slices = &de;
  Request english = german;
  english.asked_for.slices = &en;
  EXPECT_EQ(response_key_json(card, german, "x"), response_key_json(card, english, "x"));
  card.policy = "{}";
  EXPECT_NE(response_key_json(card, german, "x"), response_key_json(card, english, "x"));
  english = german;
  EXPECT_EQ(response_key_json(card, german, "x"), response_key_json(card, english, "x"));
  english.asked_for.task = "other";
  EXPECT_NE(response_key_json(card, german, "x"), response_key_json(card, english, "x"));
}

TEST_F(RoutedTest, WhatIsNotKnownDoesNotCount) {
  models["hybrid"].routed = [](const Request& request) -> std::optional<Routed> {
    if (request.asked_for.row < 5) return std::nullopt;
    return Routed{false, request.asked_for.row < 10 ? std::nullopt : std::optional(false)};
  };
  done();
  const RouteCheck found = check();
  EXPECT_EQ(found.fresh, 30);
  EXPECT_EQ(found.unknown, 10);
  EXPECT_FALSE(found.share.holds());  // nothing was sent on
}

// The router itself, before two fake models.
class RouterRun : public RoutedTest {
 protected:
  RoutePolicy policy;

  void SetUp() override {
    RoutedTest::SetUp();
    policy.expected.share.value = policy.expected.accuracy.value = 0.5;
    policy.fitted = {fitted_number("another document")};
  }

  Result<RunSummary> run_router() {
    RunEnvironment two = environment();
    two.open_model = [&](const ModelReference& reference) {
      return make_router(reference, policy, std::make_unique<FakeBackend>(models["small"], logs["small"]),
                         std::make_unique<FakeBackend>(models["large"], logs["large"]));
    };
    return execute(settings, progress, stop.get_token(), two);
  }

  std::vector<std::string> column(const std::string& model, const std::string& what) const {
    return query(
        "SELECT " + what +
        " FROM answer JOIN evaluation ON evaluation.id = evaluation_id JOIN model ON model.id = "
        "model_id JOIN sample ON sample.id = sample_id WHERE scenario = 'offline' AND model.name = '" +
        model + "' ORDER BY sample.row");
  }
};

// Small's answers to odd documents are empty.
TEST_F(RouterRun, GoesByTheTasksChecks) {
  models["small"].writes = [](const Request& request) {
    return std::string(request.asked_for.row % 2 == 1 ? "" : "0");
  };
  models["large"].writes = [](const Request&) { return std::string("1"); };
  policy.scorer.intercept = 1.0;
  policy.rejections = {find_rejection("no_answer").value()};
  settings.tasks = {"write"};
  settings.latency_samples = 4;
  const Result<RunSummary> summary = run_router();
  ASSERT_TRUE(summary.has_value()) << describe(summary.error());
  const std::vector<std::string> sent_on = column("hybrid", "json_extract(details, '$.sent_on')");
  ASSERT_EQ(sent_on.size(), 40u);
  for (size_t i = 0; i < sent_on.size(); ++i) EXPECT_EQ(sent_on[i], i % 2 == 1 ? "1" : "0");
  EXPECT_EQ(summary->evaluations.at(0).headline.value, 1.0) << "large is right where small says nothing";
  EXPECT_EQ(check().fresh, 40);
  EXPECT_THAT(progress.messages, testing::Contains(testing::HasSubstr("20 of 40 requests went on")));
  EXPECT_THAT(progress.messages, testing::Not(testing::Contains(testing::HasSubstr("nothing here tells"))));
}

// A choice as likely as its share of all choices' probabilities.
class SureTask : public FakeTask {
 public:
  using FakeTask::FakeTask;
  Scored score(const Sample& sample, const std::vector<Reply>& replies) const override {
    Scored scored = FakeTask::score(sample, replies);
    double all = 0.0;
    double most = 0.0;
    for (const Reply& reply : replies) {
      all += std::exp(reply.logprob);
      most = std::max(most, std::exp(reply.logprob));
    }
    scored.confidence = most / all;
    return scored;
  }
};

class ChoiceRouterRun : public RouterRun {
 protected:
  void SetUp() override {
    RouterRun::SetUp();
    tasks["choice"] = [] { return std::make_unique<SureTask>("choice", OutputType::multiple_choice, 12); };
    settings.tasks = {"choice"};
    policy.confidence = kOptionProbability;
    policy.protocol = "likelihood";
    policy.scorer.weights = {{RouteFeature::parse("confidence").value(), 1.0}};
  }
};

// What goes on is what the small model alone is not sure of; each sample's answer is one model's.
TEST_F(ChoiceRouterRun, GoesByTheProbabilityOfTheOption) {
  settings.models = {"small=./small.gguf", "large=./large.gguf"};
  done();
  const std::vector<std::string> confidence = column("small", "confidence");
  std::vector<double> sorted;
  for (const std::string& one : confidence) sorted.push_back(std::stod(one));
  std::ranges::sort(sorted);
  policy.threshold = (sorted[5] + sorted[6]) / 2;

  settings.models = {"hybrid=router:policy.json"};
  settings.latency_samples = 3;
  const Result<RunSummary> summary = run_router();
  ASSERT_TRUE(summary.has_value()) << describe(summary.error());
  const std::vector<std::string> sent_on = column("hybrid", "json_extract(details, '$.sent_on')");
  const std::vector<std::string> answer = column("hybrid", "answer");
  const std::vector<std::string> of_small = column("small", "answer");
  const std::vector<std::string> of_large = column("large", "answer");
  ASSERT_EQ(sent_on.size(), 12u);
  for (size_t i = 0; i < sent_on.size(); ++i) {
    const bool unsure = std::stod(confidence[i]) < policy.threshold;
    EXPECT_EQ(sent_on[i], unsure ? "111" : "000") << confidence[i];
    EXPECT_EQ(answer[i], (unsure ? of_large : of_small)[i]);
  }
  EXPECT_THAT(sent_on, testing::Contains("111").Times(6));
  EXPECT_EQ(
      query("SELECT count(*) FROM timing JOIN evaluation ON evaluation.id = evaluation_id JOIN model ON "
            "model.id = model_id WHERE model.name = 'hybrid'"),
      std::vector<std::string>{"3"});

  const size_t asked = logs["small"].count();
  settings.latency_samples = 0;
  ASSERT_TRUE(run_router().has_value());
  EXPECT_EQ(logs["small"].count(), asked) << "a second run finds everything in the store";
}

// The store has two of three choices of a document when the run is stopped: all three are asked again.
TEST_F(ChoiceRouterRun, AStoppedRunAsksForAllChoicesAgain) {
  policy.threshold = 2.0;
  int answered = 0;
  models["large"].before = [&](const Request&) {
    if (++answered == 5) stop.request_stop();
  };
  ASSERT_FALSE(run_router().has_value());
  models["large"].before = {};
  stop = {};
  settings.resume = "";
  logs["small"] = {};
  const Result<RunSummary> summary = run_router();
  ASSERT_TRUE(summary.has_value()) << describe(summary.error());
  EXPECT_EQ(summary->samples_failed, 0);
  EXPECT_EQ(logs["small"].count(), 33u) << "all but the first document";
  EXPECT_THAT(column("hybrid", "json_extract(details, '$.sent_on')"), testing::Each("111"));
}

TEST_F(RoutedTest, OtherModelsAreNoRouters) {
  settings.models = {"small=./small.gguf"};
  done();
  EXPECT_TRUE(check_routers(store(), "latest").value().empty());
  EXPECT_THAT(details("sent_on"), ElementsAre("NULL", "NULL", "NULL", "NULL"));
}

}  // namespace
}  // namespace sizeup
