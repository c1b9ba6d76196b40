#include "tasks/sandbox/bubblewrap.h"

namespace sizeup {
namespace {

// Shared memory of the C library and Python's multiprocessing: semaphores, not data.
constexpr int64_t kSharedMemoryBytes = int64_t{1} << 20;
constexpr int kOpenFiles = 256;
constexpr int kCpuGraceSeconds = 1;  // from the signal that names the bound to the one that nobody can catch
constexpr int kOwnProcesses = 1;     // bubblewrap's first process inside
constexpr int kCgroupFirst = 16;  // where a cgroup counts too, it is to be the one that refuses: it tells us

}  // namespace

std::vector<std::string> bubblewrap_command(const std::string& bubblewrap, const SandboxProgram& program,
                                            bool has_cgroup) {
  const SandboxLimits& limits = program.limits;
  std::vector<std::string> out = {bubblewrap};
  const auto add = [&out](std::initializer_list<std::string> words) { out.insert(out.end(), words); };
  // Every namespace; user namespaces inside are off, because they open the kernel's least tested doors.
  add({"--unshare-user", "--disable-userns", "--unshare-ipc", "--unshare-pid", "--unshare-net",
       "--unshare-uts", "--unshare-cgroup-try"});
  add({"--die-with-parent", "--new-session", "--cap-drop", "ALL"});
  add({"--json-status-fd", std::to_string(kStatusDescriptor)});
  // Hash order is fixed: the same program gives the same verdict on every run.
  add({"--clearenv", "--setenv", "PATH", "/usr/bin", "--setenv", "HOME", "/tmp", "--setenv", "LC_ALL",
       "C.UTF-8", "--setenv", "PYTHONHASHSEED", "0", "--setenv", "OMP_NUM_THREADS", "1"});
  // Programs and libraries, no /etc, no /proc, no /home. Of /dev what cannot do harm.
  add({"--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib",
       "--symlink", "usr/lib64", "/lib64"});
  add({"--dir", "/dev"});
  for (const char* device : {"/dev/null", "/dev/zero", "/dev/urandom"}) add({"--dev-bind", device, device});
  add({"--size", std::to_string(kSharedMemoryBytes), "--tmpfs", "/dev/shm"});
  add({"--size", std::to_string(limits.file_bytes), "--tmpfs", "/tmp", "--chdir", "/tmp"});
  for (size_t i = 0; i < program.files.size(); ++i) {
    add({"--file", std::to_string(kFirstFileDescriptor + static_cast<int>(i)),
         "/tmp/" + program.files[i].name});
  }
  add({"--remount-ro", "/"});
  // The limits are set in the new user namespace: there the number of processes is counted for this program
  // alone, not together with everything else that the user runs.
  add({"--", "/usr/bin/prlimit", "--core=0", "--nofile=" + std::to_string(kOpenFiles),
       "--nproc=" + std::to_string(limits.processes + kOwnProcesses + (has_cgroup ? kCgroupFirst : 0)),
       "--fsize=" + std::to_string(limits.file_bytes),
       "--cpu=" + std::to_string(limits.cpu_seconds) + ":" +
           std::to_string(limits.cpu_seconds + kCpuGraceSeconds)});
  if (!has_cgroup) out.push_back("--as=" + std::to_string(limits.memory_bytes));
  out.push_back("--");
  out.insert(out.end(), program.command.begin(), program.command.end());
  return out;
}

}  // namespace sizeup
