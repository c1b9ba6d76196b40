// Files of recorded answers as other programs write them.
#include "harness/answers/answer_file.h"

#include <gmock/gmock.h>

#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class AnswerFileTest : public testing::Test {
 protected:
  TemporaryFolder folder;
  AnswerFileOptions options;

  Result<AnswerFile> read(const std::string& content, const std::string& name = "a.jsonl") const {
    return read_answer_file(folder.write(name, content), options);
  }
  AnswerFile file(const std::string& content, const std::string& name = "a.jsonl") const {
    Result<AnswerFile> found = read(content, name);
    if (!found) throw std::runtime_error(describe(found.error()));
    return std::move(*found);
  }
  std::string refusal(const std::string& content) const {
    const Result<AnswerFile> found = read(content);
    return found ? std::string() : describe(found.error());
  }
};

RecordedAnswer answer(AnswerFile& file, const std::string& task, const std::string& id, int64_t index) {
  Result<std::optional<RecordedAnswer>> found = file.answers.find(task, id, index);
  if (!found || !*found) throw std::runtime_error("no answer " + id);
  return **found;
}

RecordedAnswer only(AnswerFile&& file, const std::string& id) {
  return answer(file, "", id, 0);
}
RecordedAnswer only(AnswerFile& file, const std::string& id) {
  return answer(file, "", id, 0);
}

TEST_F(AnswerFileTest, FieldsAreFoundByTheirNames) {
  AnswerFile read = file(
      "id,answer,prediction,latency_ms,ttft_ms,prompt_tokens,completion_tokens,cost_usd\n"
      "t1,gold,said,250,50,12,3,0.004\nt2,gold,other,,,,,\n",
      "a.csv");
  EXPECT_FALSE(read.by_row);
  const RecordedAnswer first = only(read, "t1");
  EXPECT_EQ(first.text, "said") << "the expected answer may stand beside it";
  EXPECT_EQ(first.total_ms, 250.0);
  EXPECT_EQ(first.ttft_ms, 50.0);
  EXPECT_EQ(first.prompt_tokens, 12);
  EXPECT_EQ(first.completion_tokens, 3);
  EXPECT_EQ(first.cost, 0.004);
  EXPECT_EQ(read.currency, "USD");
  const RecordedAnswer second = only(read, "t2");
  EXPECT_FALSE(second.total_ms || second.prompt_tokens || second.cost);
}

TEST_F(AnswerFileTest, SecondsBecomeMilliseconds) {
  EXPECT_EQ(only(file(R"({"id": "a", "output": "x", "Elapsed seconds": 1.5})"), "a").total_ms, 1500.0);
}

// Off by a factor of a thousand, or in the wrong currency, would be worse than none.
TEST_F(AnswerFileTest, FiguresWithoutAUnitAreNotTakenAndSaid) {
  AnswerFile read = file(R"({"id": "a", "output": "x", "latency": 3, "cost": 0.1})");
  EXPECT_FALSE(only(read, "a").total_ms || only(read, "a").cost);
  EXPECT_THAT(read.notes, Contains(HasSubstr("'latency' is not taken: its name has no unit")));
  EXPECT_THAT(read.notes, Contains(HasSubstr("'cost' is not taken: its name has no currency")));
  options.currency = "eur";
  AnswerFile priced = file(R"({"id": "a", "output": "x", "cost": "0.1"})");
  EXPECT_EQ(only(priced, "a").cost, 0.1);
  EXPECT_EQ(priced.currency, "EUR");
}

TEST_F(AnswerFileTest, WithoutIdsTheOrderCounts) {
  AnswerFile read = file("{\"response\": \"x\"}\n{\"response\": \"y\"}\n");
  EXPECT_TRUE(read.by_row);
  EXPECT_EQ(only(read, "1").text, "y");
  EXPECT_EQ(only(file(R"({"doc_id": 7, "response": "x"})"), "7").text, "x");
}

TEST_F(AnswerFileTest, ReadsAnEndpointsBatch) {
  AnswerFile read = file(
      R"({"custom_id": "t1", "error": null, "response": {"status_code": 200, "body": {"choices": [{"message": {"role": "assistant", "content": "said"}}], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}}}
{"custom_id": "t2", "error": "rate limit", "response": null})");
  EXPECT_EQ(only(read, "t1").text, "said");
  EXPECT_EQ(only(read, "t1").prompt_tokens, 5);
  EXPECT_EQ(only(read, "t2").error, "rate limit");
}

TEST_F(AnswerFileTest, ReadsSamplesOfAHarness) {
  AnswerFile read = file(R"({"doc_id": 0, "resps": [["one", "two"]], "filtered_resps": ["one"]})");
  ASSERT_EQ(*read.answers.count("", "0"), 2) << "repeats";
  EXPECT_EQ(answer(read, "", "0", 1).text, "two");
}

TEST_F(AnswerFileTest, SeveralRowsOfOneDocumentAreRepeats) {
  AnswerFile read = file("{\"id\": 1, \"output\": \"x\"}\n{\"id\": 1, \"output\": \"y\"}\n");
  EXPECT_EQ(*read.answers.count("", "1"), 2);
  EXPECT_EQ(answer(read, "", "1", 0).text, "x");
  EXPECT_EQ(answer(read, "", "1", 1).text, "y");
  EXPECT_FALSE(read.answers.find("", "1", 2)->has_value());
  EXPECT_FALSE(read.answers.find("", "2", 0)->has_value());
}

TEST_F(AnswerFileTest, RecordsAndLabelListsBecomeTexts) {
  EXPECT_EQ(only(file(R"({"id": 1, "output": {"a": 1}})"), "1").text, R"({"a":1})");
  EXPECT_EQ(only(file(R"({"id": 1, "output": ["x", "y"]})"), "1").text, "x, y");
  EXPECT_EQ(only(file(R"({"id": 1, "output": 4})"), "1").text, "4");
  EXPECT_EQ(only(file(R"({"id": 1, "output": ""})"), "1").text, "");
  EXPECT_EQ(only(file(R"({"id": 1, "output": null})"), "1").error, "the row holds no answer");
}

TEST_F(AnswerFileTest, TasksAreToldApart) {
  AnswerFile read = file(R"({"task": "one", "id": 1, "output": "x"})");
  EXPECT_TRUE(read.names_tasks);
  EXPECT_EQ(answer(read, "one", "1", 0).text, "x");
  EXPECT_EQ(*read.answers.count("", "1"), 0);
}

// Only some rows have a field: a choice from the first rows alone would overlook it.
TEST_F(AnswerFileTest, LaterRowsMayNameOtherFields) {
  AnswerFile read =
      file("{\"id\": 1, \"output\": \"x\"}\n{\"id\": 2, \"output\": \"y\", \"latency_ms\": 5}\n");
  EXPECT_TRUE(read.has_latencies);
  EXPECT_EQ(only(read, "2").total_ms, 5.0);
  EXPECT_FALSE(file(R"({"id": 1, "output": "x", "latency_ms": null})").has_latencies);
}

TEST_F(AnswerFileTest, OptionsNameTheFields) {
  options.answer = "said";
  options.id = "key2";
  EXPECT_EQ(only(file(R"({"id": 1, "key2": "k", "output": "x", "said": "y"})"), "k").text, "y");
  options.id = "nokey";
  EXPECT_THAT(refusal(R"({"id": 1, "said": "y"})"), HasSubstr("one of id, said"));
}

TEST_F(AnswerFileTest, BadRowsNameTheirPlace) {
  EXPECT_THAT(refusal(R"({"id": 1, "note": "x"})"), HasSubstr("no field looks like an answer"));
  EXPECT_THAT(refusal("{\"id\": 1, \"output\": \"x\"}\n{\"output\": \"y\"}\n"), HasSubstr("document 2"));
  for (const char* figure : {"-1", "\"soon\"", "\"nan\"", "[1]"}) {
    EXPECT_THAT(refusal(std::string(R"({"id": 1, "output": "x", "latency_ms": )") + figure + "}"),
                HasSubstr("not negative"))
        << figure;
  }
}

TEST_F(AnswerFileTest, HostileRowsAreReadOrRefused) {
  EXPECT_THAT(refusal(R"({"id": 1, "output": "x", "prompt_tokens": 1e300})"), IsEmpty());
  EXPECT_THAT(refusal(R"({"choices": [{}], "usage": {"usage": {}}, "output": "x"})"), IsEmpty());
  EXPECT_THAT(refusal(R"({"choices": [{"message": 3}], "response": {"body": []}, "output": "x"})"),
              IsEmpty());
  EXPECT_THAT(refusal(R"({"id": {"a": []}, "output": [[], [["x"]]]})"), IsEmpty());
}

}  // namespace
}  // namespace sizeup
