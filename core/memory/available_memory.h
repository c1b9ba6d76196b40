// What this process may expect of the machine's memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sizeup {

// Bytes this process may still use without being refused, killed or swapping: the least of what the machine
// has left (MemAvailable) and of what each control group around it has left (its limit minus its usage). What
// the system can drop at once, the pages of files not used lately, doesn't count as used; a group's files
// that are in use do, so that this is rather too little than too much. Nothing if the system doesn't say.
// Everything is looked for below `root`.
std::optional<int64_t> available_memory(const std::filesystem::path& root = "/");

// Whether HugeBuffer gets huge pages here, and a sentence for people.
struct HugePages {
  bool available = false;
  std::string note;
};

// From the text of /sys/kernel/mm/transparent_hugepage/enabled: "always [madvise] never".
HugePages huge_pages_from(std::string_view setting);

// Of this machine.
HugePages huge_pages();

}  // namespace sizeup
