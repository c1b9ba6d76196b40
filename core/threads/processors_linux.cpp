#include <sched.h>

#include <algorithm>
#include <thread>

#include "core/threads/processors.h"

namespace sizeup {

int allowed_processors() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace sizeup
