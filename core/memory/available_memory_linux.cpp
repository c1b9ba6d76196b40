#include "core/io/control_groups.h"
#include "core/memory/available_memory.h"

namespace sizeup {

std::optional<int64_t> available_memory() {
  return available_memory_below("/");
}

HugePages huge_pages() {
  return huge_pages_from(read_first_line("/sys/kernel/mm/transparent_hugepage/enabled").value_or(""));
}

}  // namespace sizeup
