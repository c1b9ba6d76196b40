// `sizeup route` writes a policy; on fresh samples `router:` sends on just what the policy says of the small
// model's own answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/router/route_policy.h"
#include "harness/decide/answer_facts.h"
#include "harness/store/read.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

class RouterProgram : public testing::Test {
 protected:
  struct Sent {
    int on = 0;
    int kept = 0;
  };

  TemporaryFolder folder;
  std::string small = source_path("models/pocket/pocket-small.gguf").string();
  std::string large = source_path("models/pocket/pocket-large.gguf").string();
  std::string db = (folder.path() / "a.db").string();
  std::string file = (folder.path() / "policy.json").string();

  void sizeup(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--db", db});
    const Finished finished = run_program(arguments);
    ASSERT_EQ(finished.status, 0) << finished.errors;
  }

  void run(const std::string& name, const std::string& task, const std::string& limit,
           const std::vector<std::string>& models) const {
    std::vector<std::string> arguments = {"run", "--name",  name, "--latency-samples", "0", "--task",
                                          task,  "--limit", limit};
    for (const std::string& model : models) arguments.insert(arguments.end(), {"--model", model});
    sizeup(arguments);
  }

  static EvaluationRow evaluation(const Store& store, const std::string& model) {
    std::vector<EvaluationRow> rows = read_evaluations(store, find_run(store, "fresh").value().id).value();
    for (EvaluationRow& row : rows) {
      if (row.model.name == model) return row;
    }
    throw std::runtime_error("no evaluation of " + model);
  }

  // How many went on, and whether these are the right ones.
  Sent sent_on() const {
    const RoutePolicy policy = read_route_policy(file).value();
    const Store store = Store::open(db, StoreAccess::read).value();
    const EvaluationRow alone = evaluation(store, "pocket-small");
    const std::string metric = alone.task.metrics.front().name;
    const std::vector<AnswerRow> answers = read_answers(store, alone.id).value();
    const std::vector<AnswerRow> routed = read_answers(store, evaluation(store, "hybrid").id).value();
    EXPECT_EQ(routed.size(), answers.size());
    Sent out;
    for (size_t i = 0; i < std::min(answers.size(), routed.size()); ++i) {
      RouteFacts facts;
      facts.confidence = stated_confidence(answers[i], metric);
      facts.rejections = rejections_of(answers[i], answers[i].scores.at(metric));
      const bool goes_on = policy.sends_on(facts);
      const std::string way = routed[i].details.at("sent_on");
      EXPECT_EQ(way, std::string(way.size(), goes_on ? '1' : '0')) << i << " " << answers[i].answer;
      EXPECT_TRUE(goes_on || routed[i].answer == answers[i].answer) << i;
      ++(goes_on ? out.on : out.kept);
    }
    return out;
  }
};

TEST_F(RouterProgram, GoesByTheProbabilityOfOptions) {
  run("fitted", "helpdesk", "40", {small, large});
  sizeup({"route", "--run", "fitted", "--share", "0.4", "--policy", file});
  EXPECT_THAT(read_whole(file), HasSubstr("\"protocol\": \"likelihood\""));
  run("fresh", "helpdesk", "90", {small, "hybrid=router:" + file});
  const Sent sent = sent_on();
  EXPECT_GT(sent.on, 15);
  EXPECT_GT(sent.kept, 15);
}

TEST_F(RouterProgram, GoesByUnsupportedSentences) {
  run("fitted", "handbook-passages", "24", {small, large});
  sizeup({"route", "--run", "fitted", "--by", "verifier", "--reject", "unsupported", "--share", "0.5",
          "--policy", file});
  run("fresh", "handbook-passages", "45", {small, "hybrid=router:" + file});
  const Sent sent = sent_on();
  EXPECT_GT(sent.on, 5);
  EXPECT_GT(sent.kept, 5);
}

}  // namespace
}  // namespace sizeup
