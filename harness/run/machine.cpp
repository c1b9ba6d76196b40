#include "harness/run/machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "core/json/json.h"
#include "core/threads/thread_pool.h"

namespace sizeup {
namespace {

// Those that a device tier or a weight format asks for.
constexpr std::array kFlags = {"avx2",        "fma",      "avx512f",  "avx512bw", "avx512_vnni",
                               "avx512_bf16", "amx_bf16", "amx_int8", "asimd",    "asimddp"};

struct CpuInfo {
  std::string model;
  std::vector<std::string> flags;
};

// The first processor of /proc/cpuinfo; empty on systems without it.
CpuInfo read_cpu_info() {
  CpuInfo info;
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || colon + 2 > line.size()) continue;
    const std::string value = line.substr(std::min(colon + 2, line.size()));
    if (line.starts_with("model name")) info.model = value;
    if (!line.starts_with("flags") && !line.starts_with("Features")) continue;
    std::istringstream words(value);
    for (std::string word; words >> word;) {
      if (std::find(kFlags.begin(), kFlags.end(), word) != kFlags.end()) info.flags.push_back(word);
    }
  }
  return info;
}

}  // namespace

std::string describe_machine() {
  const CpuInfo cpu = read_cpu_info();
  utsname system{};
  uname(&system);
  const int64_t pages = sysconf(_SC_PHYS_PAGES);
  const int64_t page_bytes = sysconf(_SC_PAGESIZE);
  const Json json = {{"cpu", cpu.model.empty() ? std::string(system.machine) : cpu.model},
                     {"cores", ThreadPool::available_processors()},
                     {"memory_bytes", pages > 0 && page_bytes > 0 ? pages * page_bytes : 0},
                     {"os", std::string(system.sysname) + " " + system.release},
                     {"flags", cpu.flags}};
  return to_line(json);
}

}  // namespace sizeup
