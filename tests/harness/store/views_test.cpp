// The views as another program reads them: through SQLite alone.
#include <gmock/gmock.h>

#include "store_fixture.h"

namespace sizeup {
namespace {

using testing::ElementsAre;

class ViewsTest : public StoreFixture {
 protected:
  ExamplePlan example;
  Store::Planned planned;

  AnswerRow answer(size_t sample, double acc) const {
    AnswerRow row;
    row.evaluation_id = planned.evaluation_ids[0];
    row.sample_id = planned.sample_ids[0][sample];
    row.answer = "B";
    row.scores = {{"acc", acc}};
    return row;
  }
};

TEST_F(ViewsTest, LeaderboardShowsTheHeadlineBestFirst) {
  Store store = open();
  example.plan.run.name = "r";
  planned = *store.create_run(example.plan);
  const double values[] = {0.25, 0.75};
  for (size_t e = 0; e < 2; ++e) {
    EvaluationRow evaluation;
    evaluation.id = planned.evaluation_ids[e];
    const std::vector<ResultRow> results = {{"acc", "", "", values[e], 0.0, 1.0, 3},
                                            {"acc", "subject", "law", 1.0, 0.0, 1.0, 2},
                                            {"macro_f1", "", "", 0.9, 0.0, 1.0, 3},
                                            {"error_rate", "", "", 0.5, 0.0, 1.0, 3}};
    ASSERT_TRUE(
        store.finish_evaluation(evaluation, results, CostRow{"EUR", 0.5, {}, {}, "price", {}}).has_value());
  }
  EXPECT_THAT(
      query("SELECT model, task, metric, value, n, error_rate, cost_per_request, currency, parameters "
            "FROM leaderboard"),
      ElementsAre("large|letters|acc|0.75|3|0.5|0.5|EUR|1000", "small|letters|acc|0.25|3|0.5|0.5|EUR|1000"));
  EXPECT_THAT(
      query("SELECT run, model, metric, slice_value, value FROM results WHERE slice_field = 'subject'"),
      ElementsAre("r|small|acc|law|1.0", "r|large|acc|law|1.0"));
}

TEST_F(ViewsTest, FailuresAreTheSamplesToLookAt) {
  Store store = open();
  planned = *store.create_run(example.plan);
  {
    StoreWriter writer(store, {});
    ASSERT_TRUE(writer.write(answer(0, 1.0)).has_value());  // right: not a failure
    ASSERT_TRUE(writer.write(answer(1, 0.0)).has_value());
    AnswerRow failed = answer(2, 0.0);
    failed.scores.clear();
    failed.error = "refused";
    ASSERT_TRUE(writer.write(failed).has_value());
  }
  EXPECT_THAT(query("SELECT document_id, metric, score, error, target FROM failures ORDER BY row"),
              ElementsAre("doc-1|acc|0.0|NULL|A", "doc-2|NULL|NULL|refused|A"));
}

TEST_F(ViewsTest, LatencyInterpolatesPercentiles) {
  Store store = open();
  for (EvaluationRow& evaluation : example.plan.evaluations) evaluation.scenario = "single";
  planned = *store.create_run(example.plan);
  {
    StoreWriter writer(store, {});
    const double totals[] = {40.0, 10.0, 20.0};
    for (size_t i = 0; i < 3; ++i) {
      ASSERT_TRUE(writer
                      .write(TimingRow{planned.evaluation_ids[0], planned.sample_ids[0][i], totals[i] / 10,
                                       totals[i], 5, 1})
                      .has_value());
    }
  }
  // numpy.percentile([10, 20, 40], [50, 95]) = 20, 38.
  EXPECT_THAT(
      query("SELECT model, samples, round(ttft_p50_ms, 9), round(ttft_p95_ms, 9), round(total_p50_ms, 9), "
            "round(total_p95_ms, 9), prompt_tokens_mean FROM latency"),
      ElementsAre("small|3|2.0|3.8|20.0|38.0|5.0"));
}

TEST_F(ViewsTest, EveryForeignKeyHolds) {
  Store store = open();
  planned = *store.create_run(example.plan);
  {
    StoreWriter writer(store, {});
    ASSERT_TRUE(writer
                    .write(ResponseWrite{example_response("k"),
                                         {{planned.evaluation_ids[0], planned.sample_ids[0][0], 0}}})
                    .has_value());
    ASSERT_TRUE(writer.write(answer(0, 1.0)).has_value());
  }
  EXPECT_TRUE(query("PRAGMA foreign_key_check").empty());
  EXPECT_THAT(query("PRAGMA integrity_check"), ElementsAre("ok"));
}

}  // namespace
}  // namespace sizeup
