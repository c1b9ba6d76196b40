// Evidence from a store, and how its sides are named.
#include "harness/decide/evidence.h"

#include <gmock/gmock.h>

#include "tests/harness/store/store_fixture.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EvidenceTest : public StoreFixture {
 protected:
  ExamplePlan example;

  // A run of these models that has answered everything; the first sample fails, the others score 1 and 0.
  void add_run(Store& store, const std::string& name, const std::vector<std::string>& models) {
    example.plan.run.name = name;
    example.plan.evaluations.clear();
    example.plan.samples.clear();
    example.plan.lists.clear();
    for (const std::string& model : models) {
      for (const char* scenario : {"offline", "single"}) {
        EvaluationRow evaluation;
        evaluation.model = example_model(model);
        evaluation.model.reference = model + "=/home/someone/" + model + ".gguf";
        evaluation.model.card = R"({"packed_bytes":4096,"precision":"bfloat16"})";
        evaluation.task = example_task();
        evaluation.scenario = scenario;
        evaluation.protocol = "likelihood";
        evaluation.samples = 3;
        example.plan.evaluations.push_back(evaluation);
        example.plan.lists.push_back(example.plan.samples.size());
        example.plan.samples.emplace_back(example.samples);
      }
    }
    const Store::Planned planned = store.create_run(example.plan).value();
    StoreWriter writer(store, {});
    for (size_t e = 0; e < planned.evaluation_ids.size(); ++e) {
      const int64_t evaluation = planned.evaluation_ids[e];
      for (size_t i = 0; i < 3; ++i) {
        const int64_t sample = planned.sample_ids[e][i];
        if (e % 2 == 1) {
          ASSERT_TRUE(writer.write(TimingRow{evaluation, sample, 1.0, 2.0 + static_cast<double>(i), 5, 1}));
          continue;
        }
        AnswerRow answer;
        answer.evaluation_id = evaluation;
        answer.sample_id = sample;
        if (i == 0) answer.error = "refused";
        if (i > 0) answer.scores = {{"acc", i == 1 ? 1.0 : 0.0}};
        if (i > 0) answer.details = {{"gold", "A"}, {"predicted", i == 1 ? "A" : "B"}};
        answer.invalid = i == 2;
        ASSERT_TRUE(writer.write(answer));
      }
    }
    ASSERT_TRUE(writer.flush());
    for (const int64_t id : planned.evaluation_ids) {
      EvaluationRow done;
      done.id = id;
      done.finished_at = "2026-11-21T04:00:00.000Z";
      const std::vector<ResultRow> results = {{"acc", "", "", 0.5, {}, {}, 2},
                                              {"recall:A", "", "", 0.5, 0.0, 1.0, 3}};
      const CostRow cost{"EUR", 0.5, {}, {}, "price", ""};
      ASSERT_TRUE(store.finish_evaluation(done, results, cost));
    }
    ASSERT_TRUE(store.add_measurement(planned.evaluation_ids[0], {2, 30, 10, 500.0, 0.5, ""}));
  }
};

TEST_F(EvidenceTest, HoldsWhatDecisionsNeed) {
  Store store = open();
  add_run(store, "first", {"small", "large"});
  const Result<Evidence> read = load_evidence(store, "first:small");
  ASSERT_TRUE(read.has_value()) << describe(read.error());
  EXPECT_EQ(read->label(), "first:small");
  EXPECT_EQ(read->reference, "small.gguf") << "neither the name again nor whose home it lies in";
  EXPECT_EQ(read->precision, "bfloat16");
  EXPECT_EQ(read->packed_bytes, 4096);
  ASSERT_EQ(read->tasks.size(), 1u);
  const EvidenceTask& task = read->tasks[0];
  EXPECT_EQ(task.metric, "acc");
  EXPECT_EQ(task.data_hash, "h1");
  ASSERT_EQ(task.samples.size(), 3u);
  EXPECT_TRUE(task.samples[0].failed);
  EXPECT_TRUE(std::isnan(task.samples[0].score));
  EXPECT_EQ(task.samples[1].score, 1.0);
  EXPECT_TRUE(task.samples[2].invalid);
  EXPECT_EQ(task.samples[2].document_id, "doc-2");
  EXPECT_EQ(task.samples[2].slices->at("subject"), "law");
  EXPECT_EQ(*task.samples[2].slice("subject"), "law");
  EXPECT_EQ(task.samples[2].slice("no such field"), nullptr);
  EXPECT_EQ(task.samples[2].prompt_hash.size(), 64u);
  EXPECT_THAT(task.times.at("single").total_ms, ElementsAre(2.0, 3.0, 4.0));
  EXPECT_EQ(task.cost_per_sample, 0.5);
  ASSERT_TRUE(task.work.has_value());
  EXPECT_EQ(task.work->tokens, 40);
  EXPECT_DOUBLE_EQ(task.work->seconds, 0.25) << "its share of the pass";
  ASSERT_EQ(task.results.size(), 2u);
  EXPECT_EQ(task.results[1].n, 3) << "as the run stored it";
  EXPECT_EQ(task.results[1].lo, 0.0);
  EXPECT_EQ(task.samples[2].row, 2);
}

TEST_F(EvidenceTest, SidesAreFoundByModelRunOrBoth) {
  Store store = open();
  add_run(store, "first", {"small", "large"});
  add_run(store, "v:2", {"small"});
  add_run(store, "large", {"other"});
  EXPECT_EQ(load_evidence(store, "small")->label(), "v:2:small") << "the latest run that has it";
  EXPECT_EQ(load_evidence(store, "first:small")->label(), "first:small");
  EXPECT_EQ(load_evidence(store, "v:2:small")->label(), "v:2:small");
  EXPECT_EQ(load_evidence(store, "v:2")->label(), "v:2:small");
  EXPECT_EQ(load_evidence(store, "latest")->label(), "large:other");
  EXPECT_THAT(describe(find_side(store, "first").error()), HasSubstr("its models are: small, large"));
  EXPECT_THAT(describe(find_side(store, "first:tiny").error()), HasSubstr("its models are: small, large"));
  EXPECT_THAT(describe(find_side(store, "large").error()), HasSubstr("first:large"));
  const Error unknown = find_side(store, "nobody").error();
  EXPECT_EQ(unknown.kind, ErrorKind::usage);
  EXPECT_THAT(unknown.hint, testing::AllOf(HasSubstr("other, small, large"), HasSubstr("large, v:2, first")));
}

TEST_F(EvidenceTest, AnUnfinishedTaskIsNoEvidence) {
  Store store = open();
  example.plan.run.name = "stopped";
  ASSERT_TRUE(store.create_run(example.plan).has_value());
  const Result<Evidence> read = load_evidence(store, "stopped:small");
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(describe(read.error()), HasSubstr("sizeup run --resume stopped"));
}

}  // namespace
}  // namespace sizeup
