#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "harness/run/cpu_info.h"

namespace sizeup {
namespace {

constexpr std::array kFlags = {"avx2",     "fma",      "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16",
                               "amx_bf16", "amx_int8", "asimd",   "asimddp",  "bf16"};

}  // namespace

// The first processor of /proc/cpuinfo.
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

}  // namespace sizeup
