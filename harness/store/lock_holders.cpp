#include "harness/store/lock_holders.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace sizeup {
namespace {

// The file itself and those beside it that SQLite locks.
std::set<std::string> locked_files(const std::string& file) {
  std::error_code ignored;
  const std::filesystem::path whole = std::filesystem::weakly_canonical(file, ignored);
  std::set<std::string> files;
  for (const char* ending : {"", "-shm", "-wal"}) files.insert(whole.string() + ending);
  return files;
}

// File systems in layers give one file several numbers, so a process counts only if it has the file open.
bool has_open(const std::string& process, const std::set<std::string>& files) {
  std::error_code failed;
  std::filesystem::directory_iterator descriptors("/proc/" + process + "/fd", failed);
  for (; !failed && descriptors != std::filesystem::directory_iterator(); descriptors.increment(failed)) {
    std::error_code gone;
    if (files.contains(std::filesystem::read_symlink(descriptors->path(), gone).string())) return true;
  }
  return false;
}

}  // namespace

std::string lock_holders(const std::string& file) {
  const std::set<std::string> files = locked_files(file);
  std::set<std::string> seen;
  std::string holders;
  std::ifstream locks("/proc/locks");
  // "1: POSIX  ADVISORY  WRITE 1234 fd:01:131 120 120"
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, mode, access, process;
    words >> number >> kind >> mode >> access >> process;
    if (kind != "POSIX" || access != "WRITE" || process == std::to_string(getpid())) continue;
    if (!seen.insert(process).second || !has_open(process, files)) continue;
    std::string name;
    std::getline(std::ifstream("/proc/" + process + "/comm"), name);
    holders += fmt::format("{}process {} ({})", holders.empty() ? "" : ", ", process, name);
  }
  return holders;
}

}  // namespace sizeup
