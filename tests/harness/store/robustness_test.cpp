// What can happen to a file: each gives a clear error, loses nothing, and leaves the file whole.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "harness/store/connection.h"
#include "store_fixture.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RobustnessTest : public StoreFixture {
 protected:
  // The exit status of a process that does `body`.
  template <class Body>
  static int in_child(Body&& body) {
    const pid_t child = fork();
    if (child == 0) _exit(body());
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  // Writes responses k0, k1, ... of 4 kB until there is an error; how many were committed by then.
  static std::pair<int64_t, Error> write_until_it_fails(Store& store, const Store::Planned& planned) {
    int64_t safe = 0;
    StoreWriter writer(store, {.writes = 4, .delay = std::chrono::milliseconds(1)},
                       [&](const Committed& committed) { safe = committed.responses; });
    for (int i = 0; i < 100'000; ++i) {
      ResponseRow response = example_response("k" + std::to_string(i));
      response.text = std::string(4096, 'x');
      Result<void> written =
          writer.write(ResponseWrite{response, {{planned.evaluation_ids[0], planned.sample_ids[0][0], i}}});
      if (written && i % 8 == 7) written = writer.flush();  // commits of a run's size
      if (!written) return {safe, written.error()};
    }
    return {safe, {}};
  }

  void expect_whole(int64_t safe) {
    EXPECT_THAT(query("PRAGMA integrity_check"), ElementsAre("ok"));
    Store store = open();
    for (int64_t i = 0; i < safe; ++i)
      ASSERT_TRUE(store.find_response("k" + std::to_string(i))->has_value()) << i << " of " << safe;
  }
};

TEST_F(RobustnessTest, AFullDatabaseKeepsWhatWasCommittedAndGoesOnLater) {
  int64_t safe = 0;
  {
    Store store = open();
    ExamplePlan example;
    const Store::Planned planned = store.create_run(example.plan).value();
    store.connection().database.execute("PRAGMA max_page_count = 200");
    const auto [committed, error] = write_until_it_fails(store, planned);
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_EQ(error.place, file.string());
    EXPECT_THAT(error.message, HasSubstr("the disk is full"));
    EXPECT_THAT(error.hint, HasSubstr("--resume"));
    safe = committed;
  }
  EXPECT_GT(safe, 10);
  expect_whole(safe);
  Store store = open();
  ExamplePlan example;
  EXPECT_TRUE(store.create_run(example.plan).has_value()) << "there is room again";
}

// The system itself refuses to write, in the middle of a commit.
TEST_F(RobustnessTest, AWriteThatTheSystemRefusesLosesNothing) {
  { open(); }
  const std::filesystem::path report = folder / "safe";
  const int status = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 20, 1 << 20};
    setrlimit(RLIMIT_FSIZE, &limit);
    Store store = open();
    ExamplePlan example;
    const auto [safe, error] = write_until_it_fails(store, store.create_run(example.plan).value());
    std::ofstream(report) << safe;
    return error.message.find("the system refused to read or write") == std::string::npos ? 1 : 0;
  });
  EXPECT_EQ(status, 0);
  const int64_t safe = std::stol(read_whole(report));
  EXPECT_GT(safe, 10);
  expect_whole(safe);
}

TEST_F(RobustnessTest, ALockedFileSaysWhoHoldsIt) {
  { open(); }
  int ready[2];
  int leave[2];
  ASSERT_EQ(pipe(ready) + pipe(leave), 0);
  const pid_t holder = fork();
  if (holder == 0) {
    sqlite3* handle = nullptr;
    sqlite3_open(file.c_str(), &handle);
    sqlite3_exec(handle, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr);
    char byte = 'r';
    _exit(write(ready[1], &byte, 1) == 1 && read(leave[0], &byte, 1) == 1 ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  Store store = Store::open(file, StoreAccess::write, std::chrono::milliseconds(50)).value();
  ExamplePlan example;
  const Result<Store::Planned> refused = store.create_run(example.plan);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("is locked by"));
  if (std::filesystem::exists("/proc/locks")) {
    EXPECT_THAT(refused.error().message, HasSubstr("process " + std::to_string(holder)));
  }
  EXPECT_TRUE(read_runs(store)->empty()) << "reading goes on";
  ASSERT_EQ(write(leave[1], &byte, 1), 1);
  waitpid(holder, nullptr, 0);
  for (const int end : {ready[0], ready[1], leave[0], leave[1]}) close(end);
  EXPECT_TRUE(store.create_run(example.plan).has_value());
}

// A new file whose creator holds it: the change of its journal must not wait many times over.
TEST_F(RobustnessTest, AFileLockedBeforeItHasTablesIsGivenUpAfterOneWait) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  const Result<Store> store = Store::open(file, StoreAccess::write, std::chrono::milliseconds(50));
  ASSERT_FALSE(store.has_value());
  EXPECT_THAT(store.error().message, HasSubstr("is locked by"));
  sqlite3_close(handle);
}

TEST_F(RobustnessTest, AFileThatCannotBeUsedKeepsEveryByte) {
  {
    Store store = open();
    ExamplePlan example;
    ASSERT_TRUE(store.create_run(example.plan).has_value());
  }
  const std::string whole = read_whole(file);
  std::string newer = whole;
  newer[63] = 99;  // the last byte of user_version in SQLite's header
  const std::map<std::string, std::string> contents = {
      {"newer sizeup", newer},
      {"not an SQLite database", "{\"this\": \"is JSON\"}" + std::string(2000, ' ')},
      {"damaged", whole.substr(0, whole.size() / 2 / 4096 * 4096)},
  };
  for (const auto& [message, content] : contents) {
    for (const StoreAccess access : {StoreAccess::read, StoreAccess::write}) {
      own.write("sizeup.db", content);
      Result<Store> store = Store::open(file, access);
      std::string said = store ? "" : store.error().message;
      if (store) {
        ExamplePlan example;
        Result<Store::Planned> planned = store->create_run(example.plan);
        said = planned ? "" : planned.error().message;
      }
      EXPECT_THAT(said, HasSubstr(message));
      store = tl::unexpected<Error>(Error{});  // closed
      EXPECT_EQ(read_whole(file), content) << message;
    }
  }
}

TEST_F(RobustnessTest, AFolderThatCannotBeWrittenIsSaid) {
  { open(); }
  std::filesystem::permissions(file, std::filesystem::perms(0444));
  std::filesystem::permissions(folder, std::filesystem::perms(0555));
  const std::filesystem::path absent = folder / "new.db";
  const int status = in_child([&] {
    if (geteuid() == 0 && setuid(65534) != 0) return 10;  // root may write anywhere
    Result<Store> made = Store::open(absent, StoreAccess::write);
    if (made || made.error().kind != ErrorKind::unavailable) return 1;
    Result<Store> written = Store::open(file, StoreAccess::write);
    if (written || written.error().kind != ErrorKind::unavailable) return 2;
    Result<Store> read = Store::open(file, StoreAccess::read);
    if (read) return 0;
    return read.error().message.find("cannot be") != std::string::npos ? 0 : 3;
  });
  std::filesystem::permissions(folder, std::filesystem::perms(0700));
  EXPECT_EQ(status, 0);
  EXPECT_THAT(query("PRAGMA integrity_check"), ElementsAre("ok"));
}

}  // namespace
}  // namespace sizeup
