#include "harness/run/machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include "core/json/json.h"
#include "core/threads/thread_pool.h"
#include "harness/run/cpu_info.h"

namespace sizeup {
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
