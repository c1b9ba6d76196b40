// Where cgroups are made: both versions of the interface, on folders that look like the kernel's.
#include "tasks/sandbox/cgroup.h"

#include <map>

#include "tests/tasks/sandbox/support.h"

namespace sizeup {
namespace {

class FakeCgroups {
 public:
  explicit FakeCgroups(const std::string& own) { folder_.write("own", own); }

  void folder(const std::string& name, const std::map<std::string, std::string>& files = {}) const {
    std::filesystem::create_directories(folder_.path() / "mount" / name);
    for (const auto& [file, content] : files) folder_.write("mount/" + name + "/" + file, content);
  }
  CgroupPaths paths() const { return {folder_.path() / "mount", folder_.path() / "own"}; }
  // The folders that look like ours.
  std::vector<std::string> made() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(paths().mount)) {
      if (entry.path().filename().string().starts_with("sizeup-sandbox-")) {
        out.push_back(std::filesystem::relative(entry.path(), paths().mount).parent_path());
      }
    }
    return out;
  }

 private:
  TemporaryFolder folder_;
};

// A made folder has no cgroup.procs here, which the kernel would have put there: the error is the same as for
// one that cannot be entered, and what was made is removed.
TEST(Cgroup, AFolderThatCannotBeEnteredIsRemoved) {
  const FakeCgroups fake("0::/a/b\n");
  fake.folder("", {{"cgroup.controllers", "memory pids"}, {"cgroup.subtree_control", "memory pids"}});
  const Result<Cgroup> cgroup = Cgroup::create(fake.paths());
  ASSERT_FALSE(cgroup);
  EXPECT_EQ(cgroup.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(cgroup.error().message, testing::HasSubstr("cannot be entered"));
  EXPECT_THAT(fake.made(), testing::IsEmpty());
}

TEST(Cgroup, WithoutControllersThereIsNone) {
  const FakeCgroups fake("0::/a\n");
  fake.folder("", {{"cgroup.controllers", "cpu"}, {"cgroup.subtree_control", "cpu"}});
  const Result<Cgroup> cgroup = Cgroup::create(fake.paths());
  ASSERT_FALSE(cgroup);
  EXPECT_THAT(describe(cgroup.error()), testing::HasSubstr("no cgroup with bounds"));
}

TEST(Cgroup, APathOutsideTheNamespaceIsNotFollowed) {
  const FakeCgroups fake("0::/../../other\n");
  fake.folder("", {{"cgroup.controllers", "memory pids"}, {"cgroup.subtree_control", ""}});
  fake.folder("other", {{"cgroup.subtree_control", "memory pids"}});
  EXPECT_FALSE(Cgroup::create(fake.paths()));
  EXPECT_THAT(fake.made(), testing::IsEmpty());
}

TEST(Cgroup, FoldersOfDeadProcessesAreRemovedThoseOfLivingOnesStay) {
  const FakeCgroups fake("0::/\n");
  fake.folder("", {{"cgroup.controllers", "memory pids"}, {"cgroup.subtree_control", "memory pids"}});
  constexpr int kNoProcess = 1 << 30;  // beyond the kernel's largest number
  fake.folder("sizeup-sandbox-" + std::to_string(kNoProcess) + "-0");
  fake.folder("sizeup-sandbox-1-0");
  EXPECT_FALSE(Cgroup::create(fake.paths()));
  EXPECT_FALSE(
      std::filesystem::exists(fake.paths().mount / ("sizeup-sandbox-" + std::to_string(kNoProcess) + "-0")));
  EXPECT_TRUE(std::filesystem::exists(fake.paths().mount / "sizeup-sandbox-1-0"));
}

TEST(Cgroup, OnThisMachine) {
  std::filesystem::path folder;
  {
    Result<Cgroup> cgroup = Cgroup::create({});
    if (!cgroup) GTEST_SKIP() << describe(cgroup.error());
    ASSERT_TRUE(cgroup->set_limits(64 << 20, 10));
    ASSERT_TRUE(cgroup->set_limits(128 << 20, 20));  // raised, and lowered again
    ASSERT_TRUE(cgroup->set_limits(32 << 20, 5));
    EXPECT_EQ(cgroup->events().memory, 0);
    EXPECT_EQ(cgroup->events().processes, 0);
    folder =
        std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(cgroup->entries()[0])).parent_path();
    EXPECT_TRUE(std::filesystem::exists(folder));
  }
  EXPECT_FALSE(std::filesystem::exists(folder));
}

}  // namespace
}  // namespace sizeup
