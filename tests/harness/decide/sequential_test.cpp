#include "harness/decide/sequential.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/harness/run/run_fixture.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

// The documents that a run chose, as a task of a file has them.
class ChosenTask : public FakeTask {
 public:
  ChosenTask(int documents, std::vector<int64_t> rows)
      : FakeTask("write", OutputType::generate_until, documents), rows_(std::move(rows)) {}
  std::vector<Sample> made_samples(int64_t limit) const override {
    const std::vector<Sample> all = FakeTask::made_samples(limit);
    if (rows_.empty()) return all;
    std::vector<Sample> chosen;
    for (const int64_t row : rows_) chosen.push_back(all.at(static_cast<size_t>(row)));
    return chosen;
  }

 private:
  std::vector<int64_t> rows_;
};

int number_of(const Request& request) {
  return std::stoi(text_of(request).substr(std::string("question ").size()));
}

std::string right_answer(const Request& request) {
  return std::to_string(number_of(request) % 2);
}

class SequentialTest : public RunFixture {
 protected:
  static constexpr int kDocuments = 600;

  void SetUp() override {
    RunFixture::SetUp();
    settings.tasks = {"write"};
    settings.models = {"large=./large.gguf"};
    models["large"].writes = right_answer;
  }

  RunEnvironment chosen_environment() {
    RunEnvironment out = environment();
    out.open_task = [](const std::string& name, const TaskOptions& options) -> Result<std::unique_ptr<Task>> {
      const auto rows = options.rows.find(name);
      return std::make_unique<ChosenTask>(kDocuments,
                                          rows == options.rows.end() ? std::vector<int64_t>{} : rows->second);
    };
    return out;
  }

  Evidence baseline() {
    Result<RunSummary> ran = execute(settings, progress, stop.get_token(), chosen_environment());
    EXPECT_TRUE(ran.has_value()) << describe(ran.error());
    return load_evidence(store(), "large").value();
  }

  SequentialGate gate(const std::string& rules, const std::function<std::string(const Request&)>& writes) {
    const Evidence large = baseline();
    models["small"].writes = writes;
    logs["small"] = {};
    opened.clear();
    settings.models = {"small=./small.gguf"};
    const Policy policy = parse_policy("rules:\n" + rules, "p.yaml").value();
    Result<SequentialGate> result =
        run_sequential_gate(policy, large, settings, chosen_environment(), progress, stop.get_token());
    if (!result) throw std::runtime_error(describe(result.error()));
    return std::move(*result);
  }
};

TEST_F(SequentialTest, AsGoodACandidatePassesAfterAFewSamples) {
  const SequentialGate done = gate("  - non_inferior: {margin: 0.1}\n", right_answer);
  EXPECT_EQ(done.result.outcome, GateOutcome::pass);
  ASSERT_EQ(done.uses.size(), 1u);
  EXPECT_LT(done.uses[0].asked, kDocuments);
  EXPECT_EQ(done.uses[0].all, kDocuments);
  EXPECT_EQ(done.result.lines[0].measured.n, done.uses[0].asked);
  EXPECT_EQ(static_cast<int64_t>(logs["small"].count()), done.uses[0].asked) << "nothing is asked twice";
  EXPECT_EQ(opened.size(), 1u) << "the model stays open";
}

TEST_F(SequentialTest, ABadCandidateFailsAtTheFirstLook) {
  const SequentialGate done = gate("  - non_inferior: {margin: 0.1}\n", [](const Request&) { return "x"; });
  EXPECT_EQ(done.result.outcome, GateOutcome::fail);
  EXPECT_EQ(done.uses[0].asked, 32);
  std::set<int> numbers;
  for (const Request& request : logs["small"].requests) numbers.insert(number_of(request));
  EXPECT_GT(*numbers.rbegin(), 300) << "not the first rows of the data";
}

TEST_F(SequentialTest, WhatNoSampleDecidesStaysOpen) {
  // Nine of ten answers are right, at a margin of ten points: exactly on it.
  const SequentialGate done = gate("  - non_inferior: {margin: 0.1}\n", [](const Request& request) {
    return number_of(request) % 10 == 0 ? std::string("x") : right_answer(request);
  });
  EXPECT_EQ(done.result.outcome, GateOutcome::not_enough_data);
  EXPECT_EQ(done.uses[0].asked, kDocuments);
}

TEST_F(SequentialTest, AMetricOfTheWholeTakesAllSamples) {
  const SequentialGate done =
      gate("  - non_inferior: {margin: 0.1}\n  - minimum: {share_of_ones: 0.3}\n", right_answer);
  EXPECT_EQ(done.result.outcome, GateOutcome::pass);
  EXPECT_EQ(done.uses[0].asked, kDocuments);
}

TEST_F(SequentialTest, AnEstimateWithoutItsIntervalTakesAllSamples) {
  const SequentialGate done = gate("  - minimum: {exact_match: 0.5}\n    estimate: point\n", right_answer);
  EXPECT_EQ(done.result.outcome, GateOutcome::pass);
  EXPECT_EQ(done.uses[0].asked, kDocuments);
}

// Its interval is for one look: a fail of the first samples, looked at again and again, would be no proof.
TEST_F(SequentialTest, APoolTakesAllSamples) {
  const SequentialGate done =
      gate("  - pool: w*\n    non_inferior: {margin: 0.1}\n", [](const Request&) { return "x"; });
  EXPECT_EQ(done.result.outcome, GateOutcome::fail);
  EXPECT_EQ(done.uses[0].asked, kDocuments);
}

TEST_F(SequentialTest, ABaselineFromAFileCannotSayWhatToAsk) {
  Evidence file = baseline();
  for (EvidenceTask& task : file.tasks) task.evaluation_id = 0;
  const Policy policy = parse_policy("rules:\n  - non_inferior: {margin: 0.1}\n", "p.yaml").value();
  const auto refused =
      run_sequential_gate(policy, file, settings, chosen_environment(), progress, stop.get_token());
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(describe(refused.error()), HasSubstr("RUN:MODEL"));
}

}  // namespace
}  // namespace sizeup
