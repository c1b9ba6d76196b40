// Recorded answers as a model of a run: the same metrics, store and reports as for answers made now.
#include "harness/answers/recorded_answers.h"

#include <gmock/gmock.h>

#include "harness/run/run.h"
#include "harness/store/read.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::HasSubstr;
using testing::Optional;

class Silent : public ProgressSink {
 public:
  void on_progress(const Progress&) override {}
  void on_message(const std::string&) override {}
};

class RecordedAnswersTest : public testing::Test {
 protected:
  TemporaryFolder folder;
  RunSettings settings;
  size_t portion_samples = 100;

  void SetUp() override {
    settings.db = folder.path() / "a.db";
    settings.now = "2026-11-21T03:00:00";
    OwnData data;
    data.file = folder.write("tickets.jsonl",
                             "{\"id\": \"t1\", \"text\": \"Where is it?\", \"queue\": \"delivery\"}\n"
                             "{\"id\": \"t2\", \"text\": \"Too much.\", \"queue\": \"billing\"}\n"
                             "{\"id\": \"t3\", \"text\": \"Too much.\", \"queue\": \"delivery\"}\n");
    settings.data = data;
  }
  void answers(const std::string& content) {
    settings.models = {"other=answers:" + folder.write("answers.jsonl", content).string()};
  }
  Result<RunSummary> run() {
    Silent progress;
    RunEnvironment environment = RunEnvironment::standard(source_path("tasks/definitions"));
    environment.portion_samples = portion_samples;
    return execute(settings, progress, {}, environment);
  }
  RunSummary done() {
    Result<RunSummary> summary = run();
    if (!summary) throw std::runtime_error(describe(summary.error()));
    return std::move(*summary);
  }
  std::string refusal() {
    const Result<RunSummary> summary = run();
    return summary ? std::string() : describe(summary.error());
  }
};

constexpr const char* kAll =
    "{\"id\": \"t3\", \"answer\": \"Billing.\\nOr not.\", \"latency_ms\": 30, \"cost_usd\": 0.3}\n"
    "{\"id\": \"t1\", \"answer\": \"delivery\", \"latency_ms\": 10, \"cost_usd\": 0.1}\n"
    "{\"id\": \"t2\", \"answer\": \"I say billing\", \"latency_ms\": 20, \"cost_usd\": 0.2}\n";

// t2 and t3 have the same prompt and different answers: what was recorded belongs to the document.
TEST_F(RecordedAnswersTest, AreScoredAsWrittenAnswers) {
  answers(kAll);
  const RunSummary summary = done();
  EXPECT_EQ(summary.protocol, "generative");
  ASSERT_EQ(summary.evaluations.size(), 1u);
  EXPECT_EQ(summary.evaluations[0].headline.metric, "acc");
  EXPECT_THAT(summary.evaluations[0].headline.value, DoubleNear(2.0 / 3.0, 1e-12));
  EXPECT_EQ(summary.samples_failed, 0);
}

TEST_F(RecordedAnswersTest, LatencyAndCostAreTheRecordedOnes) {
  answers(kAll);
  settings.latency_samples = 1;
  const RunSummary summary = done();
  const Store store = *Store::open(settings.db, StoreAccess::read);
  const auto evaluations = *read_evaluations(store, summary.run_id);
  ASSERT_EQ(evaluations.size(), 2u);
  const auto timings = *read_timings(store, evaluations[1].id);
  ASSERT_EQ(timings.size(), 3u) << "all of them, as nothing has to be asked";
  double total = 0.0;
  for (const TimingRow& timing : timings) total += timing.total_ms;
  EXPECT_EQ(total, 60.0);
  EXPECT_FALSE(evaluations[0].wall_ms.has_value()) << "how long reading took says nothing";
  const auto cost = *read_cost(store, evaluations[0].id);
  ASSERT_TRUE(cost.has_value());
  EXPECT_THAT(cost->total, Optional(DoubleNear(0.6, 1e-12)));
  EXPECT_THAT(cost->per_request, Optional(DoubleNear(0.2, 1e-12)));
  EXPECT_THAT(cost->per_1000_correct, Optional(DoubleNear(300.0, 1e-9)));
  EXPECT_EQ(cost->currency, "USD");
}

TEST_F(RecordedAnswersTest, TokensArePricedByTheRunFile) {
  answers(R"({"id": "t1", "answer": "delivery", "prompt_tokens": 1000, "completion_tokens": 100}
{"id": "t2", "answer": "billing", "prompt_tokens": 1000, "completion_tokens": 100}
{"id": "t3", "answer": "delivery", "prompt_tokens": 1000, "completion_tokens": 100})");
  Prices prices;
  prices.currency = "EUR";
  prices.per_million_input = 1.0;
  prices.per_million_output = 10.0;
  settings.prices["other"] = prices;
  const RunSummary summary = done();
  const Store store = *Store::open(settings.db, StoreAccess::read);
  const auto evaluations = *read_evaluations(store, summary.run_id);
  EXPECT_EQ(evaluations.size(), 1u) << "no latency is recorded: none is measured";
  EXPECT_THAT((*read_cost(store, evaluations[0].id))->per_request, Optional(DoubleEq(0.002)));
}

TEST_F(RecordedAnswersTest, ASecondRunHasTheSameFigures) {
  answers(kAll);
  const RunSummary first = done();
  const RunSummary second = done();
  const Store store = *Store::open(settings.db, StoreAccess::read);
  const auto evaluations = *read_evaluations(store, second.run_id);
  EXPECT_EQ(second.evaluations[0].headline.value, first.evaluations[0].headline.value);
  EXPECT_THAT((*read_cost(store, evaluations[0].id))->total, Optional(DoubleNear(0.6, 1e-12)));
}

TEST_F(RecordedAnswersTest, AMissingAnswerIsAFailedSample) {
  answers("{\"id\": \"t1\", \"answer\": \"delivery\"}\n");
  const RunSummary summary = done();
  EXPECT_EQ(summary.samples_failed, 2);
  EXPECT_EQ(summary.evaluations[0].headline.n, 1);
}

// The ids fit, as the first portion shows: the rest is what the file does not have.
TEST_F(RecordedAnswersTest, ALaterPortionMayHaveNoAnswer) {
  answers("{\"id\": \"t1\", \"answer\": \"delivery\"}\n");
  portion_samples = 1;
  EXPECT_EQ(done().samples_failed, 2);
}

TEST_F(RecordedAnswersTest, AnswersOfOtherDocumentsAreRefused) {
  answers("{\"id\": \"x9\", \"answer\": \"delivery\"}\n");
  EXPECT_THAT(refusal(), testing::AllOf(HasSubstr("no document of the task has an answer"), HasSubstr("'t1'"),
                                        HasSubstr("'x9'")));
}

TEST_F(RecordedAnswersTest, SeveralTasksNeedTheirNames) {
  settings.tasks = {"helpdesk"};
  settings.limit = 2;
  answers("{\"answer\": \"delivery\"}\n");
  EXPECT_THAT(refusal(), HasSubstr("the answers name no task"));
}

TEST_F(RecordedAnswersTest, NoProbabilitiesAreRecorded) {
  answers(kAll);
  settings.protocol = ProtocolChoice::likelihood;
  EXPECT_THAT(refusal(), HasSubstr("--protocol generative"));
}

TEST_F(RecordedAnswersTest, UnknownOptionsAreRefused) {
  answers(kAll);
  settings.models[0] += "?device=cpu";
  EXPECT_THAT(refusal(), HasSubstr("recorded answers have no option 'device'"));
}

}  // namespace
}  // namespace sizeup
