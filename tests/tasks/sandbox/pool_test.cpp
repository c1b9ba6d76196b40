// The pool: refused where the walls do not hold, quick, and gone without a trace.
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <chrono>

#include "tests/tasks/sandbox/support.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

std::string refusal(const SandboxSettings& settings) {
  const Result<std::unique_ptr<SandboxPool>> pool = SandboxPool::open(settings);
  if (pool) return "";
  EXPECT_EQ(pool.error().kind, ErrorKind::unavailable);
  return describe(pool.error());
}

std::filesystem::path script(const TemporaryFolder& folder, const std::string& text) {
  const std::filesystem::path path = folder.write("bwrap", "#!/bin/bash\n" + text);
  std::filesystem::permissions(path, std::filesystem::perms(0755));
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  return path;
}

TEST(Refused, WithoutBubblewrap) {
  SandboxSettings settings;
  settings.bubblewrap = "/nowhere/bwrap";
  EXPECT_THAT(refusal(settings),
              testing::AllOf(HasSubstr("/nowhere/bwrap"), HasSubstr("apt-get install bubblewrap")));
}

TEST(Refused, WhereNamespacesAre) {
  const TemporaryFolder folder;
  SandboxSettings settings;
  settings.bubblewrap = script(folder, "echo 'bwrap: No permissions to create new namespace' >&2; exit 1\n");
  EXPECT_THAT(refusal(settings), HasSubstr("No permissions to create new namespace"));
}

// A sandbox that is none: it starts the program as it is.
TEST(Refused, WhenTheWallsDoNotHold) {
  const TemporaryFolder folder;
  SandboxSettings settings;
  settings.cgroups = false;
  settings.bubblewrap = script(folder, R"py(
while [ "$1" != -- ]; do shift; done
shift
echo '{ "child-pid": 0 }' >&4
"$@"
status=$?
echo '{ "exit-code": 0 }' >&4
exit $status
)py");
  EXPECT_THAT(refusal(settings), HasSubstr("this machine's network can be reached"));
}

TEST(Refused, BelowTheLevelThatIsNeeded) {
  if (!test::open_pool(SandboxLevel::bubblewrap)) GTEST_SKIP() << "no sandbox here";
  SandboxSettings settings;
  settings.needed = SandboxLevel::bubblewrap_cgroup;
  settings.cgroups = false;
  EXPECT_THAT(refusal(settings), HasSubstr("cgroups were not asked for"));
}

class Pool : public testing::Test {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<SandboxPool>> pool = SandboxPool::open({});
    if (!pool) GTEST_SKIP() << describe(pool.error());
    pool_ = std::move(*pool);
  }
  std::unique_ptr<SandboxPool> pool_;
};

size_t open_descriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST_F(Pool, ResultsComeInTheOrderOfThePrograms) {
  std::vector<SandboxProgram> programs;
  for (int i = 0; i < 12; ++i) programs.push_back(test::python("print(" + std::to_string(i) + ")"));
  const auto outcomes = pool_->run_all(programs);
  ASSERT_EQ(outcomes.size(), 12U);
  for (int i = 0; i < 12; ++i)
    EXPECT_EQ(outcomes[static_cast<size_t>(i)].value().output, std::to_string(i) + "\n");
}

TEST_F(Pool, NothingIsLeftOpenOrUnburied) {
  while (waitpid(-1, nullptr, WNOHANG) > 0) continue;  // what other tests have left
  const size_t before = open_descriptors();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(pool_->run(test::python("print(1)")));
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a process of the sandbox was not buried";
  EXPECT_EQ(errno, ECHILD);
  pool_.reset();
  EXPECT_LE(open_descriptors(), before);
}

// More than there are places, each used many times; how fast that is, benchmarks/sandbox.cpp measures.
TEST_F(Pool, ManySmallPrograms) {
  SandboxProgram program;
  program.command = {"/usr/bin/true"};
  for (const auto& outcome : pool_->run_all(std::vector<SandboxProgram>(100, program))) {
    ASSERT_TRUE(outcome) << describe(outcome.error());
    ASSERT_EQ(outcome->code, 0) << outcome->errors;
  }
}

TEST_F(Pool, MoreThreadsThanPlaces) {
  std::vector<std::jthread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 3; ++k)
        right += pool_->run(test::python("print(7)")).value().output == "7\n" ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(right, 24);
}

// The program outlives its tester by not even a moment worth naming, and the next one tidies up.
TEST_F(Pool, AKilledTesterTakesItsProgramsAlong) {
  const std::string marker = test::unique_marker();
  SandboxProgram program;
  program.command = {"/usr/bin/python3", "-c", "import time; time.sleep(60)", marker};
  program.limits.wall = std::chrono::seconds(60);
  const pid_t tester = fork();
  if (tester == 0) {
    Result<std::unique_ptr<SandboxPool>> pool = SandboxPool::open({});
    if (pool) (void)(*pool)->run(program);
    _exit(0);
  }
  bool started = false;
  for (int i = 0; i < 1000 && !started; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    // Bubblewrap, its first process inside and the program. The first inside binds its life to bubblewrap's
    // only after it has started the program, so that a tester killed in that instant would leave both behind,
    // contained and bounded as ever: once all three sleep, they are bound.
    started = test::states_of(marker) == "SSS";
  }
  EXPECT_TRUE(started);
  kill(tester, SIGKILL);
  waitpid(tester, nullptr, 0);
  EXPECT_TRUE(test::vanishes(marker));
}

}  // namespace
}  // namespace sizeup
