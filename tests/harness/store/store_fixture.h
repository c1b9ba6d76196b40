// A store in a folder of its own, and a small plan: two models, one task of three documents.
#pragma once

#include <gtest/gtest.h>

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
};

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
