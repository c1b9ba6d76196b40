#include <sys/sysctl.h>

#include <algorithm>
#include <thread>

#include "core/threads/processors.h"

namespace sizeup {

int allowed_processors() {
  int fast = 0;
  size_t bytes = sizeof fast;
  if (sysctlbyname("hw.perflevel0.logicalcpu", &fast, &bytes, nullptr, 0) == 0 && fast > 0) return fast;
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace sizeup
