#include "core/threads/processors.h"

#include <gtest/gtest.h>

#include "tests/core/fake_root.h"

namespace sizeup {
namespace {

constexpr const char* kMount =
    "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

using ProcessorQuota = FakeRoot;

TEST_F(ProcessorQuota, SmallestOfOwnAndParentGroups) {
  write("proc/self/mountinfo", kMount);
  write("proc/self/cgroup", "0::/pod/job\n");
  EXPECT_EQ(processor_quota(root_), std::nullopt);
  write("sys/fs/cgroup/pod/job/cpu.max", "max 100000\n");
  EXPECT_EQ(processor_quota(root_), std::nullopt);
  write("sys/fs/cgroup/pod/cpu.max", "150000 100000\n");
  EXPECT_EQ(processor_quota(root_), 1.5);
  write("sys/fs/cgroup/pod/job/cpu.max", "400000 100000\n");
  EXPECT_EQ(processor_quota(root_), 1.5);
  write("sys/fs/cgroup/pod/job/cpu.max", "50000 100000\n");
  EXPECT_EQ(processor_quota(root_), 0.5);
}

TEST_F(ProcessorQuota, Version1) {
  write("proc/self/mountinfo", "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n");
  write("proc/self/cgroup", "1:cpu:/batch\n");
  write("sys/fs/cgroup/cpu/batch/cpu.cfs_period_us", "50000\n");
  write("sys/fs/cgroup/cpu/batch/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(processor_quota(root_), std::nullopt);
  write("sys/fs/cgroup/cpu/batch/cpu.cfs_quota_us", "100000\n");
  EXPECT_EQ(processor_quota(root_), 2.0);
}

TEST_F(ProcessorQuota, FilesThatMakeNoSenseAreNoQuota) {
  write("proc/self/mountinfo", kMount);
  write("proc/self/cgroup", "0::/\n");
  for (const char* text : {"", "50000", "50000 0", "-1 100000", "lots 100000", "nan 100000"}) {
    write("sys/fs/cgroup/cpu.max", text);
    EXPECT_EQ(processor_quota(root_), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace sizeup
