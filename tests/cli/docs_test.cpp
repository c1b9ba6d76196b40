// The commands of docs/own-data.md, docs/pilot.md, docs/ci.md, docs/cost.md, docs/report.md and docs/route.md
// run as they stand there, on a small file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The fenced blocks of a language, in order, without the indentation they have in lists.
std::vector<std::string> blocks_of(const std::string& page, const std::string& language) {
  std::vector<std::string> blocks;
  bool inside = false;
  size_t indent = 0;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    const size_t first = std::min(line.find_first_not_of(' '), line.size());
    if (!inside && line.substr(first) == "```" + language) {
      inside = true;
      indent = first;
      blocks.emplace_back();
    } else if (inside && line.substr(first) == "```") {
      inside = false;
    } else if (inside) {
      blocks.back() += line.substr(std::min(indent, line.size())) + "\n";
    }
  }
  return blocks;
}

class Documented : public testing::Test {
 protected:
  TemporaryFolder folder;

  void SetUp() override {
    const std::filesystem::path models = source_path("models/pocket");
    std::filesystem::create_symlink(models / "pocket-small.gguf", folder.path() / "small.gguf");
    std::filesystem::create_symlink(models / "pocket-large.gguf", folder.path() / "large.gguf");
    std::string tickets = "id,text,queue,language\n";
    std::string answers = "id,prediction,latency_ms,cost_usd\n";
    for (int i = 0; i < 30; ++i) {
      const std::string number = std::to_string(i);
      const bool parcel = i % 2 == 0;
      tickets += "t" + number + "," +
                 (parcel ? "Where is my parcel number " : "You charged too much for order ") + number + "?," +
                 (parcel ? "delivery" : "billing") + (i % 3 == 0 ? ",de\n" : ",en\n");
      answers += "t" + number +
                 (i % 5 == 0 ? ",billing"
                  : parcel   ? ",delivery"
                             : ",billing") +
                 ",400,0.0004\n";
    }
    folder.write("tickets.csv", tickets);
    folder.write("answers.csv", answers);
    folder.write("finetuning.jsonl",
                 "{\"prompt\": \"Something else was asked here\", \"completion\": \"x\"}\n");
  }

  // All commands of a page, in one shell that stops at the first that fails.
  Finished follow(const std::string& page) const {
    std::string script =
        "program=\"$0\"\ncd '" + folder.path().string() + "'\nset -e\nsizeup() { \"$program\" \"$@\"; }\n";
    for (const std::string& block : blocks_of(read_whole(source_path(page)), "sh")) script += block;
    return run_program({}, {}, {"sh", "-c", script});
  }
  std::string text(const std::string& name) const { return read_whole(folder.path() / name); }
};

TEST_F(Documented, OwnDataLeadsFromACsvToAReport) {
  const Finished finished = follow("docs/own-data.md");
  ASSERT_EQ(finished.status, 0) << finished.output << finished.errors;
  EXPECT_THAT(finished.output, AllOf(HasSubstr("first one would be right in 50.0 %"), HasSubstr("macro_f1"),
                                     HasSubstr("tickets.yaml")));
  EXPECT_THAT(text("report.html"), HasSubstr("language"));
  EXPECT_THAT(text("compared.html"), HasSubstr("inhouse"));
  EXPECT_THAT(text("tickets.yaml"), HasSubstr("output_type: multiple_choice"));
}

TEST_F(Documented, ThePilotEndsWithAVerdict) {
  const std::vector<std::string> run_files = blocks_of(read_whole(source_path("docs/pilot.md")), "yaml");
  ASSERT_EQ(run_files.size(), 1u);
  folder.write("pilot.yaml", run_files[0]);
  const Finished finished = follow("docs/pilot.md");
  ASSERT_EQ(finished.status, 0) << finished.output << finished.errors;
  EXPECT_THAT(text("pilot.html"), AllOf(HasSubstr("small"), HasSubstr("EUR")));
  EXPECT_THAT(text("with-today.html"), HasSubstr("today"));
  const Finished runs =
      run_program({"list", "runs", "--db", (folder.path() / "pilot.db").string(), "--json"});
  EXPECT_EQ(Json::parse(runs.output).size(), 3u);
}

TEST_F(Documented, AGateFromABaselineToItsReport) {
  const Finished finished = follow("docs/ci.md");
  ASSERT_EQ(finished.status, 0) << finished.output << finished.errors;
  EXPECT_THAT(finished.output, AllOf(HasSubstr("pass: 2 checks hold"), HasSubstr("samples were asked")));
  EXPECT_THAT(text("gate.xml"), HasSubstr("failures=\"0\""));
  EXPECT_THAT(text("baseline.json"), HasSubstr("sizeup.baseline/1"));
}

TEST_F(Documented, TheReportLeadsToARecommendation) {
  const std::vector<std::string> files = blocks_of(read_whole(source_path("docs/report.md")), "yaml");
  ASSERT_EQ(files.size(), 1u);
  folder.write("requirements.yaml", files[0]);
  const Finished finished = follow("docs/report.md");
  ASSERT_EQ(finished.status, 0) << finished.output << finished.errors;
  EXPECT_THAT(finished.output, HasSubstr("no price was given"));
  EXPECT_THAT(text("report.html"), HasSubstr("Your requirements, from <code>requirements.yaml</code>"));
  EXPECT_THAT(text("report.md"), HasSubstr("| Memory of the weights | at most 8.0\u00a0GB | met: "));
}

TEST_F(Documented, PricesLeadToABreakEven) {
  const std::vector<std::string> files = blocks_of(read_whole(source_path("docs/cost.md")), "yaml");
  ASSERT_EQ(files.size(), 2u);
  folder.write("prices.yaml", files[0]);
  folder.write("cost.yaml", files[1]);
  const Finished finished = follow("docs/cost.md");
  ASSERT_EQ(finished.status, 0) << finished.output << finished.errors;
  EXPECT_THAT(finished.output, AllOf(HasSubstr("requests a month small costs less"),
                                     HasSubstr("machine example-bought"), HasSubstr("has paid back")));

  // The command, its JSON and the page say the same.
  const std::string db = (folder.path() / "cost.db").string();
  const Json cost = Json::parse(run_program({"cost", "--db", db, "--json"}).output)["cost"];
  const std::string printed = run_program({"cost", "--db", db}).output;
  const std::string page = text("cost.html");
  for (const Json& sentence : cost["sentences"]) {
    EXPECT_THAT(printed, HasSubstr(sentence.get<std::string>()));
    EXPECT_THAT(page, HasSubstr(sentence.get<std::string>()));
  }
  ASSERT_GT(cost["assumptions"].size(), 10u);
  for (const Json& one : cost["assumptions"]) {
    EXPECT_THAT(printed, HasSubstr(one["value"].get<std::string>()));
    EXPECT_THAT(page, HasSubstr(one["value"].get<std::string>()));
  }
  const Json other = Json::parse(text("cost.json"))["cost"];
  EXPECT_EQ(other["break_even_volume"], cost["break_even_volume"]);
}

TEST_F(Documented, SmallFirstFromATableToAModel) {
  folder.write("run.yaml", blocks_of(read_whole(source_path("docs/route.md")), "yaml").front());
  const Finished finished = follow("docs/route.md");
  ASSERT_EQ(finished.status, 0) << finished.output << finished.errors;
  EXPECT_THAT(finished.output,
              AllOf(HasSubstr("200 samples of handbook, by mean token probability"),
                    HasSubstr("by length of the prompt"), HasSubstr("small’s score by topic"),
                    HasSubstr("At 50,000 requests a month that saves"),
                    HasSubstr("hybrid, on 40 samples that its policy was not made from: "),
                    HasSubstr("200 others are among those that the policy was made from.")));
  EXPECT_THAT(finished.errors, HasSubstr("of 240 requests went on to the large model"));
  EXPECT_THAT(text("run.html"), HasSubstr("<section id=\"routing\""));

  // The policy, the learned score and the page say what the command says.
  const Json learned = Json::parse(text("learned.json"));
  EXPECT_EQ(learned["schema"], "sizeup.routing/1");
  EXPECT_GT(learned["routing"]["weights"].size(), 3u);
  const Json policy = Json::parse(text("policy.json"));
  const Json again = Json::parse(
      run_program({"route", "--db", (folder.path() / "run.db").string(), "--share", "0.4", "--json"}).output);
  EXPECT_EQ(policy["threshold"], again["routing"]["threshold"]);
  EXPECT_NEAR(policy["expected"]["share"].get<double>(), 0.4, 0.05);
  EXPECT_EQ(policy["expected"]["samples"], 200);
}

TEST_F(Documented, CostsWithoutPricesAreAnError) {
  folder.write("run.yaml", "models: small.gguf\ntasks: helpdesk\nlimit: 2\nlatency_samples: 0\ndb: run.db\n");
  ASSERT_EQ(run_program({"run", (folder.path() / "run.yaml").string()}).status, 0);
  const std::string db = (folder.path() / "run.db").string();
  const Finished none = run_program({"cost", "--db", db});
  EXPECT_EQ(none.status, 3);
  EXPECT_THAT(none.errors, HasSubstr("has no prices"));
  const Finished wrong = run_program({"cost", "--db", db, "--one-time", "small:5"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.errors, HasSubstr("MODEL=AMOUNT"));
}

// The example in the page and the file of this test have the same columns.
TEST_F(Documented, TheFilesInThePageAreTheTests) {
  const std::vector<std::string> files = blocks_of(read_whole(source_path("docs/own-data.md")), "csv");
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(lines_of(files[0])[0], lines_of(text("tickets.csv"))[0]);
  EXPECT_EQ(lines_of(files[1])[0], lines_of(text("answers.csv"))[0]);
}

}  // namespace
}  // namespace sizeup
