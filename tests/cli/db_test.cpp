// The store through the program: what is kept of texts, what goes out of it, and the commands that look after
// it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class StoreProgram : public testing::Test {
 protected:
  TemporaryFolder folder;
  const std::string db = path("sizeup.db");

  std::string path(const std::string& name) const { return (folder.path() / name).string(); }

  void SetUp() override {
    std::string rows = "id,text,queue,language\n";
    std::string answers = "id,prediction\n";
    for (int i = 0; i < 6; ++i) {
      const std::string queue = i % 2 == 0 ? "delivery" : "billing";
      rows +=
          "t" + std::to_string(i) + ",\"Ticket " + std::to_string(i) + " of ACME-7781\"," + queue + ",en\n";
      answers += "t" + std::to_string(i) + "," + (i < 4 ? queue : "returns") + "\n";
    }
    folder.write("tickets.csv", rows);
    folder.write("answers.csv", answers);
  }

  Finished run(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"run",
                                          "--answers",
                                          "other=" + path("answers.csv"),
                                          "--data",
                                          path("tickets.csv"),
                                          "--choices",
                                          "billing,delivery,returns",
                                          "--db",
                                          db};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  }
  Finished failures(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"export", "--failures", path("failures.jsonl"), "--db", db};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  }
};

TEST_F(StoreProgram, ExportsFailuresAsDataToTrainOn) {
  ASSERT_EQ(run().status, 0);
  const Finished finished = failures({"--redact", "ACME-\\d+"});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  const std::vector<std::string> lines = lines_of(read_whole(path("failures.jsonl")));
  ASSERT_EQ(lines.size(), 2U);
  const Json line = Json::parse(lines[0]);
  EXPECT_THAT(line["instruction"].get<std::string>(), HasSubstr("Ticket 4 of [redacted]"));
  EXPECT_EQ(line["input"], "");
  EXPECT_EQ(line["output"], "delivery");
  EXPECT_EQ(line["metadata"]["document_id"], "t4");
  EXPECT_EQ(line["metadata"]["model"], "other");
  EXPECT_EQ(line["metadata"]["answer"], "returns");
  EXPECT_EQ(line["metadata"]["score"], 0.0);
  EXPECT_EQ(failures({"--model", "nobody"}).status, 3);
  EXPECT_THAT(failures({"--task", "nothing"}).errors, HasSubstr("has no task 'nothing' (expected: tickets)"));
}

TEST_F(StoreProgram, WithoutTextsThereIsNothingToExportOrShow) {
  ASSERT_EQ(run({"--no-text"}).status, 0);
  for (const char* ending : {"", "-wal"}) {
    if (std::filesystem::exists(db + ending)) {
      EXPECT_THAT(read_whole(db + ending), Not(HasSubstr("ACME-7781")));
    }
  }
  const Finished finished = failures();
  EXPECT_EQ(finished.status, 3);
  EXPECT_THAT(finished.errors, HasSubstr("was stored without texts"));
  const Finished report = run_program({"report", "--db", db, "--csv", path("csv"), "--html", path("r.html")});
  ASSERT_EQ(report.status, 0) << report.errors;
  EXPECT_THAT(lines_of(read_whole(path("csv") + "/samples.csv"))[0], Not(HasSubstr("expected")));
}

TEST_F(StoreProgram, RedactsBeforeItStores) {
  ASSERT_EQ(run({"--redact", "ACME-\\d+"}).status, 0);
  EXPECT_THAT(read_whole(db), AllOf(HasSubstr("[redacted]"), Not(HasSubstr("ACME-7781"))));
  EXPECT_EQ(run({"--redact", "("}).status, 2);
}

TEST_F(StoreProgram, ChecksMergesPrunesAndExports) {
  ASSERT_EQ(run({"--name", "one"}).status, 0);
  ASSERT_EQ(run({"--name", "two"}).status, 0);
  const Finished merged = run_program({"db", "merge", path("all.db"), db});
  ASSERT_EQ(merged.status, 0) << merged.errors;
  EXPECT_THAT(merged.output, HasSubstr("2 runs, 6 samples"));
  const Finished dry = run_program({"db", "prune", "--db", path("all.db"), "--keep", "1", "--dry-run"});
  EXPECT_THAT(dry.output, AllOf(HasSubstr("run 'one' would be removed"), HasSubstr("would be freed")));
  const Finished pruned = run_program({"db", "prune", "--db", path("all.db"), "--keep", "1"});
  EXPECT_THAT(pruned.output, HasSubstr("run 'one' removed"));
  const Finished checked = run_program({"db", "check", path("all.db"), "--json"});
  ASSERT_EQ(checked.status, 0) << checked.output << checked.errors;
  EXPECT_EQ(Json::parse(checked.output)["rows"]["run"], 1);

  const Finished written = run_program({"db", "export", path("views"), "--db", path("all.db")});
  ASSERT_EQ(written.status, 0) << written.errors;
  const std::vector<std::string> board = lines_of(read_whole(path("views") + "/leaderboard.csv"));
  ASSERT_EQ(board.size(), 2U);
  EXPECT_THAT(board[0], testing::StartsWith("run,task,model,metric,value"));
  EXPECT_THAT(board[1], testing::StartsWith("two,tickets,other,acc,0.6666666666666666"));
  ASSERT_EQ(run_program({"db", "export", path("views"), "--db", path("all.db"), "--format", "jsonl"}).status,
            0);
  EXPECT_EQ(Json::parse(lines_of(read_whole(path("views") + "/failures.jsonl"))[0])["answer"], "returns");

  EXPECT_EQ(run_program({"db", "check", path("none.db")}).status, 3);
  EXPECT_EQ(run_program({"db", "prune", "--db", path("none.db"), "--keep", "1"}).status, 3);
  EXPECT_FALSE(std::filesystem::exists(path("none.db")));
  EXPECT_EQ(run_program({"db", "prune", "--db", db}).status, 2);
  EXPECT_EQ(run_program({"db", "prune", "--db", db, "--keep", "1", "--run", "one"}).status, 2);
}

TEST_F(StoreProgram, ComparesScoresWithLabels) {
  ASSERT_EQ(run().status, 0);
  const std::string labels = folder
                                 .write("labels.csv",
                                        "task,document_id,annotator,label\n"
                                        "tickets,t0,ann,delivery\n"
                                        "tickets,t4,ann,returns\n"
                                        "tickets,t9,ann,returns\n"
                                        "tickets,t1,ann,\n")
                                 .string();
  const Finished finished = run_program({"db", "import-labels", labels, "--db", db});
  EXPECT_EQ(finished.status, 1) << finished.errors;
  EXPECT_THAT(finished.output, AllOf(HasSubstr("2 labels imported"), HasSubstr("0.5000")));
  EXPECT_THAT(finished.errors, AllOf(HasSubstr("labels.csv:4: the store has no document 't9'"),
                                     HasSubstr("labels.csv:5: says nothing of the document")));
}

}  // namespace
}  // namespace sizeup
