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

  const Json own = Json::parse(
      run_program({"cost", "--db", db, "--json", "--requests", (folder.path() / "requests.jsonl").string()})
          .output);
  EXPECT_EQ(own["requests"]["count"], 500);
  // Means by hand: input 300 + (7919 i mod 1500), output 10 + (31 i mod 90), i below 500; half an hour apart.
  double price = 0;
  for (int i = 0; i < 500; ++i)
    price += (2.5 * (300 + i * 7919 % 1500) + 10.0 * (10 + i * 31 % 90)) / 1e6 / 500;
  for (const Json& row : own["cost"]["rows"]) {
    if (row["model"] != "large") continue;
    EXPECT_NEAR(row["per_request"]["value"].get<double>(), price, 1e-12);
    EXPECT_NEAR(row["per_month"]["value"].get<double>(), 2 * 730 * price, 1e-9);
    EXPECT_LT(row["per_month"]["lo"].get<double>(), row["per_month"]["value"].get<double>());
    EXPECT_GT(row["per_month"]["hi"].get<double>(), row["per_month"]["value"].get<double>());
  }
}

// Texts are counted by each model's own tokenizer; an endpoint has none, and rows that say nothing are named.
TEST_F(Documented, RequestsAreCountedOrRefused) {
  folder.write("run.yaml",
               "models: [small=small.gguf, large=large.gguf]\ntasks: helpdesk\nlimit: 4\nlatency_samples: 0\n"
               "db: run.db\nprices:\n"
               "  small: {currency: USD, per_million_input: 1, per_million_output: 2, date: 2020-01-01}\n"
               "  large: {currency: USD, per_million_input: 10, per_million_output: 20, date: 2020-01-01}\n");
  const Finished run = run_program({"run", (folder.path() / "run.yaml").string()});
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(run.errors, HasSubstr("Prices of 2020-01-01 are "));
  const std::string db = (folder.path() / "run.db").string();
  const auto cost = [&](const std::string& rows, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"cost", "--db", db, "--json", "--requests", "-"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments, rows);
  };
  const std::string text = "Where is my parcel number 42?";
  const Finished ids = run_program({"tokenize", (folder.path() / "small.gguf").string(), "--add-special"},
                                   "{\"text\": \"" + text + "\"}");
  const auto tokens = static_cast<double>(Json::parse(ids.output)["ids"].size());
  const Finished counted =
      cost("{\"prompt\": \"" + text + "\", \"output_tokens\": 5, \"count\": 3}\n{\"prompt\": \"" + text +
           "\", \"output_tokens\": 9}\n");
  ASSERT_EQ(counted.status, 0) << counted.errors;
  const Json rows = Json::parse(counted.output)["cost"]["rows"];
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_NEAR(rows[0]["per_request"]["value"].get<double>(), (tokens + 2 * 6) / 1e6, 1e-15);
  EXPECT_NEAR(rows[1]["per_request"]["value"].get<double>(), (10 * tokens + 20 * 6) / 1e6, 1e-15);

  const Finished unknown = cost("{\"prompt\": \"a\"}", {"--tokenizer", "large=no-such-file.json"});
  EXPECT_EQ(unknown.status, 3);
  EXPECT_THAT(unknown.errors,
              AllOf(HasSubstr("cannot be counted for 'large'"), HasSubstr("--tokenizer large=")));
  struct Wrong {
    const char* row;
    const char* message;
  };
  for (const Wrong& wrong : {
           Wrong{"{\"text\": \"a\"}", "neither token counts nor a prompt"},
           {"{\"input_tokens\": -1}", "\"input_tokens\" is -1"},
           {"{\"input_tokens\": 5, \"cached_input_tokens\": 6}", "6 of 5 input tokens are cached"},
           {"{\"input_tokens\": 5, \"count\": 0}", "\"count\" is 0"},
           {"{\"input_tokens\": 5, \"time\": \"soon\"}", "\"time\" is \"soon\""},
           {"{\"input_tokens\": 5}\n{\"input_tokens\": 5, \"time\": 7}", "some rows have a time"},
           {"", "no requests"},
       }) {
    const Finished refused = cost(wrong.row);
    EXPECT_EQ(refused.status, 3) << wrong.row;
    EXPECT_THAT(refused.errors, HasSubstr(wrong.message)) << wrong.row;
  }
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
