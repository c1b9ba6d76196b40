// Several programs with one file: what a CI machine with parallel jobs does.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "store_fixture.h"

namespace sizeup {
namespace {

class ProcessesTest : public StoreFixture {
 protected:
  // Runs body in a child process; _exit, because the child must not run the parent's clean-up.
  template <class Body>
  static pid_t start(Body&& body) {
    const pid_t child = fork();
    if (child == 0) _exit(body() ? 0 : 1);
    return child;
  }
  static bool succeeded(pid_t child) {
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
};

TEST_F(ProcessesTest, TwoCreateAndWriteTheSameFile) {
  constexpr int kRows = 500;
  const auto work = [&](const std::string& name) {
    Result<Store> store = Store::open(file, StoreAccess::write);
    if (!store) return false;
    ExamplePlan example;
    example.plan.run.name = name;
    Result<Store::Planned> planned = store->create_run(example.plan);
    if (!planned) return false;
    StoreWriter writer(*store, {.writes = 10, .delay = std::chrono::milliseconds(1)});
    for (int i = 0; i < kRows; ++i) {
      // The same keys from both: one row each, whoever is first.
      ResponseWrite write{example_response("k" + std::to_string(i)),
                          {{planned->evaluation_ids[0], planned->sample_ids[0][0], i}}};
      if (!writer.write(std::move(write))) return false;
    }
    return writer.flush().has_value();
  };
  const pid_t one = start([&] { return work("one"); });
  const pid_t two = start([&] { return work("two"); });
  EXPECT_TRUE(succeeded(one));
  EXPECT_TRUE(succeeded(two));

  Store store = open(StoreAccess::read);
  const std::vector<RunRow> runs = *read_runs(store);
  ASSERT_EQ(runs.size(), 2U);
  for (const RunRow& run : runs) {
    const EvaluationRow evaluation = (*read_evaluations(store, run.id))[0];
    ExamplePlan example;
    example.plan.run = run;
    const Store::Planned planned = *store.find_run_plan(example.plan);
    EXPECT_EQ(read_responses(store, evaluation.id, planned.sample_ids[0][0])->size(),
              static_cast<size_t>(kRows));
  }
}

// `--resume` of one run, started twice by mistake.
TEST_F(ProcessesTest, TwoThatGoOnWithOneRunLeaveEachAnswerOnce) {
  ExamplePlan example;
  example.plan.run = open().create_run(example.plan)->run;
  const auto work = [&] {
    Result<Store> store = Store::open(file, StoreAccess::write);
    if (!store) return false;
    Result<Store::Planned> planned = store->find_run_plan(example.plan);
    if (!planned) return false;
    StoreWriter writer(*store, {.writes = 2, .delay = std::chrono::milliseconds(1)});
    for (size_t i = 0; i < 3; ++i) {
      const int64_t sample = planned->sample_ids[0][i];
      AnswerRow answer;
      answer.evaluation_id = planned->evaluation_ids[0];
      answer.sample_id = sample;
      answer.scores = {{"acc", 1.0}, {"other", 0.0}};
      const bool written = writer.write(ResponseWrite{example_response("k" + std::to_string(i)),
                                                      {{answer.evaluation_id, sample, 0}}}) &&
                           writer.write(answer) && writer.flush();
      if (!written) return false;
    }
    return true;
  };
  const pid_t one = start(work);
  const pid_t two = start(work);
  EXPECT_TRUE(succeeded(one));
  EXPECT_TRUE(succeeded(two));
  EXPECT_EQ(query("SELECT (SELECT count(*) FROM answer), (SELECT count(*) FROM score), (SELECT count(*) FROM "
                  "response), "
                  "(SELECT count(*) FROM sample_response)")[0],
            "3|6|3|3");
}

TEST_F(ProcessesTest, AReaderSeesCommittedRowsWhileAnotherWrites) {
  Store writing = open();
  ExamplePlan example;
  const Store::Planned planned = *writing.create_run(example.plan);
  StoreWriter writer(writing, {});
  ASSERT_TRUE(writer
                  .write(ResponseWrite{example_response("k"),
                                       {{planned.evaluation_ids[0], planned.sample_ids[0][0], 0}}})
                  .has_value());
  ASSERT_TRUE(writer.flush().has_value());
  Store reading = open(StoreAccess::read);
  EXPECT_TRUE(reading.find_response("k")->has_value());
}

TEST_F(ProcessesTest, AKilledWriterLosesNothingThatWasCommitted) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = start([&] {
    Result<Store> store = Store::open(file, StoreAccess::write);
    ExamplePlan example;
    const Store::Planned planned = *store->create_run(example.plan);
    // Says after each commit how many responses are safe, then goes on until it is killed.
    StoreWriter writer(
        *store, {.writes = 8, .delay = std::chrono::milliseconds(1)}, [&](const Committed& committed) {
          [[maybe_unused]] const ssize_t written = write(pipe_ends[1], &committed.responses, sizeof(int64_t));
        });
    for (int i = 0;; ++i) {
      ResponseWrite row{example_response("k" + std::to_string(i)),
                        {{planned.evaluation_ids[0], planned.sample_ids[0][0], i}}};
      if (!writer.write(std::move(row))) return false;
    }
  });
  int64_t safe = 0;
  while (safe < 100) ASSERT_EQ(read(pipe_ends[0], &safe, sizeof(safe)), static_cast<ssize_t>(sizeof(safe)));
  kill(child, SIGKILL);
  EXPECT_FALSE(succeeded(child));
  close(pipe_ends[0]);
  close(pipe_ends[1]);

  Store store = open();
  for (int64_t i = 0; i < safe; ++i) {
    ASSERT_TRUE(store.find_response("k" + std::to_string(i))->has_value()) << i << " of " << safe;
  }
}

}  // namespace
}  // namespace sizeup
