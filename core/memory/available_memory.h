// What this process may expect of the machine's memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sizeup {

// Bytes this process may still use without being refused, killed or swapping. What the system can drop at
// once, the pages of files not used lately, doesn't count as used. Nothing if the system doesn't say.
std::optional<int64_t> available_memory();

// On Linux: the least of what the machine has left (MemAvailable) and of what each control group around this
// process has left (its limit minus its usage). A group's files that are in use count as used, so that this
// is rather too little than too much. Everything is looked for below `root`.
std::optional<int64_t> available_memory_below(const std::filesystem::path& root);

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
