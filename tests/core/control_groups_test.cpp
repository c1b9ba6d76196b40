#include "core/io/control_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/fake_root.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using ControlGroups = FakeRoot;

constexpr const char* kVersion2Mount =
    "25 1 0:22 / /proc rw - proc proc rw\n"
    "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST_F(ControlGroups, OwnGroupAndAllAboveInVersion2) {
  write("proc/self/mountinfo", kVersion2Mount);
  write("proc/self/cgroup", "0::/user.slice/job.service\n");
  EXPECT_THAT(control_groups("cpu", root_),
              ElementsAre(ControlGroup{root_ / "sys/fs/cgroup/user.slice/job.service", 2},
                          ControlGroup{root_ / "sys/fs/cgroup/user.slice", 2},
                          ControlGroup{root_ / "sys/fs/cgroup", 2}));
}

TEST_F(ControlGroups, Version1ByController) {
  write("proc/self/mountinfo",
        "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  write("proc/self/cgroup", "4:memory:/batch/7\n3:cpuset:/other\n1:cpu,cpuacct:/batch\n");
  EXPECT_THAT(control_groups("cpu", root_),
              ElementsAre(ControlGroup{root_ / "sys/fs/cgroup/cpu,cpuacct/batch", 1},
                          ControlGroup{root_ / "sys/fs/cgroup/cpu,cpuacct", 1}));
  EXPECT_THAT(control_groups("memory", root_), testing::SizeIs(3));
}

// Docker without a namespace of its own: the path is the system's, the mount shows the container's group as
// its top.
TEST_F(ControlGroups, MountWhoseTopIsTheContainersGroup) {
  write("proc/self/mountinfo",
        "35 31 0:32 /docker/a1b2 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  write("proc/self/cgroup", "4:memory:/docker/a1b2/inner\n");
  EXPECT_THAT(control_groups("memory", root_),
              ElementsAre(ControlGroup{root_ / "sys/fs/cgroup/memory/inner", 1},
                          ControlGroup{root_ / "sys/fs/cgroup/memory", 1}));
}

TEST_F(ControlGroups, GroupOutsideOfTheMountIsReadAtItsTop) {
  for (const char* path : {"/../other", "/elsewhere", "/"}) {
    write("proc/self/mountinfo", "31 23 0:28 /docker/a1b2 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    write("proc/self/cgroup", std::string("0::") + path + "\n");
    EXPECT_THAT(control_groups("cpu", root_), ElementsAre(ControlGroup{root_ / "sys/fs/cgroup", 2})) << path;
  }
}

TEST_F(ControlGroups, NoneWithoutFilesOrInOddOnes) {
  EXPECT_THAT(control_groups("cpu", root_), IsEmpty());
  write("proc/self/mountinfo", "\n - \n31 23 - cgroup2\n");
  write("proc/self/cgroup", "0::/a\nnonsense\n::\n");
  EXPECT_THAT(control_groups("cpu", root_), IsEmpty());
}

}  // namespace
}  // namespace sizeup
