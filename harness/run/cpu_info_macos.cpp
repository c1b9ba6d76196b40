#include <sys/sysctl.h>

#include "harness/run/cpu_info.h"

namespace sizeup {
namespace {

struct Flag {
  const char* name;
  const char* asked;
};
constexpr Flag kFlags[] = {
    {"avx2", "hw.optional.avx2_0"},        {"fma", "hw.optional.fma"},
    {"avx512f", "hw.optional.avx512f"},    {"avx512bw", "hw.optional.avx512bw"},
    {"asimd", "hw.optional.AdvSIMD"},      {"asimddp", "hw.optional.arm.FEAT_DotProd"},
    {"bf16", "hw.optional.arm.FEAT_BF16"},
};

std::string text_of(const char* name) {
  size_t bytes = 0;
  if (sysctlbyname(name, nullptr, &bytes, nullptr, 0) != 0) return "";
  std::string text(bytes, '\0');
  if (sysctlbyname(name, text.data(), &bytes, nullptr, 0) != 0) return "";
  return text.c_str();  // up to the zero that it ends with
}

bool has(const char* name) {
  int there = 0;
  size_t bytes = sizeof there;
  return sysctlbyname(name, &there, &bytes, nullptr, 0) == 0 && there != 0;
}

}  // namespace

CpuInfo read_cpu_info() {
  CpuInfo info;
  info.model = text_of("machdep.cpu.brand_string");
  for (const Flag& flag : kFlags) {
    if (has(flag.asked)) info.flags.emplace_back(flag.name);
  }
  return info;
}

}  // namespace sizeup
