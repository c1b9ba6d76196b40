#include "tasks/sandbox/launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sizeup {
namespace {

// Everything that the child reads, made before it exists. It shares our memory, so it answers in `error`.
struct ChildPlan {
  const char* path = nullptr;
  char* const* arguments = nullptr;
  std::span<const PassedDescriptor> descriptors;
  std::span<const int> cgroup_entries;
  std::optional<uid_t> user;
  pid_t parent = 0;
  int error = 0;
  const char* step = "";
};

constexpr size_t kChildStackBytes = size_t{64}
                                    << 10;  // a few frames; the largest object on it is a signal action

// Raw calls for credentials: the C library's would ask every thread of this process to change too.
long become(uid_t user) {
  if (const long failed = syscall(SYS_setgroups, 0, nullptr); failed != 0) return failed;
  if (const long failed = syscall(SYS_setresgid, user, user, user); failed != 0) return failed;
  return syscall(SYS_setresuid, user, user, user);
}

int fail(ChildPlan& plan, const char* step) {
  plan.error = errno;
  plan.step = step;
  return 127;
}

// Runs in the child, which has this process's memory and a table of descriptors of its own.
int run_child(void* argument) {
  auto& plan = *static_cast<ChildPlan*>(argument);
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &standard, nullptr);
  for (const int entry : plan.cgroup_entries) {
    if (write(entry, "0", 1) != 1) return fail(plan, "enter the cgroup");
  }
  int highest = -1;
  for (const PassedDescriptor& passed : plan.descriptors) {
    if (dup2(passed.ours, passed.theirs) < 0) return fail(plan, "pass a descriptor");
    highest = passed.theirs > highest ? passed.theirs : highest;
  }
  if (syscall(SYS_close_range, highest + 1, ~0U, 0) != 0) return fail(plan, "close descriptors (Linux 5.9)");
  if (chdir("/") != 0) return fail(plan, "leave the working folder");
  setsid();
  if (plan.user && become(*plan.user) != 0) return fail(plan, "become an unprivileged user");
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() != plan.parent) return 127;  // it died before it could have killed us
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::array<char*, 1> environment = {nullptr};
  execve(plan.path, plan.arguments, environment.data());
  return fail(plan, "start");
}

}  // namespace

Descriptor move_up(Descriptor descriptor) {
  if (!descriptor || descriptor.get() >= kFirstOwnDescriptor) return descriptor;
  return Descriptor(fcntl(descriptor.get(), F_DUPFD_CLOEXEC, kFirstOwnDescriptor));
}

Result<Child> launch(const Launch& launch) {
  std::vector<std::string> words = launch.command;
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ChildPlan plan;
  plan.path = arguments[0];
  plan.arguments = arguments.data();
  plan.descriptors = launch.descriptors;
  plan.cgroup_entries = launch.cgroup_entries;
  plan.user = launch.user;
  plan.parent = getpid();

  // No handler of ours may run in the child while it shares our memory.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::vector<char> stack(kChildStackBytes);
  int handle = -1;
  const int pid = clone(run_child, stack.data() + stack.size(),
                        CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &plan, &handle);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    return unavailable(launch.command[0], fmt::format("no process can be started: {}", std::strerror(error)));
  }
  Child child{pid, Descriptor(handle)};
  if (plan.error == 0) return child;
  siginfo_t ended = {};
  waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED);
  return unavailable(launch.command[0], fmt::format("cannot {}: {}", plan.step, std::strerror(plan.error)));
}

}  // namespace sizeup
