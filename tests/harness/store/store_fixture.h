// A store in a folder of its own, and a small plan: two models, one task of three documents.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <string>
#include <vector>

#include "harness/store/read.h"
#include "harness/store/store.h"
#include "harness/store/writer.h"
#include "tests/support/files.h"

namespace sizeup {

class StoreFixture : public testing::Test {
 protected:
  TemporaryFolder own;
  const std::filesystem::path& folder = own.path();
  std::filesystem::path file;

  void SetUp() override { file = folder / "sizeup.db"; }

  Store open(StoreAccess access = StoreAccess::write) const {
    Result<Store> store = Store::open(file, access);
    if (!store) throw std::runtime_error(describe(store.error()));
    return std::move(*store);
  }

  // Changes the file behind the store's back, as another program would.
  void execute(const std::string& sql) const {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
    sqlite3_close(handle);
  }

  // Rows of a query as another program reads them, cells joined by "|".
  std::vector<std::string> query(const std::string& sql) const {
    sqlite3* handle = nullptr;
    EXPECT_EQ(sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(handle, sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle);
    std::vector<std::string> rows;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      std::string row;
      for (int column = 0; column < sqlite3_column_count(statement); ++column) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
        row += (column == 0 ? "" : "|") + std::string(text == nullptr ? "NULL" : text);
      }
      rows.push_back(row);
    }
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return rows;
  }
};

// Takes a file of this version back to version 1.
constexpr const char* kBackToVersion1 =
    "ALTER TABLE response DROP COLUMN first_tokens; ALTER TABLE timing DROP COLUMN due_ms; "
    "ALTER TABLE response DROP COLUMN cached_prompt_tokens; ALTER TABLE response DROP COLUMN "
    "reasoning_tokens; "
    "ALTER TABLE measurement DROP COLUMN pass_joules; "
    "ALTER TABLE measurement DROP COLUMN cached_input_tokens; DROP VIEW label_agreement; DROP VIEW labelled; "
    "DROP TABLE label; ALTER TABLE run DROP COLUMN texts; "
    "ALTER TABLE sample DROP COLUMN edited; ALTER TABLE prompt DROP COLUMN edited; "
    "ALTER TABLE response DROP COLUMN edited; ALTER TABLE answer DROP COLUMN edited; "
    "DROP VIEW group_results; DROP TABLE group_result; DROP TABLE measurement; "
    "ALTER TABLE cost DROP COLUMN measured; PRAGMA user_version = 1";

inline TaskRow example_task() {
  TaskRow task;
  task.name = "letters";
  task.version = "1";
  task.definition_hash = "d1";
  task.data_hash = "h1";
  task.output_type = "multiple_choice";
  task.description = "Which letter?";
  task.metrics = {{"acc", "share of right answers", true, true}, {"macro_f1", "mean F1", true, false}};
  task.slice_fields = {"subject"};
  return task;
}

inline ModelRow example_model(const std::string& name) {
  ModelRow model;
  model.name = name;
  model.reference = "./" + name + ".gguf";
  model.fingerprint = "f-" + name;
  model.card = R"({"name":")" + name + R"(","parameters":1000})";
  return model;
}

inline std::vector<SampleRow> example_samples() {
  std::vector<SampleRow> samples;
  for (int i = 0; i < 3; ++i) {
    SampleRow sample;
    sample.document_id = "doc-" + std::to_string(i);
    sample.document_hash = "hash-" + std::to_string(i);
    sample.row = i;
    sample.prompt = "Question " + std::to_string(i) + "?";
    sample.target = "A";
    sample.slices = {{"subject", i == 0 ? "maths" : "law"}};
    samples.push_back(sample);
  }
  return samples;
}

// Keeps the samples alive that Store::Plan points to.
struct ExamplePlan {
  std::vector<SampleRow> samples = example_samples();
  Store::Plan plan;

  ExamplePlan() {
    plan.run.created_at = "2026-11-21T03:00:00.000Z";
    plan.run.now = plan.run.created_at;
    plan.run.protocol = "likelihood";
    plan.run.seed = 7;
    plan.run.settings = "{}";
    plan.run.program = "sizeup test";
    plan.run.machine = R"({"cpu":"none"})";
    for (const char* name : {"small", "large"}) {
      EvaluationRow evaluation;
      evaluation.model = example_model(name);
      evaluation.task = example_task();
      evaluation.scenario = "offline";
      evaluation.protocol = "likelihood";
      evaluation.samples = static_cast<int64_t>(samples.size());
      plan.evaluations.push_back(evaluation);
      plan.lists.push_back(plan.samples.size());
      plan.samples.emplace_back(samples);
    }
  }
  ExamplePlan(const ExamplePlan&) = delete;
  ExamplePlan& operator=(const ExamplePlan&) = delete;
};

inline ResponseRow example_response(const std::string& key) {
  ResponseRow response;
  response.key = key;
  response.key_json = "{\"key\":\"" + key + "\"}";
  response.prompt = "Question?";
  response.logprob = -1.5;
  response.greedy = true;
  response.finish = "none";
  response.tokens = {3, 4};
  response.token_logprobs = {-0.1F, -1.4F};
  response.prompt_tokens = 5;
  response.completion_tokens = 2;
  return response;
}

}  // namespace sizeup
