#include <mach/mach.h>
#include <sys/sysctl.h>
#include <unistd.h>

#include <algorithm>

#include "core/memory/available_memory.h"

namespace sizeup {
namespace {

std::optional<int64_t> memory_size() {
  int64_t size = 0;
  size_t bytes = sizeof size;
  if (sysctlbyname("hw.memsize", &size, &bytes, nullptr, 0) != 0) return std::nullopt;
  return size;
}

// What Activity Monitor calls used: of programs, wired and compressed, without what programs let be taken.
std::optional<int64_t> used_memory() {
  vm_statistics64_data_t pages{};
  mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
  const mach_port_t host = mach_host_self();
  const kern_return_t failed =
      host_statistics64(host, HOST_VM_INFO64, reinterpret_cast<host_info64_t>(&pages), &count);
  mach_port_deallocate(mach_task_self(), host);
  if (failed != KERN_SUCCESS) return std::nullopt;
  const int64_t programs = int64_t{pages.internal_page_count} - int64_t{pages.purgeable_count};
  return (programs + pages.wire_count + pages.compressor_page_count) * sysconf(_SC_PAGESIZE);
}

}  // namespace

std::optional<int64_t> available_memory() {
  const std::optional<int64_t> size = memory_size();
  const std::optional<int64_t> used = used_memory();
  if (!size || !used) return std::nullopt;
  return std::max<int64_t>(0, *size - *used);
}

HugePages huge_pages() {
  return {false, "macOS gives programs no huge pages"};
}

}  // namespace sizeup
