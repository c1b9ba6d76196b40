#include "harness/store/store.h"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <fstream>

#include "store_fixture.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

class StoreTest : public StoreFixture {
 protected:
  Error open_error(StoreAccess access = StoreAccess::read) const {
    Result<Store> store = Store::open(file, access);
    return store ? Error{} : store.error();
  }
};

TEST_F(StoreTest, ReadingNeedsAFile) {
  EXPECT_EQ(open_error().message, "file not found");
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(StoreTest, WritingCreatesTheFileWithItsVersion) {
  { open(); }
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
  sqlite3_stmt* statement = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(
                handle, "SELECT user_version, journal_mode FROM pragma_user_version, pragma_journal_mode", -1,
                &statement, nullptr),
            SQLITE_OK);
  ASSERT_EQ(sqlite3_step(statement), SQLITE_ROW);
  EXPECT_EQ(sqlite3_column_int(statement, 0), 7);
  EXPECT_STREQ(reinterpret_cast<const char*>(sqlite3_column_text(statement, 1)), "wal");
  sqlite3_finalize(statement);
  sqlite3_close(handle);
  EXPECT_TRUE(Store::open(file, StoreAccess::read).has_value());
}

TEST_F(StoreTest, RefusesAFileThatIsNoDatabase) {
  std::ofstream(file) << std::string(4096, 'x');
  const Error error = open_error(StoreAccess::write);
  EXPECT_EQ(error.kind, ErrorKind::bad_input);
  EXPECT_EQ(error.place, file.string());
  EXPECT_THAT(error.message, HasSubstr("not an SQLite database"));
}

TEST_F(StoreTest, RefusesTheDatabaseOfAnotherProgram) {
  execute("CREATE TABLE notes (text)");
  EXPECT_THAT(open_error(StoreAccess::write).message, HasSubstr("not one of sizeup"));
  EXPECT_THAT(open_error(StoreAccess::read).message, HasSubstr("not one of sizeup"));
}

TEST_F(StoreTest, RefusesANewerVersion) {
  { open(); }
  execute("PRAGMA user_version = 8");
  EXPECT_THAT(open_error(StoreAccess::read).message, HasSubstr("newer sizeup (store version 8)"));
  EXPECT_THAT(open_error(StoreAccess::write).message, HasSubstr("newer sizeup"));
}

// A file as version 1 made it: without the tables that version 2 added.
TEST_F(StoreTest, AMeasurementComesBackWithItsEnergy) {
  Store store = open();
  const Store::Planned planned = *store.create_run(ExamplePlan().plan);
  MeasurementRow row{3, 30, 6, 100.0, 0.5, ""};
  ASSERT_TRUE(store.add_measurement(planned.evaluation_ids[0], row).has_value());
  EXPECT_EQ((*store.find_measurement(planned.evaluation_ids[0]))->pass_joules, std::nullopt);
  row.pass_joules = 12.5;
  row.cached_input_tokens = 7;
  ASSERT_TRUE(store.add_measurement(planned.evaluation_ids[0], row).has_value());
  const MeasurementRow read = **store.find_measurement(planned.evaluation_ids[0]);
  EXPECT_EQ(read.pass_joules, 12.5);
  EXPECT_EQ(read.cached_input_tokens, 7);
}

TEST_F(StoreTest, TakesAnOlderFileToThisVersion) {
  ExamplePlan example;
  int64_t run = 0;
  {
    Store store = open();
    run = store.create_run(example.plan).value().run.id;
  }
  execute(kBackToVersion1);
  EXPECT_TRUE(read_groups(open(StoreAccess::read), run).value().empty()) << "also for reading";
  EXPECT_FALSE(read_cost(open(StoreAccess::read), 1).value().has_value());
  Store store = open(StoreAccess::write);
  GroupRow group;
  group.model.id = 1;
  group.name = "both";
  group.tasks = 2;
  group.result = {"acc", "", "", 0.5, 0.25, 0.75, 40};
  group.standard_error = 0.125;
  ASSERT_TRUE(store.store_groups(run, std::vector{group}).has_value());
  ASSERT_TRUE(store.store_groups(run, std::vector{group}).has_value()) << "a resumed run stores them again";
  const std::vector<GroupRow> read = read_groups(store, run).value();
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].name, "both");
  EXPECT_EQ(read[0].tasks, 2);
  EXPECT_EQ(read[0].result.value, 0.5);
  EXPECT_EQ(read[0].result.hi, 0.75);
  EXPECT_EQ(read[0].standard_error, 0.125);
  EXPECT_EQ(read_runs(store).value().size(), 1U) << "what was there stays";
}

TEST_F(StoreTest, RefusesAnEmptyFileForReading) {
  std::ofstream(file).flush();
  EXPECT_THAT(open_error().message, HasSubstr("empty"));
}

TEST_F(StoreTest, ReportsADamagedFile) {
  {
    Store store = open();
    ExamplePlan example;
    ASSERT_TRUE(store.create_run(example.plan).has_value());
  }
  {
    std::fstream damaged(file, std::ios::in | std::ios::out | std::ios::binary);
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(file));
    // Every page but the first: the header stays readable.
    for (std::streamoff at = 4096; at < size; at += 64) {
      damaged.seekp(at);
      damaged.write("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    }
  }
  Result<Store> store = Store::open(file, StoreAccess::read);
  std::string message = store ? "" : store.error().message;
  if (store) {
    Result<std::vector<RunRow>> runs = read_runs(*store);
    if (!runs) message = runs.error().message;
  }
  EXPECT_THAT(message, HasSubstr("damaged"));
}

TEST_F(StoreTest, ReportsAFolderThatIsNotThere) {
  file = folder / "none" / "sizeup.db";
  EXPECT_EQ(open_error(StoreAccess::write).kind, ErrorKind::unavailable);
}

TEST_F(StoreTest, NamesRunsByDateAndNumber) {
  Store store = open();
  ExamplePlan example;
  EXPECT_EQ(store.create_run(example.plan)->run.name, "2026-11-21-1");
  EXPECT_EQ(store.create_run(example.plan)->run.name, "2026-11-21-2");
  example.plan.run.name = "mine";
  EXPECT_EQ(store.create_run(example.plan)->run.name, "mine");
  Result<Store::Planned> again = store.create_run(example.plan);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().kind, ErrorKind::usage);
}

TEST_F(StoreTest, SharesModelsTasksAndSamplesBetweenRuns) {
  Store store = open();
  ExamplePlan example;
  const Store::Planned first = *store.create_run(example.plan);
  const Store::Planned second = *store.create_run(example.plan);
  EXPECT_NE(first.evaluation_ids, second.evaluation_ids);
  EXPECT_EQ(first.sample_ids, second.sample_ids);
  EXPECT_EQ(first.sample_ids[0], first.sample_ids[1]);  // both models see the same samples
}

TEST_F(StoreTest, FindsThePlanOfARunAgain) {
  Store store = open();
  ExamplePlan example;
  const Store::Planned created = *store.create_run(example.plan);
  example.plan.run = created.run;
  const Result<Store::Planned> found = store.find_run_plan(example.plan);
  ASSERT_TRUE(found.has_value()) << describe(found.error());
  EXPECT_EQ(found->evaluation_ids, created.evaluation_ids);
  EXPECT_EQ(found->sample_ids, created.sample_ids);
}

TEST_F(StoreTest, SaysWhatChangedSinceARunStarted) {
  Store store = open();
  ExamplePlan example;
  example.plan.run = store.create_run(example.plan)->run;
  const auto message = [&] {
    Result<Store::Planned> found = store.find_run_plan(example.plan);
    return found ? std::string() : found.error().message;
  };
  ExamplePlan changed;
  changed.plan.run = example.plan.run;
  example.plan.evaluations[1].model.fingerprint = "other weights";
  EXPECT_THAT(message(), HasSubstr("model 'large' is not what it was"));
  example.plan.evaluations = changed.plan.evaluations;
  example.plan.evaluations[0].task.data_hash = "other data";
  EXPECT_THAT(message(), HasSubstr("task 'letters' is not what it was"));
  example.plan.evaluations = changed.plan.evaluations;
  example.samples[1].prompt = "Another question?";
  EXPECT_THAT(message(), HasSubstr("sample 'doc-1' is not what it was"));
  example.samples = changed.samples;
  example.plan.evaluations[0].chat_template = true;
  EXPECT_THAT(message(), HasSubstr("evaluation of model 'small' on task 'letters'"));
  // A refused plan leaves nothing behind.
  EXPECT_EQ(read_evaluations(store, example.plan.run.id)->size(), 2U);
}

TEST_F(StoreTest, TimesAreUtcWithMilliseconds) {
  EXPECT_THAT(stored_now(), testing::MatchesRegex("20..-..-..T..:..:..\\.[0-9][0-9][0-9]Z"));
}

}  // namespace
}  // namespace sizeup
