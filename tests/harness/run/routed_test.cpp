// What a router did with each request is kept beside the answers, and says whether its policy's prediction
// holds.
#include <gmock/gmock.h>

#include "backends/router/route_policy.h"
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

TEST_F(RoutedTest, OtherModelsAreNoRouters) {
  settings.models = {"small=./small.gguf"};
  done();
  EXPECT_TRUE(check_routers(store(), "latest").value().empty());
  EXPECT_THAT(details("sent_on"), ElementsAre("NULL", "NULL", "NULL", "NULL"));
}

}  // namespace
}  // namespace sizeup
