// Own data through the program itself: a CSV without a task file becomes a run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string kSmall = source_path("models/pocket/pocket-small.gguf").string();

std::string tickets() {
  std::string rows = "id,text,queue,language\n";
  for (int i = 0; i < 6; ++i) {
    rows += std::to_string(2 * i) + ",Where is parcel " + std::to_string(i) + "?,delivery,en\n";
    rows += std::to_string(2 * i + 1) + ",Invoice " + std::to_string(i) + " is wrong,billing,de\n";
  }
  return rows;
}

class OwnDataProgram : public testing::Test {
 protected:
  TemporaryFolder folder;
  const std::string data = folder.write("tickets.csv", tickets()).string();
  std::string path(const std::string& name) const { return (folder.path() / name).string(); }
};

TEST_F(OwnDataProgram, RunsAFileWithoutATask) {
  const Finished finished = run_program({"run", "--model", kSmall, "--data", data, "--latency-samples", "0",
                                         "--db", path("a.db"), "--json", "--html", path("r.html")});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  const Json row = Json::parse(lines_of(finished.output)[0])[0];
  EXPECT_EQ(row["task"], "tickets");
  EXPECT_EQ(row["metric"], "acc");
  EXPECT_EQ(row["n"], "12");
  EXPECT_THAT(finished.errors,
              AllOf(HasSubstr("classification"), HasSubstr("'queue'"), HasSubstr("| Where is parcel 0?"),
                    HasSubstr("choices: billing | delivery"), HasSubstr("expected: delivery")));
  EXPECT_THAT(read_whole(path("r.html")), HasSubstr("language"));
}

TEST_F(OwnDataProgram, BadRowsAreFatalUnlessTheyAreAllowed) {
  const std::string ragged =
      folder.write("tickets.csv", tickets() + "12,one cell too few,billing\n").string();
  const std::vector<std::string> arguments = {
      "run", "--model",           kSmall, "--data",        ragged, "--db", path("a.db"), "--json", "--limit",
      "2",   "--latency-samples", "0",    "--max-bad-rows"};
  std::vector<std::string> none = arguments;
  none.emplace_back("0");
  const Finished refused = run_program(none);
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.errors, HasSubstr("tickets.csv:14: the row has 3 cells"));
  std::vector<std::string> one = arguments;
  one.emplace_back("1");
  const Finished finished = run_program(one);
  ASSERT_EQ(finished.status, 0) << finished.errors;
  EXPECT_THAT(finished.errors,
              AllOf(HasSubstr("(12 rows)"), HasSubstr("tickets: 1 bad rows of its data are left out")));
}

TEST_F(OwnDataProgram, SaysWhichFieldsThereAre) {
  const Finished wrong = run_program({"run", "--model", kSmall, "--data", data, "--target", "quue"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.errors, AllOf(HasSubstr("'quue'"), HasSubstr("id, text, queue, language"),
                                  HasSubstr("did you mean 'queue'?")));
  const Finished none = run_program({"run", "--model", kSmall, "--task", "helpdesk", "--target", "queue"});
  EXPECT_EQ(none.status, 2);
  EXPECT_THAT(none.errors, HasSubstr("--data FILE"));
}

// With what is known of the data, as the options say it on the command line.
TEST_F(OwnDataProgram, ARunFileTakesDataToo) {
  folder.write("run.yaml", "models: ['" + kSmall +
                               "']\ndata: {file: tickets.csv, metrics: [macro_f1]}\n"
                               "latency_samples: 0\nlimit: 4\n");
  const Finished finished = run_program({"run", path("run.yaml"), "--json"});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  EXPECT_EQ(Json::parse(lines_of(finished.output)[0])[0]["metric"], "macro_f1");
  EXPECT_EQ(run_program({"run", "--resume", "--db", path("sizeup.db")}).status, 2) << "it is finished";
}

TEST_F(OwnDataProgram, ScoresRecordedAnswers) {
  std::string answers = "id,prediction,latency_ms\n";
  for (int i = 0; i < 12; ++i)
    answers += std::to_string(i) + (i == 1 ? ",delivery" : i % 2 == 0 ? ",delivery" : ",billing") + ",100\n";
  folder.write("answers.csv", answers);
  const Finished finished = run_program({"run", "--answers", "other=" + path("answers.csv"), "--data", data,
                                         "--db", path("a.db"), "--json", "--html", path("r.html")});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  const Json row = Json::parse(lines_of(finished.output)[0])[0];
  EXPECT_EQ(row["model"], "other");
  EXPECT_EQ(row["value"], "0.9167") << "11 of 12";
  EXPECT_NE(read_whole(path("r.html")).find("100\u00a0ms"), std::string::npos) << "the recorded latency";
  EXPECT_EQ(run_program({"run", "--answers", "hf:org/name", "--data", data}).status, 2) << "no file";
  const Finished list = run_program({"list", "backends"});
  EXPECT_THAT(list.output, HasSubstr("answers:./answers.jsonl"));
}

TEST_F(OwnDataProgram, WritesATaskFileOnce) {
  const Finished written = run_program({"tasks", "new", data, "--slices", "language"});
  ASSERT_EQ(written.status, 0) << written.errors;
  EXPECT_EQ(lines_of(written.output)[0], path("tickets.yaml"));
  EXPECT_THAT(read_whole(path("tickets.yaml")),
              AllOf(HasSubstr("# A task for tickets.csv"), HasSubstr("slices: [language]")));
  EXPECT_EQ(run_program({"tasks", "new", data}).status, 2) << "what somebody wrote is not overwritten";
  EXPECT_THAT(run_program({"tasks", "new", data, "--output", "-"}).output,
              HasSubstr("output_type: multiple_choice"));
  const Finished shown = run_program({"tasks", "show", path("tickets.yaml"), "--json"});
  ASSERT_EQ(shown.status, 0) << shown.errors;
  EXPECT_EQ(Json::parse(shown.output)["rows"], 12);
}

TEST_F(OwnDataProgram, ChecksDataFilesAndTasks) {
  const Finished finished =
      run_program({"tasks", "check", data, "--model", "small=" + kSmall, "--training", data, "--json"});
  EXPECT_EQ(finished.status, 1) << "rows that were trained on are a problem";
  const Json report = Json::parse(finished.output)[0];
  EXPECT_EQ(report["rows"], 12);
  EXPECT_EQ(report["labels"][0]["rows"], 6);
  EXPECT_EQ(report["models"][0]["model"], "small");
  EXPECT_EQ(report["models"][0]["too_long"], 0);
  EXPECT_GT(report["models"][0]["tokens_median"].get<int>(), 5);
  EXPECT_EQ(report["findings"][0]["subject"], "training");
  EXPECT_TRUE(report["detectable"][0]["difference"].is_null()) << "12 rows show nothing";

  const Finished built_in = run_program({"tasks", "check", "helpdesk", "--prompts", "0"});
  EXPECT_THAT(built_in.output, AllOf(HasSubstr("630 rows"), HasSubstr("Always the first one"),
                                     HasSubstr("points where they disagree on 20 %")));
  EXPECT_EQ(run_program({"tasks", "list"}).output, run_program({"list", "tasks"}).output);
  EXPECT_EQ(run_program({"tasks", "check", "helpdsk"}).status, 2);
}

}  // namespace
}  // namespace sizeup
