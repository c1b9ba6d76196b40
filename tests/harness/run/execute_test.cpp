#include "harness/run/run.h"

#include <gmock/gmock.h>

#include <cmath>

#include "run_fixture.h"

namespace sizeup {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class ExecuteTest : public RunFixture {};

TEST_F(ExecuteTest, StoresAnswersScoresAndResultsOfEveryModelAndTask) {
  settings.models = {"small=./s.gguf", "large=./l.gguf"};
  settings.tasks = {"choice", "write", "read"};
  const RunSummary summary = done();
  ASSERT_EQ(summary.evaluations.size(), 6U);
  EXPECT_EQ(summary.samples_failed, 0);
  EXPECT_EQ(summary.requests_sent, 2 * (6 * 3 + 5 + 2));
  EXPECT_EQ(summary.requests_from_store, 0);
  EXPECT_EQ(query("SELECT count(*) FROM answer")[0], "26");
  EXPECT_EQ(query("SELECT count(*) FROM sample")[0], "13");  // shared by both models
  EXPECT_EQ(query("SELECT count(*) FROM sample_response")[0], "50");
  EXPECT_EQ(query("SELECT count(*) FROM run WHERE finished_at IS NOT NULL")[0], "1");
  EXPECT_EQ(query("SELECT count(*) FROM evaluation WHERE finished_at IS NULL")[0], "0");

  // The accuracy that the fake model's answers have, worked out without the harness.
  for (const EvaluationSummary& evaluation : summary.evaluations) {
    if (evaluation.task != "choice") continue;
    double right = 0;
    for (int i = 0; i < 6; ++i) {
      const std::string prompt = "question " + std::to_string(i) + " of choice| ";
      int best = 0;
      for (int c = 1; c < 3; ++c) {
        const auto thought = [&](int choice) {
          return opinion(evaluation.model, prompt + static_cast<char>('A' + choice));
        };
        if (thought(c) < thought(best)) best = c;  // logprob = -thought / 16
      }
      right += best == i % 3 ? 1 : 0;
    }
    EXPECT_EQ(evaluation.headline.metric, "acc");
    EXPECT_DOUBLE_EQ(evaluation.headline.value, right / 6);
    EXPECT_EQ(evaluation.headline.n, 6);
    EXPECT_TRUE(evaluation.headline.lo.has_value());
  }
}

TEST_F(ExecuteTest, AsksEverythingOfAModelInOneRunOfTheBackend) {
  settings.tasks = {"choice", "write", "read"};
  done();
  EXPECT_EQ(logs["small"].runs.size(), 1U);
  EXPECT_EQ(logs["small"].runs[0].max_concurrent, 0);
}

TEST_F(ExecuteTest, PortionsChangeNothingButTheRunsOfTheBackend) {
  settings.tasks = {"choice", "write", "read"};
  const std::string answers =
      "SELECT group_concat(document_id || answer || coalesce(value, '') || coalesce(lo, '')) FROM (SELECT * "
      "FROM answer JOIN sample ON sample.id = sample_id JOIN score USING (evaluation_id, sample_id) "
      "JOIN result USING (evaluation_id) ORDER BY evaluation_id, sample_id, result.metric, slice_value)";
  const RunSummary whole = done();
  const std::string expected = query(answers)[0];
  settings.db = folder / "portions.db";
  RunEnvironment small = environment();
  small.portion_samples = 4;  // of 13: the second and the third portion begin within a task
  const Result<RunSummary> summary = execute(settings, progress, stop.get_token(), small);
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(query(answers)[0], expected);
  EXPECT_EQ(summary->requests_sent, whole.requests_sent);
  EXPECT_EQ(logs["small"].runs.size(), 1U + 4U);
  EXPECT_EQ(progress.seen.back().samples_done, 13);
}

TEST_F(ExecuteTest, BadRowsAreToldOfAndCountedForEachTask) {
  settings.tasks = {"choice", "write"};
  settings.max_bad_rows = 25;
  bad_rows = 25;
  done();
  EXPECT_THAT(progress.messages, Contains("write: 25 bad rows of its data are left out"));
  EXPECT_THAT(progress.messages, Contains("  a.jsonl:20: odd"));
  EXPECT_THAT(progress.messages, Contains("  and 5 more"));
  EXPECT_THAT(query("SELECT value FROM results WHERE metric = 'bad_rows' AND task = 'write'"),
              ElementsAre("25.0"));
  bad_rows = 0;
  done();
  EXPECT_EQ(query("SELECT count(*) FROM results WHERE metric = 'bad_rows'")[0], "2")
      << "of the first run only";
  bad_rows = 26;
  const Result<RunSummary> refused = run();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
  EXPECT_EQ(refused.error().place, "a.jsonl:26");
}

TEST_F(ExecuteTest, StoresWhatTheModelWasGivenAndAnswered) {
  settings.tasks = {"write"};
  add_task("write", OutputType::generate_until, 1, "Be brief.\n");
  const RunSummary summary = done();
  EXPECT_EQ(query("SELECT prompt FROM sample")[0], "Be brief.\nquestion 0 of write");
  EXPECT_EQ(query("SELECT source FROM sample")[0], "source");
  EXPECT_EQ(query("SELECT text FROM prompt")[0], "Be brief.\nquestion 0 of write");
  Store read = store();
  const std::vector<AnswerRow> answers = *read_answers(read, summary.evaluations[0].evaluation_id);
  const std::vector<ResponseRow> responses =
      *read_responses(read, summary.evaluations[0].evaluation_id, answers[0].sample_id);
  ASSERT_EQ(responses.size(), 1U);
  EXPECT_EQ(responses[0].text, answers[0].answer);
  EXPECT_EQ(responses[0].finish, "stop");
  EXPECT_EQ(responses[0].key, sha256_hex(responses[0].key_json));
  // A written answer's confidence is its mean token probability.
  EXPECT_DOUBLE_EQ(answers[0].confidence, std::exp(-0.5));
}

TEST_F(ExecuteTest, HasIntervalsSlicesAndRates) {
  settings.tasks = {"write"};
  const RunSummary summary = done();
  Store read = store();
  std::map<std::string, ResultRow> by_name;
  const std::vector<ResultRow> results = *read_results(read, summary.evaluations[0].evaluation_id);
  for (const ResultRow& row : results) {
    by_name[row.metric + "/" + row.slice_value] = row;
  }
  for (const char* rate : {"no_answer_rate/", "invalid_rate/", "truncated_rate/", "error_rate/"}) {
    ASSERT_TRUE(by_name.contains(rate)) << rate;
    EXPECT_EQ(by_name[rate].value, 0.0);
    EXPECT_EQ(by_name[rate].n, 5);
    EXPECT_GT(by_name[rate].hi.value(), 0.3);  // Wilson: none of five does not mean never
  }
  EXPECT_EQ(by_name["exact_match/even"].n, 3);
  EXPECT_EQ(by_name["exact_match/odd"].n, 2);
  EXPECT_DOUBLE_EQ(by_name["length/"].value, 2.5);
  EXPECT_DOUBLE_EQ(by_name["length/odd"].value, 2.5);
  ASSERT_TRUE(by_name.contains("share_of_ones/"));
  EXPECT_LE(by_name["share_of_ones/"].lo.value(), by_name["share_of_ones/"].value);
}

TEST_F(ExecuteTest, PassesLimitAndShotsToTheTasks) {
  settings.limit = 2;
  settings.num_fewshot = 3;
  const RunSummary summary = done();
  EXPECT_EQ(summary.evaluations[0].samples, 2);
  EXPECT_EQ(task_options[0].num_fewshot, 3);
  EXPECT_EQ(query("SELECT num_fewshot FROM evaluation")[0], "3");
}

TEST_F(ExecuteTest, GivesLocalModelsTheRunsTime) {
  done();
  EXPECT_EQ(opened[0].options.at("now"), "2026-11-21T03:00:00");
  EXPECT_EQ(query("SELECT now FROM run")[0], "2026-11-21T03:00:00");
}

TEST_F(ExecuteTest, PlainPromptsKeepTheDelimiter) {
  settings.limit = 1;
  add_task("choice", OutputType::multiple_choice, 1, "Letters.\n\n");
  done();
  EXPECT_THAT(logs["small"].asked,
              ElementsAre("Letters.\n\nquestion 0 of choice| A", "Letters.\n\nquestion 0 of choice| B",
                          "Letters.\n\nquestion 0 of choice| C"));
}

TEST_F(ExecuteTest, ChatTemplatesGetMessagesAndNoDelimiter) {
  models["small"].has_chat_template = true;
  add_task("choice", OutputType::multiple_choice, 1, "Letters.\n\n");
  const RunSummary summary = done();
  EXPECT_TRUE(summary.chat_template);
  EXPECT_EQ(logs["small"].asked[0], "<system>Letters.\n\n<user>question 0 of choice<assistant>|A");
  EXPECT_EQ(query("SELECT chat_template FROM evaluation")[0], "1");
}

TEST_F(ExecuteTest, WithoutADescriptionThereIsNoSystemMessage) {
  models["small"].has_chat_template = true;
  settings.limit = 1;
  done();
  EXPECT_EQ(logs["small"].asked[0], "<user>question 0 of choice<assistant>|A");
}

TEST_F(ExecuteTest, ATemplateThatRefusesASystemMessageGetsNone) {
  models["small"].has_chat_template = true;
  models["small"].refuses_system = true;
  add_task("choice", OutputType::multiple_choice, 1, "Letters.\n\n");
  EXPECT_EQ(done().samples_failed, 0);
  EXPECT_EQ(logs["small"].asked[0], "<user>question 0 of choice<assistant>|A");
  EXPECT_THAT(progress.messages, Contains(HasSubstr("refuses a system message; left out in 1 prompts")));
}

TEST_F(ExecuteTest, TheTemplateIsUsedOnlyIfEveryModelHasOne) {
  settings.models = {"small=./s.gguf", "large=./l.gguf"};
  models["small"].has_chat_template = true;
  EXPECT_FALSE(done().chat_template);
  EXPECT_THAT(logs["small"].asked, Contains("question 0 of choice| A"));
}

TEST_F(ExecuteTest, TheTemplateCanBeForcedOffAndNotInvented) {
  models["small"].has_chat_template = true;
  settings.apply_chat_template = false;
  EXPECT_FALSE(done().chat_template);
  models["small"].has_chat_template = false;
  settings.apply_chat_template = true;
  Result<RunSummary> refused = run();
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("no chat template"));
}

TEST_F(ExecuteTest, AModelThatScoresPlainTextsAloneGetsThem) {
  models["small"].has_chat_template = true;
  models["small"].scores_conversations = false;
  EXPECT_FALSE(done().chat_template);
  settings.apply_chat_template = true;
  EXPECT_THAT(run().error().message, HasSubstr("scores plain texts only"));
  settings.protocol = ProtocolChoice::generative;
  EXPECT_TRUE(done().chat_template) << "nothing is scored";
}

TEST_F(ExecuteTest, WhatABackendNotesIsSaidOnceAndKept) {
  done();
  EXPECT_EQ(std::count(progress.messages.begin(), progress.messages.end(), "small: seen by small"), 1);
  EXPECT_EQ(query("SELECT counts ->> '$.notes[0]' FROM evaluation WHERE scenario = 'offline'")[0],
            "seen by small");
}

TEST_F(ExecuteTest, RollingTextsAreNeverPutIntoATemplate) {
  models["small"].has_chat_template = true;
  settings.tasks = {"read"};
  done();
  EXPECT_EQ(logs["small"].asked[0], "question 0 of read|");
  EXPECT_EQ(query("SELECT chat_template FROM evaluation")[0], "0");
}

TEST_F(ExecuteTest, MultipleChoiceIsAskedInWritingOfModelsThatCannotScore) {
  models["small"].can_score = false;
  models["small"].writes = [](const Request&) { return "B."; };
  const RunSummary summary = done();
  EXPECT_EQ(summary.protocol, "generative");
  EXPECT_EQ(query("SELECT protocol FROM evaluation")[0], "generative");
  EXPECT_EQ(summary.requests_sent, 6);                                 // one each instead of three
  EXPECT_DOUBLE_EQ(summary.evaluations[0].headline.value, 2.0 / 6.0);  // B is right for rows 1 and 4
  EXPECT_EQ(query("SELECT DISTINCT answer FROM answer")[0], "B");
  EXPECT_EQ(query("SELECT count(*) FROM answer WHERE confidence IS NOT NULL")[0], "0");
}

// What the store keeps of the first tokens is what confidence is made of, in the run and when it is read
// again.
TEST_F(ExecuteTest, AWrittenChoiceIsAsSureAsItsFirstTokens) {
  models["small"].can_score = false;
  models["small"].writes = [](const Request&) { return "B."; };
  models["small"].first_top = {{" B", -0.5F}, {"A", -0.5F}, {"The", -3.0F}};
  done();
  EXPECT_EQ(query("SELECT DISTINCT confidence FROM answer")[0], "0.5");
  settings.name = "again";
  EXPECT_EQ(done().requests_sent, 0);
  EXPECT_EQ(query("SELECT count(*) FROM answer WHERE confidence = 0.5")[0], "12");
}

TEST_F(ExecuteTest, OnlyBackendsThatHoldAnswersToASchemaGetIt) {
  settings.tasks = {"write"};
  done();
  EXPECT_EQ(std::get<Generate>(logs["small"].requests.at(0).ask).schema, "");
  EXPECT_EQ(query("SELECT count(*) FROM response WHERE key_json LIKE '%schema%'")[0], "0");
  models["small"].takes_schema = true;
  settings.name = "held";
  EXPECT_GT(done().requests_sent, 0) << "another request than without the schema";
  EXPECT_EQ(std::get<Generate>(logs["small"].requests.back().ask).schema, R"({"type":"string"})");
}

TEST_F(ExecuteTest, AWrittenAnswerThatNamesNoChoiceIsWrongAndCounted) {
  models["small"].can_score = false;
  models["small"].writes = [](const Request&) { return "either A or B"; };
  const RunSummary summary = done();
  EXPECT_EQ(summary.evaluations[0].headline.value, 0.0);
  EXPECT_EQ(summary.evaluations[0].headline.n, 6);
  EXPECT_EQ(query("SELECT value FROM result WHERE metric = 'no_answer_rate'")[0], "1.0");
  EXPECT_EQ(query("SELECT value FROM result WHERE metric = 'invalid_rate'")[0], "1.0");
  EXPECT_EQ(query("SELECT DISTINCT json_extract(details, '$.predicted') FROM answer")[0], "[invalid]");
}

TEST_F(ExecuteTest, RefusesSettingsThatMakeNoSense) {
  const auto message = [&] {
    Result<RunSummary> refused = run();
    return refused ? std::string() : refused.error().message;
  };
  settings.models = {};
  EXPECT_THAT(message(), HasSubstr("no model"));
  settings.models = {"small=./a.gguf", "small=./b.gguf"};
  EXPECT_THAT(message(), HasSubstr("two models are named 'small'"));
  settings.models = {"small=./a.gguf"};
  settings.prices["other"] = {};
  EXPECT_THAT(message(), HasSubstr("prices name the model 'other'"));
  settings.prices.clear();
  settings.tasks = {};
  EXPECT_THAT(message(), HasSubstr("no task"));
  settings.tasks = {"choice", "choice"};
  EXPECT_THAT(message(), HasSubstr("two tasks are named 'choice'"));
  settings.tasks = {"nothing"};
  EXPECT_THAT(message(), HasSubstr("no such task"));
  add_task("empty", OutputType::multiple_choice, 0);
  settings.tasks = {"empty"};
  EXPECT_THAT(message(), HasSubstr("no documents"));
  EXPECT_EQ(query("SELECT count(*) FROM run")[0], "0");
}

TEST_F(ExecuteTest, InvalidTextFromAModelIsStoredAsValidUtf8) {
  settings.tasks = {"write"};
  settings.limit = 1;
  models["small"].writes = [](const Request&) {
    return std::string(
        "a\xff"
        "b");
  };
  done();
  EXPECT_EQ(query("SELECT text FROM response")[0],
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(query("SELECT answer FROM answer")[0],
            "a\xEF\xBF\xBD"
            "b");
}

TEST_F(ExecuteTest, EqualDocumentsAreSamplesOfTheirOwn) {
  class Repeating : public FakeTask {
   public:
    using FakeTask::FakeTask;
    std::vector<Sample> made_samples(int64_t limit) const override {
      std::vector<Sample> all = FakeTask::made_samples(limit);
      for (Sample& sample : all) {
        sample.document_hash = "same";
        sample.prompt.user = "the same question";
      }
      return all;
    }
  };
  tasks["choice"] = [] { return std::make_unique<Repeating>("choice", OutputType::multiple_choice, 3); };
  const RunSummary summary = done();
  EXPECT_EQ(summary.evaluations[0].headline.n, 3);
  EXPECT_EQ(summary.requests_sent, 3);  // equal requests are asked once
  EXPECT_THAT(query("SELECT document_id FROM sample ORDER BY row"), ElementsAre("0", "1", "2"));
}

TEST_F(ExecuteTest, ProgressCountsCommittedSamplesUpToTheTotal) {
  settings.tasks = {"choice", "write"};
  settings.latency_samples = 2;
  done();
  ASSERT_FALSE(progress.seen.empty());
  int64_t before = 0;
  int64_t pass = 0;
  for (const Progress& seen : progress.seen) {
    if (seen.pass != pass) before = 0;
    pass = seen.pass;
    EXPECT_GE(seen.samples_done, before);
    EXPECT_LE(seen.samples_done, seen.samples_total);
    EXPECT_EQ(seen.passes, 2);
    before = seen.samples_done;
  }
  EXPECT_EQ(progress.seen.back().scenario, "single");
  EXPECT_EQ(progress.seen.back().samples_done, 4);
  EXPECT_THAT(progress.messages[0], HasSubstr("protocol likelihood"));
}

}  // namespace
}  // namespace sizeup
