#include "harness/store/read.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <cmath>

#include "store_fixture.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ReadTest : public StoreFixture {
 protected:
  ExamplePlan example;
};

TEST_F(ReadTest, RunsByNameAndNewest) {
  Store store = open();
  EXPECT_THAT(find_run(store, "latest").error().message, HasSubstr("no run yet"));
  EXPECT_FALSE(find_unfinished_run(store)->has_value());
  const RunRow first = store.create_run(example.plan)->run;
  const RunRow second = store.create_run(example.plan)->run;
  ASSERT_TRUE(store.finish_run(second.id, "2026-11-21T04:00:00.000Z").has_value());
  EXPECT_EQ(find_run(store, "latest")->name, second.name);
  EXPECT_EQ(find_run(store, first.name)->id, first.id);
  EXPECT_EQ((*find_unfinished_run(store))->name, first.name);
  const Error error = find_run(store, "other").error();
  EXPECT_THAT(error.message, HasSubstr("no run named 'other'"));
  EXPECT_THAT(error.expected, HasSubstr(first.name));

  const std::vector<RunRow> runs = *read_runs(store);
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_FALSE(runs[0].finished_at.has_value());
  EXPECT_EQ(runs[1].finished_at, "2026-11-21T04:00:00.000Z");
  EXPECT_EQ(runs[0].seed, 7);
  EXPECT_EQ(runs[0].protocol, "likelihood");
  EXPECT_EQ(runs[0].program, "sizeup test");
  EXPECT_EQ(runs[0].machine, R"({"cpu":"none"})");
}

TEST_F(ReadTest, EvaluationsWithModelTaskAndCounts) {
  Store store = open();
  example.plan.evaluations[1].num_fewshot = 5;
  const Store::Planned planned = *store.create_run(example.plan);
  EvaluationRow finished;
  finished.id = planned.evaluation_ids[0];
  finished.finished_at = "2026-11-21T04:00:00.000Z";
  finished.wall_ms = 12.5;
  finished.counts = R"({"tokens_asked":3})";
  ASSERT_TRUE(store.finish_evaluation(finished, {}, std::nullopt).has_value());

  const std::vector<EvaluationRow> rows = *read_evaluations(store, planned.run.id);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].model.name, "small");
  EXPECT_EQ(rows[0].model.card, example_model("small").card);
  EXPECT_EQ(rows[0].task.name, "letters");
  EXPECT_EQ(rows[0].task.metrics.size(), 2U);
  EXPECT_FALSE(rows[0].task.metrics[1].is_mean);
  EXPECT_THAT(rows[0].task.slice_fields, ElementsAre("subject"));
  EXPECT_EQ(rows[0].samples, 3);
  EXPECT_EQ(count_answers(store, rows[0].id)->answered, 0);
  EXPECT_EQ(rows[0].wall_ms, 12.5);
  EXPECT_EQ(rows[0].counts, finished.counts);
  EXPECT_FALSE(rows[0].num_fewshot.has_value());
  EXPECT_EQ(rows[1].num_fewshot, 5);
  EXPECT_FALSE(rows[1].finished_at.has_value());
  EXPECT_FALSE(rows[1].wall_ms.has_value());
  EXPECT_FALSE(read_cost(store, rows[0].id)->has_value());
}

TEST_F(ReadTest, ResultsInTheTasksOrderOverallFirst) {
  Store store = open();
  const Store::Planned planned = *store.create_run(example.plan);
  EvaluationRow evaluation;
  evaluation.id = planned.evaluation_ids[0];
  const std::vector<ResultRow> written = {
      {"error_rate", "", "", 0.0, 0.0, 0.5, 3},
      {"macro_f1", "", "", 0.4, 0.1, 0.8, 3},
      {"acc", "subject", "law", 0.5, 0.1, 0.9, 2},
      {"acc", "", "", 2.0 / 3.0, 0.2, 0.9, 3},
      {"acc", "subject", "maths", 1.0, std::nullopt, std::nullopt, 1},
      {"macro_f1", "subject", "law", std::nan(""), std::nullopt, std::nullopt, 2},
  };
  const CostRow cost{"EUR", 0.25, std::nullopt, 0.75, "price per token", "on 2 of 3 samples"};
  ASSERT_TRUE(store.finish_evaluation(evaluation, written, cost).has_value());
  ASSERT_TRUE(store.finish_evaluation(evaluation, written, cost).has_value());  // replaces, does not repeat

  const std::vector<ResultRow> rows = *read_results(store, evaluation.id);
  std::vector<std::string> order;
  for (const ResultRow& row : rows) order.push_back(row.metric + "/" + row.slice_value);
  EXPECT_THAT(order, ElementsAre("acc/", "macro_f1/", "error_rate/", "acc/law", "macro_f1/law", "acc/maths"));
  EXPECT_EQ(rows[0].value, 2.0 / 3.0);
  EXPECT_EQ(rows[0].lo, 0.2);
  EXPECT_EQ(rows[0].n, 3);
  EXPECT_TRUE(std::isnan(rows[4].value));
  EXPECT_FALSE(rows[5].lo.has_value());

  const CostRow read = **read_cost(store, evaluation.id);
  EXPECT_EQ(read.currency, "EUR");
  EXPECT_EQ(read.per_request, 0.25);
  EXPECT_FALSE(read.per_1000_correct.has_value());
  EXPECT_EQ(read.total, 0.75);
  EXPECT_EQ(read.basis, "price per token");
  EXPECT_EQ(read.measured, "on 2 of 3 samples");
}

TEST_F(ReadTest, AnswersSamplesAndTimingsInTheOrderOfTheData) {
  Store store = open();
  const Store::Planned planned = *store.create_run(example.plan);
  const int64_t small = planned.evaluation_ids[0];
  const int64_t large = planned.evaluation_ids[1];
  {
    StoreWriter writer(store, {});
    for (const size_t i : {2, 0}) {
      AnswerRow answer;
      answer.evaluation_id = small;
      answer.sample_id = planned.sample_ids[0][i];
      answer.answer = std::to_string(i);
      answer.scores = {{"acc", static_cast<double>(i)}};
      ASSERT_TRUE(writer.write(answer).has_value());
    }
    ASSERT_TRUE(writer.write(TimingRow{large, planned.sample_ids[1][1], 1.5, 2.5, 3, 4, 5.5}).has_value());
  }
  const std::vector<AnswerRow> answers = *read_answers(store, small);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].answer, "0");
  EXPECT_EQ(answers[1].scores.at("acc"), 2.0);
  const std::vector<SampleRow> samples = *read_samples(store, small);
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(samples[0].document_id, "doc-0");
  EXPECT_EQ(samples[1].document_id, "doc-2");
  EXPECT_EQ(samples[1].prompt, "Question 2?");
  EXPECT_EQ(samples[1].slices.at("subject"), "law");

  const AnswerRow bare_answer = read_answers(store, small, Texts::leave_out)->at(1);
  EXPECT_EQ(bare_answer.answer, "");
  EXPECT_EQ(bare_answer.scores, answers[1].scores);
  const SampleRow bare_sample = read_samples(store, small, Texts::leave_out)->at(1);
  EXPECT_EQ(bare_sample.prompt + bare_sample.target + bare_sample.source, "");
  EXPECT_EQ(bare_sample.document_hash, samples[1].document_hash);
  EXPECT_EQ(bare_sample.slices, samples[1].slices);

  const std::vector<TimingRow> timings = *read_timings(store, large);
  ASSERT_EQ(timings.size(), 1U);
  EXPECT_EQ(timings[0].ttft_ms, 1.5);
  EXPECT_EQ(timings[0].total_ms, 2.5);
  EXPECT_EQ(timings[0].prompt_tokens, 3);
  EXPECT_EQ(timings[0].completion_tokens, 4);
  EXPECT_EQ(timings[0].due_ms, 5.5);
  EXPECT_EQ((*read_samples(store, large))[0].document_id, "doc-1");
  EXPECT_TRUE(read_timings(store, small)->empty());

  execute("UPDATE sample SET row = 10 - row");  // the data's order is not that of the ids
  const std::vector<AnswerRow> turned = *read_answers(store, small);
  EXPECT_EQ(turned[0].answer, "2");
  EXPECT_EQ(turned[0].scores.at("acc"), 2.0);
  EXPECT_EQ((*read_samples(store, small))[1].document_id, "doc-0");

  std::vector<std::string> seen;
  ASSERT_TRUE(
      for_each_answer(store, small, [&](const AnswerRow& answer, const auto& slices, const std::string&) {
        seen.push_back(answer.answer + slices.at("subject"));
        EXPECT_EQ(answer.evaluation_id, small);
        EXPECT_EQ(answer.scores, turned[seen.size() - 1].scores);
      }).has_value());
  EXPECT_EQ(seen, (std::vector<std::string>{"2law", "0maths"}));
}

TEST_F(ReadTest, AnsweredSamplesOfARangeOfIds) {
  Store store = open();
  const Store::Planned planned = *store.create_run(example.plan);
  const int64_t small = planned.evaluation_ids[0];
  const std::vector<int64_t>& ids = planned.sample_ids[0];
  {
    StoreWriter writer(store, {});
    for (size_t i = 0; i < 3; ++i) {
      AnswerRow answer;
      answer.evaluation_id = small;
      answer.sample_id = ids[i];
      if (i == 1) answer.error = "failed";
      ASSERT_TRUE(writer.write(answer).has_value());
    }
    ASSERT_TRUE(writer.write(TimingRow{small, ids[1], 1, 2, 3, 4}).has_value());
  }
  EXPECT_EQ(*read_answered_samples(store, small, ids[0], ids[2]), (std::vector<int64_t>{ids[0], ids[2]}));
  EXPECT_EQ(*read_answered_samples(store, small, ids[1], ids[2]), (std::vector<int64_t>{ids[2]}));
  EXPECT_EQ(*read_timed_samples(store, small, ids[1], ids[1]), (std::vector<int64_t>{ids[1]}));
  EXPECT_TRUE(read_timed_samples(store, small, ids[2], ids[2])->empty());
}

TEST_F(ReadTest, ACellThatSomebodyEditedIsAnErrorAndNoCrash) {
  Store store = open();
  const Store::Planned planned = *store.create_run(example.plan);
  for (const char* metrics : {"not json", "7", R"([{"name":3}])", R"([[]])"}) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
    const std::string sql = std::string("UPDATE task SET metrics = '") + metrics + "'";
    ASSERT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(handle);
    const Result<std::vector<EvaluationRow>> rows = read_evaluations(store, planned.run.id);
    ASSERT_FALSE(rows.has_value()) << metrics;
    EXPECT_EQ(rows.error().kind, ErrorKind::bad_input);
  }
}

// Cells are read by a short path or by the parser of JSON: both give what was written, and refuse what is
// broken.
TEST_F(ReadTest, SlicesOfEveryFormComeBack) {
  const std::vector<std::map<std::string, std::string>> forms = {
      {},
      {{"plain", "one, two: {three}"}, {"empty", ""}},
      {{"quoted", "\"so\" \\ he said"}, {"plain", "x"}},
      {{"größe", "ünï\ncode\t"}}};
  Store store = open();
  ExamplePlan forms_plan;
  forms_plan.samples.clear();
  for (size_t i = 0; i < forms.size(); ++i) {
    SampleRow sample;
    sample.document_id = "doc-" + std::to_string(i);
    sample.row = static_cast<int64_t>(i);
    sample.slices = forms[i];
    forms_plan.samples.push_back(sample);
  }
  for (auto& samples : forms_plan.plan.samples) samples = forms_plan.samples;
  const Store::Planned planned = store.create_run(forms_plan.plan).value();
  {
    StoreWriter writer(store, {});
    for (const int64_t sample : planned.sample_ids[0])
      ASSERT_TRUE(writer.write(TimingRow{planned.evaluation_ids[0], sample, 1.0, 2.0, 5, 1}));
  }
  const std::vector<SampleRow> read = read_samples(store, planned.evaluation_ids[0]).value();
  ASSERT_EQ(read.size(), forms.size());
  for (size_t i = 0; i < forms.size(); ++i) EXPECT_EQ(read[i].slices, forms[i]);

  for (const char* broken : {R"({"a":"b")", R"({"a":"b"}x)", R"({"a":"b",})", R"({"a":1})", ""}) {
    execute(fmt::format("UPDATE sample SET slices = '{}' WHERE document_id = 'doc-1'", broken));
    EXPECT_FALSE(read_samples(store, planned.evaluation_ids[0]).has_value()) << broken;
  }
}

}  // namespace
}  // namespace sizeup
