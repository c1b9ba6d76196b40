#include "harness/store/merge.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "harness/store/check.h"
#include "store_fixture.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using Files = std::vector<std::filesystem::path>;

class MergeTest : public StoreFixture {
 protected:
  // What one store holds: a run of two evaluations of three samples.
  struct Content {
    std::string name = "r";
    std::string created_at = "2026-11-21T03:00:00.000Z";
    size_t answered = 3;  // of the first model; of the second all if finished, else none
    bool finished = true;
    double accuracy = 1.0;
    double logprob = -1.5;  // of the first response
  };

  std::filesystem::path make(const std::string& file_name, const Content& content) {
    const std::filesystem::path made = folder / file_name;
    Store store = Store::open(made, StoreAccess::write).value();
    ExamplePlan example;
    example.plan.run.name = content.name;
    example.plan.run.created_at = content.created_at;
    const Store::Planned planned = store.create_run(example.plan).value();
    {
      StoreWriter writer(store, {});
      for (size_t e = 0; e < 2; ++e) {
        const size_t answers = e == 0 ? content.answered : content.finished ? 3 : 0;
        for (size_t i = 0; i < answers; ++i) write_answer(writer, planned, e, i, content);
      }
      EXPECT_TRUE(writer.flush().has_value());
    }
    if (!content.finished) return made;
    for (size_t e = 0; e < 2; ++e) {
      EvaluationRow evaluation;
      evaluation.id = planned.evaluation_ids[e];
      evaluation.finished_at = content.created_at;
      evaluation.wall_ms = 12.5;
      const std::vector<ResultRow> results = {{"acc", "", "", content.accuracy, 0.0, 1.0, 3}};
      EXPECT_TRUE(store.finish_evaluation(evaluation, results, CostRow{"EUR", 0.5, {}, {}, "price", ""}));
      EXPECT_TRUE(store.add_measurement(evaluation.id, {3, 30, 6, 100.0, 0.5, ""}));
    }
    GroupRow group;
    group.model.id = 1;
    group.name = "all";
    group.result = {"acc", "", "", content.accuracy, 0.0, 1.0, 3};
    EXPECT_TRUE(store.store_groups(planned.run.id, std::vector{group}));
    EXPECT_TRUE(store.finish_run(planned.run.id, content.created_at));
    return made;
  }

  static void write_answer(StoreWriter& writer, const Store::Planned& planned, size_t e, size_t i,
                           const Content& content) {
    ResponseRow response = example_response("k" + std::to_string(3 * e + i));
    if (e == 0 && i == 0) response.logprob = content.logprob;
    const int64_t evaluation = planned.evaluation_ids[e];
    const int64_t sample = planned.sample_ids[e][i];
    EXPECT_TRUE(writer.write(ResponseWrite{response, {{evaluation, sample, 0}}}));
    AnswerRow answer;
    answer.evaluation_id = evaluation;
    answer.sample_id = sample;
    answer.answer = "A";
    answer.scores = {{"acc", content.accuracy}};
    EXPECT_TRUE(writer.write(answer));
    EXPECT_TRUE(writer.write(TimingRow{evaluation, sample, 1.0, 2.0, 5, 1}));
  }

  MergeReport merge(const std::filesystem::path& into, const Files& from) {
    Store store = Store::open(into, StoreAccess::write).value();
    Result<MergeReport> report = merge_stores(store, from);
    EXPECT_TRUE(report.has_value()) << describe(report.error());
    return report ? *report : MergeReport{};
  }

  // Every row of every table, sorted, with what ids stand for in their place.
  std::vector<std::string> dump(const std::filesystem::path& of) {
    file = of;
    const std::map<std::string, std::string> natural = {
        {"environment_id", "(SELECT program || machine FROM environment WHERE id = environment_id)"},
        {"model_id", "(SELECT name || fingerprint FROM model WHERE id = model_id)"},
        {"task_id", "(SELECT name || data_hash FROM task WHERE id = task_id)"},
        {"run_id", "(SELECT name FROM run WHERE id = run_id)"},
        {"prompt_id", "(SELECT hash FROM prompt WHERE id = prompt_id)"},
        {"response_id", "(SELECT key FROM response WHERE id = response_id)"},
        {"sample_id", "(SELECT document_id || prompt_hash FROM sample WHERE id = sample_id)"},
        {"evaluation_id",
         "(SELECT run.name || model.name || scenario FROM evaluation JOIN run ON run.id = run_id "
         "JOIN model ON model.id = model_id WHERE evaluation.id = evaluation_id)"}};
    std::vector<std::string> rows;
    for (const std::string& table : query("SELECT name FROM sqlite_schema WHERE type = 'table'")) {
      std::string values;
      for (const std::string& column : query("SELECT name FROM pragma_table_info('" + table + "')")) {
        if (column == "id") continue;
        const auto found = natural.find(column);
        values += ", " + (found == natural.end() ? "quote(" + column + ")" : found->second);
      }
      for (const std::string& row : query("SELECT '" + table + "'" + values + " FROM " + table))
        rows.push_back(row);
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  }
};

TEST_F(MergeTest, AnEmptyStoreBecomesTheOther) {
  const auto a = make("a.db", {});
  const MergeReport report = merge(folder / "all.db", {a});
  EXPECT_EQ(report.runs, 1);
  EXPECT_EQ(report.samples, 3);
  EXPECT_EQ(report.responses, 6);
  EXPECT_TRUE(report.renamed.empty());
  EXPECT_EQ(dump(folder / "all.db"), dump(a));
}

// A run in two states, another run of the same name, and one that answered the same question otherwise.
TEST_F(MergeTest, TheOrderOfFilesAndRepeatingItMakeNoDifference) {
  const Files files = {
      make("begun.db", {.answered = 1, .finished = false}),
      make("done.db", {.accuracy = 0.5}),
      make("namesake.db", {.created_at = "2026-11-20T03:00:00.000Z", .accuracy = 0.25, .logprob = -9.0}),
      make("half.db", {.answered = 2, .finished = false, .logprob = -3.0}),
  };
  std::vector<std::string> first;
  for (const std::array<size_t, 4>& order :
       {std::array<size_t, 4>{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}}) {
    const auto into = folder / "into.db";
    for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(into.string() + ending);
    // One at a time and together.
    merge(into, {files[order[0]], files[order[1]]});
    merge(into, {files[order[2]]});
    merge(into, {files[order[3]]});
    const std::vector<std::string> merged = dump(into);
    if (first.empty()) first = merged;
    ASSERT_EQ(merged, first);
    EXPECT_EQ(merge(into, files).runs, 0);
    ASSERT_EQ(dump(into), first) << "again changes nothing";
  }
  EXPECT_THAT(query("SELECT name FROM run WHERE name NOT LIKE '%@%'"), ElementsAre("r"));
  EXPECT_THAT(query("SELECT count(*), count(finished_at) FROM run"), ElementsAre("2|2"));
  EXPECT_THAT(query("SELECT value FROM leaderboard WHERE model = 'small' ORDER BY value"),
              ElementsAre("0.25", "0.5"))
      << "the finished one of the two states";
  EXPECT_TRUE(check_store(folder / "into.db")->problems.empty());
}

TEST_F(MergeTest, TheEarlierRunKeepsTheName) {
  const auto later = make("later.db", {});
  const auto earlier = make("earlier.db", {.created_at = "2026-11-20T03:00:00.000Z"});
  const MergeReport report = merge(later, {earlier});
  ASSERT_EQ(report.renamed.size(), 1U);
  EXPECT_THAT(report.renamed[0], Pair("r", testing::MatchesRegex("r@[0-9a-f]+")));
  file = later;
  EXPECT_THAT(query("SELECT created_at FROM run WHERE name = 'r'"), ElementsAre("2026-11-20T03:00:00.000Z"));
  EXPECT_EQ(merge(later, {earlier}).renamed.size(), 0U) << "it is known under its new name";
}

TEST_F(MergeTest, CountsResponsesThatDiffer) {
  const auto a = make("a.db", {});
  EXPECT_EQ(merge(a, {make("b.db", {.name = "other", .logprob = -3.0})}).differing, 1);
}

TEST_F(MergeTest, AnOlderFileIsMergedFromACopy) {
  const auto old = make("old.db", {});
  const std::vector<std::string> answers = [&] {
    file = old;
    execute(kBackToVersion1);
    return query("SELECT answer FROM answer");
  }();
  merge(folder / "all.db", {old});
  file = old;
  EXPECT_THAT(query("PRAGMA user_version"), ElementsAre("1")) << "it stays as it is";
  file = folder / "all.db";
  EXPECT_EQ(query("SELECT answer FROM answer"), answers);
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    EXPECT_THAT(entry.path().filename().string(), testing::Not(testing::StartsWith("sizeup-merge")));
}

TEST_F(MergeTest, ANewerFileIsRefusedByNameAndNothingIsMerged) {
  const auto a = make("a.db", {});
  const auto good = make("good.db", {.name = "good"});
  const auto newer = make("newer.db", {.name = "newer"});
  file = newer;
  execute("PRAGMA user_version = 99");
  const std::vector<std::string> before = dump(a);
  Store store = Store::open(a, StoreAccess::write).value();
  Result<MergeReport> report = merge_stores(store, Files{good, newer});
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().place, newer.string());
  EXPECT_THAT(report.error().message, HasSubstr("newer sizeup (store version 99)"));
  EXPECT_EQ(dump(a), before);
}

TEST_F(MergeTest, ADamagedFileLeavesTheStoreAsItWas) {
  const auto a = make("a.db", {});
  const auto good = make("good.db", {.name = "good"});
  const auto bad = make("bad.db", {.name = "bad"});
  file = bad;
  // Its runs can be read, its responses not: the merge is well under way when it fails.
  const std::string root = query("SELECT rootpage FROM sqlite_schema WHERE name = 'response'")[0];
  {
    std::fstream damaged(bad, std::ios::in | std::ios::out | std::ios::binary);
    damaged.seekp((std::stol(root) - 1) * 4096);
    damaged.write("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
  }
  const std::vector<std::string> before = dump(a);
  Store store = Store::open(a, StoreAccess::write).value();
  Result<MergeReport> report = merge_stores(store, Files{good, bad});
  ASSERT_FALSE(report.has_value());
  EXPECT_THAT(report.error().message, HasSubstr("damaged"));
  EXPECT_EQ(dump(a), before);
}

TEST_F(MergeTest, RefusesItselfAndTooMany) {
  const auto a = make("a.db", {});
  Store store = Store::open(a, StoreAccess::write).value();
  EXPECT_EQ(merge_stores(store, Files{a}).error().kind, ErrorKind::usage);
  EXPECT_THAT(merge_stores(store, Files(11, a)).error().message, HasSubstr("11 files"));
  EXPECT_EQ(merge_stores(store, Files{folder / "none.db"}).error().message, "file not found");
}

}  // namespace
}  // namespace sizeup
