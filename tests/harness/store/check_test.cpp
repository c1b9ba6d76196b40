#include "harness/store/check.h"

#include <gmock/gmock.h>

#include <fstream>

#include "store_fixture.h"

namespace sizeup {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class CheckTest : public StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    Store store = open();
    ExamplePlan example;
    const Store::Planned planned = *store.create_run(example.plan);
    StoreWriter writer(store, {});
    ASSERT_TRUE(writer.write(
        ResponseWrite{example_response("k"), {{planned.evaluation_ids[0], planned.sample_ids[0][0], 0}}}));
    ASSERT_TRUE(writer.flush());
  }
  StoreCheck check() const {
    Result<StoreCheck> checked = check_store(file);
    EXPECT_TRUE(checked.has_value()) << describe(checked.error());
    return checked ? *checked : StoreCheck{};
  }
};

TEST_F(CheckTest, AWholeStoreHasNoProblem) {
  const StoreCheck found = check();
  EXPECT_THAT(found.problems, IsEmpty());
  EXPECT_EQ(found.version, 7);
  EXPECT_THAT(found.rows, Contains(Pair("evaluation", 2)));
  EXPECT_THAT(found.rows, Contains(Pair("response", 1)));
  EXPECT_THAT(found.notes, ElementsAre(HasSubstr("is not finished: 2 of 2 evaluations remain")));
}

TEST_F(CheckTest, NamesWhatIsMissingOrChanged) {
  execute("DROP VIEW failures; DROP INDEX response_by_prompt; CREATE TABLE notes (text)");
  execute("DROP VIEW results; CREATE VIEW results AS SELECT 1 AS one");
  const StoreCheck found = check();
  EXPECT_THAT(found.problems, testing::UnorderedElementsAre("view 'failures' is missing",
                                                            "index 'response_by_prompt' is missing",
                                                            "view 'results' is not as sizeup makes it"));
  EXPECT_THAT(found.notes, Contains("table 'notes' is not sizeup's"));
}

TEST_F(CheckTest, FindsRowsThatPointNowhere) {
  execute("DELETE FROM response");
  EXPECT_THAT(check().problems,
              ElementsAre("1 rows of 'sample_response' point to a row of 'response' that is not there"));
}

TEST_F(CheckTest, FindsWhatAFinishedEvaluationLacks) {
  execute("UPDATE evaluation SET finished_at = '2026' WHERE id = 1; UPDATE run SET finished_at = '2026'");
  EXPECT_THAT(check().problems, ElementsAre("1 evaluations are finished, but not every sample has its answer",
                                            "1 runs are finished, but not all of their evaluations"));
}

TEST_F(CheckTest, FindsScoresWithoutAnswersAndBrokenCells) {
  execute("INSERT INTO score VALUES (1, 1, 'acc', 1.0); UPDATE response SET tokens = '[1,'");
  EXPECT_THAT(check().problems, ElementsAre("1 scores belong to no answer",
                                            "1 responses have tokens or keys that are not JSON"));
}

TEST_F(CheckTest, NotesWhatNothingUses) {
  execute("DELETE FROM sample_response");
  const StoreCheck found = check();
  EXPECT_THAT(found.problems, IsEmpty());
  EXPECT_THAT(found.notes, Contains("1 responses are used by no sample"));
}

TEST_F(CheckTest, ADamagedPageIsAProblem) {
  const std::string root = query("SELECT rootpage FROM sqlite_schema WHERE name = 'response'")[0];
  execute("PRAGMA wal_checkpoint(TRUNCATE)");
  {
    std::fstream damaged(file, std::ios::in | std::ios::out | std::ios::binary);
    damaged.seekp((std::stol(root) - 1) * 4096 + 8);
    damaged.write("\xff\xff\xff\xff", 4);
  }
  EXPECT_THAT(check().problems, testing::Not(IsEmpty()));
}

TEST_F(CheckTest, AnOlderFileIsNotChanged) {
  execute(kBackToVersion1);
  const StoreCheck found = check();
  EXPECT_EQ(found.version, 1);
  EXPECT_THAT(found.problems, IsEmpty());
  EXPECT_THAT(query("PRAGMA user_version"), ElementsAre("1"));
}

TEST_F(CheckTest, RefusesWhatIsNoStore) {
  EXPECT_EQ(check_store(folder / "none.db").error().message, "file not found");
  EXPECT_THAT(check_store(own.write("text.db", std::string(4096, 'x'))).error().message,
              HasSubstr("not an SQLite database"));
}

}  // namespace
}  // namespace sizeup
