#include "harness/decide/baseline_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json/json.h"
#include "invented_evidence.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

Evidence example() {
  EvidenceTask task = invented_task("t\"<", {1.0, 0.0, kNoNumber});
  task.num_fewshot = 5;
  task.chat_template = true;
  task.metrics = {"acc", "recall:x"};
  task.slice_fields = {"language"};
  task.samples[0].slices = std::make_shared<const Slices>(Slices{{"language", "de"}});
  task.samples[1].no_answer = true;
  task.samples[2].failed = true;
  task.samples[2].truncated = true;
  task.results = {{"acc", "", "", 0.5, 0.1, 0.9, 2}, {"recall:x", "language", "de", kNoNumber, {}, {}, 1}};
  task.times["single"] = {{1.5}, {2.25}};
  task.times["server:2.5"] = {{3.5}, {4.25}};
  task.work = EvidenceWork{3, 600, 0.75};
  task.cost_per_sample = 0.001;
  task.currency = "EUR";
  return invented_evidence("small", {task});
}

TEST(BaselineFile, ReadsBackWhatWasWritten) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "b.json";
  ASSERT_TRUE(write_baseline(example(), file).has_value());
  const Result<Evidence> read = read_baseline(file);
  ASSERT_TRUE(read.has_value()) << describe(read.error());
  EXPECT_EQ(to_baseline_text(*read), to_baseline_text(example()));
  EXPECT_EQ(read->source, file.string());
  EXPECT_EQ(read->label(), "run:small");
  EXPECT_EQ(read->packed_bytes, 1000);
  const EvidenceTask& task = read->tasks.at(0);
  EXPECT_EQ(task.num_fewshot, 5);
  EXPECT_TRUE(std::isnan(task.samples[2].score));
  EXPECT_TRUE(task.samples[2].failed && task.samples[2].truncated && task.samples[1].no_answer);
  EXPECT_FALSE(task.results[1].lo.has_value());
  EXPECT_EQ(task.results[0].hi, 0.9);
  EXPECT_EQ(task.work->tokens, 600);
  EXPECT_EQ(task.cost_per_sample, 0.001);
}

TEST(BaselineFile, TimesOfEarlierVersionsWereOfOneRequestAtATime) {
  Json json = Json::parse(to_baseline_text(example()));
  for (Json& task : json["tasks"]) task.erase("times");
  const TemporaryFolder folder;
  folder.write("old.json", to_line(json));
  const Result<Evidence> read = read_baseline(folder.path() / "old.json");
  ASSERT_TRUE(read.has_value()) << describe(read.error());
  EXPECT_EQ(read->tasks.at(0).times.size(), 1u);
  EXPECT_EQ(read->tasks.at(0).times.at("single").total_ms, std::vector<double>{2.25});
}

TEST(BaselineFile, OneSampleALineAndNoUnreadableNumber) {
  const std::string text = to_baseline_text(example());
  EXPECT_THAT(
      text,
      HasSubstr("\n      {\"id\":\"doc-2\",\"document\":\"hash-2\",\"prompt\":\"prompt-2\",\"score\":null,"));
  EXPECT_EQ(text.find("nan"), std::string::npos);
}

TEST(BaselineFile, NamesFileAndMemberOfWhatIsWrong) {
  const auto error_after = [](const std::function<void(Json&)>& change) {
    Json json = Json::parse(to_baseline_text(example()));
    change(json);
    const Result<Evidence> read = parse_baseline(to_line(json), "b.json");
    EXPECT_FALSE(read.has_value()) << to_line(json);
    return read ? std::string() : describe(read.error());
  };
  const auto sample = [](Json& json, size_t i) -> Json& { return json["tasks"][0]["samples"][i]; };
  EXPECT_THAT(
      error_after([](Json& json) { json["schema"] = "sizeup.baseline/9"; }),
      testing::AllOf(HasSubstr("b.json: 'schema' is 'sizeup.baseline/9'"), HasSubstr("baseline save")));
  EXPECT_THAT(error_after([](Json& json) { json.erase("model"); }),
              HasSubstr("'the file' has no member 'model'"));
  EXPECT_THAT(error_after([&](Json& json) { sample(json, 1)["score"] = 7; }),
              HasSubstr("'tasks[0].samples[1].score' is no number in range"));
  EXPECT_THAT(error_after([&](Json& json) { sample(json, 1)["score"] = "1"; }),
              HasSubstr("samples[1].score"));
  EXPECT_THAT(error_after([&](Json& json) { sample(json, 1)["flags"] = Json::array({"fine"}); }),
              HasSubstr("is no flag"));
  EXPECT_THAT(error_after([&](Json& json) { sample(json, 1)["id"] = "doc-0"; }),
              HasSubstr("the id of an earlier sample"));
  EXPECT_THAT(error_after([](Json& json) { json["tasks"].push_back(json["tasks"][0]); }),
              HasSubstr("'tasks[1]' has the name of an earlier task"));
  EXPECT_THAT(error_after([](Json& json) { json["tasks"] = Json::array(); }), HasSubstr("'tasks' is empty"));
  EXPECT_THAT(error_after([](Json& json) { json["tasks"][0]["results"][0]["n"] = -1; }),
              HasSubstr("is no count"));
  EXPECT_THAT(error_after([](Json& json) { json["tasks"][0]["num_fewshot"] = 1e12; }),
              HasSubstr("num_fewshot"));
  EXPECT_THAT(error_after([](Json& json) { json["run"] = std::string(5000, 'x'); }), HasSubstr("too long"));
  EXPECT_THAT(error_after([](Json& json) { json = Json::array(); }), HasSubstr("'the file' is no object"));
  EXPECT_THAT(describe(parse_baseline("{", "b.json").error()), HasSubstr("b.json: not valid JSON"));
}

}  // namespace
}  // namespace sizeup
