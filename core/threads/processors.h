// How much of the machine's processors this process may use.
#pragma once

#include <filesystem>
#include <optional>

namespace sizeup {

// Processors that the affinity mask allows (taskset, cpusets), at least 1. On macOS, which has no masks, the
// fast ones of a machine with two kinds: work in equal parts would wait for the slow ones.
int allowed_processors();

// The smallest CPU quota of the control groups this process is in, in processors: 1.5 is 150 ms of computing
// in each 100 ms. Nothing if there is none. The groups are looked for below `root`.
std::optional<double> processor_quota(const std::filesystem::path& root = "/");

}  // namespace sizeup
