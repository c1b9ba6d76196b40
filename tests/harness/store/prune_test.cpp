#include "harness/store/prune.h"

#include <gmock/gmock.h>

#include "store_fixture.h"

namespace sizeup {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// Runs "one", "two", "three" of a day each, of which "three" has a task and responses of its own.
class PruneTest : public StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    Store store = open();
    int day = 20;
    for (const char* name : {"one", "two", "three"}) {
      ExamplePlan example;
      example.plan.run.name = name;
      example.plan.run.created_at = "2026-11-" + std::to_string(day++) + "T03:00:00.000Z";
      const bool apart = name == std::string("three");
      for (EvaluationRow& evaluation : example.plan.evaluations) {
        if (apart) evaluation.task.name = "apart";
      }
      fill(store, store.create_run(example.plan).value(), apart ? "other-" : "shared-");
    }
  }

  static void fill(Store& store, const Store::Planned& planned, const std::string& keys) {
    {
      StoreWriter writer(store, {});
      for (size_t i = 0; i < 3; ++i) {
        ResponseRow response = example_response(keys + std::to_string(i));
        response.prompt = keys + "prompt";
        response.text = std::string(2000, 'x');
        const int64_t evaluation = planned.evaluation_ids[0];
        const int64_t sample = planned.sample_ids[0][i];
        EXPECT_TRUE(writer.write(ResponseWrite{response, {{evaluation, sample, 0}}}));
        AnswerRow answer;
        answer.evaluation_id = evaluation;
        answer.sample_id = sample;
        answer.scores = {{"acc", 1.0}};
        EXPECT_TRUE(writer.write(answer));
      }
    }
    EvaluationRow evaluation;
    evaluation.id = planned.evaluation_ids[0];
    evaluation.finished_at = planned.run.created_at;
    EXPECT_TRUE(
        store.finish_evaluation(evaluation, std::vector<ResultRow>{{"acc", "", "", 1.0, {}, {}, 3}}, {}));
    EXPECT_TRUE(store.finish_run(planned.run.id, planned.run.created_at));
  }

  PruneReport prune(const PruneRule& rule, bool dry_run = false) {
    Store store = open();
    Result<PruneReport> report = prune_store(store, rule, "2026-11-23T03:00:00.000Z", dry_run);
    EXPECT_TRUE(report.has_value()) << describe(report.error());
    return report ? *report : PruneReport{};
  }
  std::vector<std::string> left() const { return query("SELECT name FROM run ORDER BY id"); }
};

TEST_F(PruneTest, WhatOthersUseStays) {
  const PruneReport report = prune({.runs = {"one"}});
  EXPECT_THAT(report.runs, ElementsAre("one"));
  EXPECT_THAT(report.rows, Contains(Pair("answer", 3)));
  EXPECT_THAT(report.rows, testing::Not(Contains(Pair("response", testing::_)))) << "run two uses them";
  EXPECT_THAT(query("SELECT count(*) FROM response"), ElementsAre("6"));
  EXPECT_THAT(query("PRAGMA foreign_key_check"), IsEmpty());
}

TEST_F(PruneTest, WhatOnlyTheyUsedGoesWithItsBytes) {
  const auto size = std::filesystem::file_size(file);
  const PruneReport report = prune({.keep = 1});
  EXPECT_THAT(report.runs, ElementsAre("one", "two"));
  EXPECT_THAT(report.rows, Contains(Pair("response", 3)));
  EXPECT_THAT(report.rows, Contains(Pair("sample", 3)));
  EXPECT_THAT(report.rows, Contains(Pair("task", 1)));
  EXPECT_THAT(query("SELECT key FROM response ORDER BY key"), ElementsAre("other-0", "other-1", "other-2"));
  EXPECT_THAT(query("SELECT text FROM prompt"), ElementsAre("other-prompt"));
  EXPECT_GT(report.bytes, 0);
  EXPECT_EQ(static_cast<int64_t>(size - std::filesystem::file_size(file)), report.bytes);
  EXPECT_THAT(query("PRAGMA integrity_check"), ElementsAre("ok"));
}

TEST_F(PruneTest, ByAge) {
  EXPECT_THAT(prune({.older_than = 2.5}).runs, ElementsAre("one"));
  EXPECT_THAT(left(), ElementsAre("two", "three"));
  EXPECT_THAT(prune({.older_than = 2.5}).runs, IsEmpty());
}

TEST_F(PruneTest, RulesTogetherChooseWhatAllOfThemChoose) {
  EXPECT_THAT(prune({.keep = 1, .older_than = 2.5}).runs, ElementsAre("one"));
  EXPECT_THAT(prune({.keep = 3, .older_than = 0.0}).runs, IsEmpty());
}

TEST_F(PruneTest, ARunThatIsNotFinishedGoesOnlyByName) {
  execute("UPDATE run SET finished_at = NULL WHERE name = 'one'");
  EXPECT_THAT(prune({.keep = 0}).runs, ElementsAre("two", "three"));
  EXPECT_THAT(prune({.runs = {"one"}}).runs, ElementsAre("one"));
  EXPECT_THAT(
      query("SELECT (SELECT count(*) FROM sample) + (SELECT count(*) FROM response) + (SELECT count(*) FROM "
            "model) + (SELECT count(*) FROM environment)"),
      ElementsAre("0"));
}

TEST_F(PruneTest, SamplesStayForARunThatWillStillAskThem) {
  {
    Store store = open();
    ExamplePlan example;
    example.plan.run.name = "begun";
    ASSERT_TRUE(store.create_run(example.plan));
  }
  prune({.runs = {"one", "two"}});
  EXPECT_THAT(query("SELECT count(*) FROM sample JOIN task ON task.id = task_id WHERE name = 'letters'"),
              ElementsAre("3"));
  Store store = open();
  ExamplePlan example;
  example.plan.run = find_run(store, "begun").value();
  EXPECT_TRUE(store.find_run_plan(example.plan).has_value());
}

TEST_F(PruneTest, ADryRunSaysTheSameAndChangesNothing) {
  const PruneReport dry = prune({.keep = 1}, true);
  EXPECT_THAT(left(), ElementsAre("one", "two", "three"));
  const PruneReport done = prune({.keep = 1});
  EXPECT_EQ(dry.runs, done.runs);
  EXPECT_EQ(dry.rows, done.rows);
  EXPECT_LE(dry.bytes, done.bytes);
}

TEST_F(PruneTest, NoSuchRun) {
  Store store = open();
  Result<PruneReport> report = prune_store(store, {.runs = {"four"}}, stored_now(), false);
  ASSERT_FALSE(report.has_value());
  EXPECT_THAT(report.error().message, HasSubstr("no run named 'four'"));
}

}  // namespace
}  // namespace sizeup
