#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>

#include "core/memory/available_memory.h"
#include "core/memory/huge_buffer.h"
#include "tests/core/fake_root.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

bool is_zero(const HugeBuffer& buffer) {
  return std::all_of(buffer.data(), buffer.data() + buffer.size(),
                     [](std::byte byte) { return byte == std::byte{0}; });
}

TEST(HugeBuffer, IsZeroAlignedAndWritableToTheEnd) {
  for (const size_t size : {size_t{1}, size_t{4096}, HugeBuffer::kHugePage - 4096, HugeBuffer::kHugePage,
                            HugeBuffer::kHugePage + 1, 5 * HugeBuffer::kHugePage + 12345}) {
    HugeBuffer buffer(size);
    EXPECT_GE(buffer.size(), size);
    EXPECT_LT(buffer.size(), size + (64 << 10)) << "rounded up to ordinary pages";
    const size_t alignment = size < HugeBuffer::kHugePage ? 4096 : HugeBuffer::kHugePage;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % alignment, 0u) << size;
    EXPECT_TRUE(is_zero(buffer)) << size;
    std::fill_n(buffer.data(), buffer.size(), std::byte{7});
  }
}

TEST(HugeBuffer, MovesKeepTheAddress) {
  HugeBuffer first(3 * HugeBuffer::kHugePage);
  first.data()[HugeBuffer::kHugePage] = std::byte{5};
  const std::byte* address = first.data();
  HugeBuffer second(std::move(first));
  EXPECT_EQ(second.data(), address);
  HugeBuffer third;
  EXPECT_EQ(third.size(), 0u);
  third = std::move(second);
  EXPECT_EQ(third.data(), address);
  EXPECT_EQ(third.data()[HugeBuffer::kHugePage], std::byte{5});
}

long peak_resident_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(HugeBuffer, CostsNothingUntilItIsWritten) {
  const long before = peak_resident_kib();
  HugeBuffer buffer(size_t{2} << 30);
  buffer.data()[buffer.size() - 1] = std::byte{1};
  EXPECT_LT(peak_resident_kib() - before, 64 << 10);
}

TEST(HugeBuffer, RefusalsAreBadAlloc) {
  EXPECT_THROW(HugeBuffer(size_t{1} << 60), std::bad_alloc);
  constexpr size_t kMost = std::numeric_limits<size_t>::max();
  EXPECT_THROW(HugeBuffer{kMost}, std::bad_alloc);
}

TEST(HugePages, ReadsTheSystemsSetting) {
  EXPECT_TRUE(huge_pages_from("always [madvise] never\n").available);
  EXPECT_TRUE(huge_pages_from("[always] madvise never\n").available);
  const HugePages never = huge_pages_from("always madvise [never]\n");
  EXPECT_FALSE(never.available);
  EXPECT_THAT(never.note, HasSubstr("switched off"));
  EXPECT_FALSE(huge_pages_from("").available);
  EXPECT_THAT(huge_pages_from("").note, HasSubstr("has no"));
}

constexpr int64_t kMiB = int64_t{1} << 20;

class AvailableMemory : public FakeRoot {
 protected:
  AvailableMemory() {
    write("proc/meminfo", "MemTotal:       8388608 kB\nMemFree:  1 kB\nMemAvailable:    4194304 kB\n");
  }
};

TEST_F(AvailableMemory, IsTheMachinesWithoutGroups) {
  EXPECT_EQ(available_memory_below(root_), 4096 * kMiB);
  write("proc/meminfo", "MemTotal: 8388608 kB\n");
  EXPECT_EQ(available_memory_below(root_), std::nullopt);
}

TEST_F(AvailableMemory, IsWhatTheTightestGroupHasLeft) {
  write("proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  write("proc/self/cgroup", "0::/pod/job\n");
  write("sys/fs/cgroup/pod/job/memory.max", "max\n");
  write("sys/fs/cgroup/pod/job/memory.current", "1048576\n");
  EXPECT_EQ(available_memory_below(root_), 4096 * kMiB);
  write("sys/fs/cgroup/pod/memory.max", "2147483648\n");
  write("sys/fs/cgroup/pod/memory.current", "1610612736\n");
  EXPECT_EQ(available_memory_below(root_), 512 * kMiB);
  write("sys/fs/cgroup/pod/memory.stat", "anon 1\nfile 536870912\ninactive_file 268435456\n");
  EXPECT_EQ(available_memory_below(root_), 768 * kMiB) << "files' pages that can be dropped are not used";
  write("sys/fs/cgroup/pod/job/memory.max", "2097152\n");
  EXPECT_EQ(available_memory_below(root_), 1 * kMiB);
  write("sys/fs/cgroup/pod/job/memory.current", "4194304\n");
  EXPECT_EQ(available_memory_below(root_), 0) << "a limit that was lowered below the usage";
}

TEST_F(AvailableMemory, ReadsVersion1) {
  write("proc/self/mountinfo", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  write("proc/self/cgroup", "4:memory:/batch\n0::/\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", "5000000000\n");
  write("sys/fs/cgroup/memory/batch/memory.limit_in_bytes", "1073741824\n");
  write("sys/fs/cgroup/memory/batch/memory.usage_in_bytes", "536870912\n");
  write("sys/fs/cgroup/memory/batch/memory.stat", "inactive_file 1\ntotal_inactive_file 104857600\n");
  EXPECT_EQ(available_memory_below(root_), 612 * kMiB);
}

TEST(AvailableMemoryHere, IsPositive) {
  if (!std::filesystem::exists("/proc/meminfo")) GTEST_SKIP() << "no /proc/meminfo";
  EXPECT_GT(available_memory().value_or(0), 0);
}

}  // namespace
}  // namespace sizeup
