#include "tasks/sandbox/run_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "tasks/sandbox/bubblewrap.h"
#include "tasks/sandbox/launch.h"

namespace sizeup {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr size_t kReadBytes = size_t{64} << 10;  // a pipe's capacity
constexpr size_t kMostStatusBytes = 4096;        // bubblewrap writes a few hundred
constexpr size_t kMostTokenBytes = 256;
constexpr milliseconds kDeathBound{10'000};  // a killed tree is gone in milliseconds, unless the kernel hangs
constexpr int kCgroupOwnProcesses = 2;       // bubblewrap itself and its first process inside count there

tl::unexpected<Error> system_failure(const char* what) {
  return unavailable("sandbox", fmt::format("{}: {}", what, std::strerror(errno)));
}

// The system calls themselves: the C library's header for them cannot be used from C++ everywhere.
Descriptor process_handle(pid_t pid) {
  return Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

void kill_process(const Descriptor& handle) {
  syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0);
}

// Reads what is there; false at the end of the stream.
bool read_some(int descriptor, std::string& out) {
  std::array<char, kReadBytes> buffer;
  const ssize_t count = read(descriptor, buffer.data(), buffer.size());
  if (count > 0) out.append(buffer.data(), static_cast<size_t>(count));
  return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

// One stream from the sandbox to us.
struct Stream {
  Descriptor ours;
  Descriptor theirs;
  std::string text;

  static Result<Stream> open() {
    std::array<int, 2> ends;
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return system_failure("no pipe");
    Stream stream{move_up(Descriptor(ends[0])), move_up(Descriptor(ends[1])), {}};
    if (!stream.ours || !stream.theirs) return system_failure("no pipe");
    fcntl(stream.ours.get(), F_SETFL, O_NONBLOCK);
    return stream;
  }
};

// Content that is read from the start, kept in memory.
Result<Descriptor> memory_file(const std::string& content) {
  Descriptor file = move_up(Descriptor(memfd_create("sizeup", MFD_CLOEXEC)));
  if (!file) return system_failure("no memory file");
  for (size_t done = 0; done < content.size();) {
    const ssize_t count = write(file.get(), content.data() + done, content.size() - done);
    if (count <= 0) return system_failure("no memory file");
    done += static_cast<size_t>(count);
  }
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

class ProgramRun {
 public:
  ProgramRun(SandboxPlace& place, const SandboxProgram& program) : place_(place), program_(program) {}
  ProgramRun(const ProgramRun&) = delete;
  ProgramRun& operator=(const ProgramRun&) = delete;

  Result<SandboxOutcome> run() {
    if (Result<void> opened = open(); !opened) return forward_error(opened);
    if (place_.cgroup) {
      const SandboxLimits& limits = program_.limits;
      Result<void> set =
          place_.cgroup->set_limits(limits.memory_bytes, limits.processes + kCgroupOwnProcesses);
      if (!set) return forward_error(set);
      before_ = place_.cgroup->events();
    }
    const Clock::time_point start = Clock::now();
    if (Result<void> started = start_bubblewrap(); !started) return forward_error(started);
    watch(start + program_.limits.wall);
    Result<void> dead = end_all();
    outcome_.wall = std::chrono::duration_cast<milliseconds>(Clock::now() - start);
    if (!dead) return forward_error(dead);
    take_rest();
    return judge();
  }

 private:
  Result<void> open() {
    for (Stream* stream : {&output_, &errors_, &status_}) {
      Result<Stream> opened = Stream::open();
      if (!opened) return forward_error(opened);
      *stream = std::move(*opened);
    }
    std::array<int, 2> ends;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
      return system_failure("no socket");
    token_.ours = move_up(Descriptor(ends[0]));
    token_.theirs = move_up(Descriptor(ends[1]));
    if (send(token_.ours.get(), program_.token.data(), program_.token.size(), MSG_NOSIGNAL) < 0) {
      return system_failure("no token");
    }
    shutdown(token_.ours.get(), SHUT_WR);
    Result<Descriptor> input = memory_file(program_.input);
    if (!input) return forward_error(input);
    input_ = std::move(*input);
    for (const SandboxFile& file : program_.files) {
      Result<Descriptor> content = memory_file(file.content);
      if (!content) return forward_error(content);
      files_.push_back(std::move(*content));
    }
    return {};
  }

  Result<void> start_bubblewrap() {
    Launch start;
    start.command = bubblewrap_command(place_.bubblewrap, program_, place_.cgroup.has_value());
    start.descriptors = {{input_.get(), STDIN_FILENO},
                         {output_.theirs.get(), STDOUT_FILENO},
                         {errors_.theirs.get(), STDERR_FILENO},
                         {token_.theirs.get(), kTokenDescriptor},
                         {status_.theirs.get(), kStatusDescriptor}};
    for (size_t i = 0; i < files_.size(); ++i) {
      start.descriptors.push_back({files_[i].get(), kFirstFileDescriptor + static_cast<int>(i)});
    }
    if (place_.cgroup) start.cgroup_entries = place_.cgroup->entries();
    start.user = place_.user;
    Result<Child> child = launch(start);
    if (!child) return forward_error(child);
    bubblewrap_ = std::move(*child);
    for (Stream* stream : {&output_, &errors_, &status_, &token_}) stream->theirs.close();
    return {};
  }

  // Until bubblewrap has ended, or a bound is reached.
  void watch(Clock::time_point deadline) {
    for (;;) {
      const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) {
        stopped_ = SandboxEnd::wall_time;
        return;
      }
      std::array<pollfd, 4> waits = {
          pollfd{bubblewrap_.handle.get(), POLLIN, 0}, pollfd{output_.ours.get(), POLLIN, 0},
          pollfd{errors_.ours.get(), POLLIN, 0}, pollfd{status_.ours.get(), POLLIN, 0}};
      if (poll(waits.data(), waits.size(), static_cast<int>(left.count())) < 0) continue;
      for (const auto& [wait, stream] :
           {std::pair{&waits[1], &output_}, std::pair{&waits[2], &errors_}, std::pair{&waits[3], &status_}}) {
        if (wait->revents != 0 && !read_some(stream->ours.get(), stream->text)) stream->ours.close();
      }
      note_inner();
      if (too_much()) {
        stopped_ = SandboxEnd::output;
        return;
      }
      if (waits[0].revents != 0) return;
    }
  }

  bool too_much() const {
    return output_.text.size() + errors_.text.size() > static_cast<size_t>(program_.limits.output_bytes) ||
           status_.text.size() > kMostStatusBytes;
  }

  // The first process inside, by the number that bubblewrap reports: when it has ended, so have all others.
  void note_inner() {
    constexpr std::string_view kName = "\"child-pid\": ";
    const size_t at = status_.text.find(kName);
    if (inner_noted_ || at == std::string::npos) return;
    const auto pid = static_cast<pid_t>(std::strtol(status_.text.c_str() + at + kName.size(), nullptr, 10));
    inner_noted_ = true;
    if (pid > 1) inner_ = process_handle(pid);
  }

  Result<void> end_all() {
    if (inner_) kill_process(inner_);
    // Bubblewrap reports the status of a program that has ended; only one that was stopped is killed.
    if (stopped_) kill_process(bubblewrap_.handle);
    for (const Descriptor* process : {&bubblewrap_.handle, &inner_}) {
      if (!*process) continue;
      pollfd wait{process->get(), POLLIN, 0};
      int ready = 0;
      do ready = poll(&wait, 1, static_cast<int>(kDeathBound.count()));
      while (ready < 0 && errno == EINTR);
      if (ready != 1) return unavailable("sandbox", "a killed program does not end");
    }
    if (waitid(P_PID, static_cast<id_t>(bubblewrap_.pid), &ended_, WEXITED) != 0)
      return system_failure("no exit status");
    // The first process inside is ours to bury now (see SandboxPool::open): until then it counts in its
    // cgroup.
    siginfo_t buried = {};
    if (inner_) waitid(P_PIDFD, static_cast<id_t>(inner_.get()), &buried, WEXITED);
    return {};
  }

  // Nobody writes any more: what is left in the pipes, within the bound.
  void take_rest() {
    for (Stream* stream : {&output_, &errors_, &status_}) {
      for (size_t before = std::string::npos; stream->ours && !too_much() && before != stream->text.size();) {
        before = stream->text.size();
        if (!read_some(stream->ours.get(), stream->text)) break;
      }
    }
    if (!stopped_ && too_much()) stopped_ = SandboxEnd::output;
    std::array<char, kMostTokenBytes> token;
    const ssize_t count = recv(token_.ours.get(), token.data(), token.size(), MSG_DONTWAIT);
    outcome_.token_returned = !program_.token.empty() && count >= 0 &&
                              program_.token == std::string_view(token.data(), static_cast<size_t>(count));
  }

  Result<SandboxOutcome> judge() {
    const Cgroup::Events now = place_.cgroup ? place_.cgroup->events() : before_;
    const bool out_of_memory = now.memory > before_.memory;  // which may have met bubblewrap itself
    if (!stopped_ && !out_of_memory && status_.text.find("\"exit-code\"") == std::string::npos) {
      return unavailable("bubblewrap", fmt::format("the sandbox was not made: {}", errors_.text),
                         "`sizeup doctor` says what is missing");
    }
    const size_t bound = static_cast<size_t>(program_.limits.output_bytes);
    output_.text.resize(std::min(output_.text.size(), bound));
    errors_.text.resize(std::min(errors_.text.size(), bound - output_.text.size()));
    outcome_.output = std::move(output_.text);
    outcome_.errors = std::move(errors_.text);
    constexpr int kSignalBase = 128;  // as in a shell: bubblewrap ends with 128 + number
    outcome_.code = ended_.si_status;
    if (ended_.si_code == CLD_EXITED && ended_.si_status > kSignalBase) {
      outcome_.end = SandboxEnd::signal;
      outcome_.code -= kSignalBase;
      if (outcome_.code == SIGXCPU) outcome_.end = SandboxEnd::cpu_time;
    }
    if (stopped_) outcome_.end = *stopped_;
    // Killed for want of memory, or stuck or broken without processes: the bound is the reason.
    if (outcome_.end != SandboxEnd::exited || outcome_.code != 0) {
      if (now.processes > before_.processes) outcome_.end = SandboxEnd::processes;
      if (out_of_memory) outcome_.end = SandboxEnd::memory;
    }
    return std::move(outcome_);
  }

  SandboxPlace& place_;
  const SandboxProgram& program_;
  Stream output_, errors_, status_, token_;
  Descriptor input_;
  std::vector<Descriptor> files_;
  Child bubblewrap_;
  Descriptor inner_;
  bool inner_noted_ = false;
  std::optional<SandboxEnd> stopped_;  // by us, at which bound
  siginfo_t ended_ = {};
  Cgroup::Events before_;
  SandboxOutcome outcome_;
};

bool plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

}  // namespace

Result<SandboxOutcome> run_program(SandboxPlace& place, const SandboxProgram& program) {
  const bool named = std::all_of(program.files.begin(), program.files.end(),
                                 [](const SandboxFile& file) { return plain_name(file.name); });
  require(named && program.files.size() <= kMostSandboxFiles, "a sandbox takes a few files with plain names");
  require(!program.command.empty() && program.token.size() < kMostTokenBytes, "a sandbox runs a command");
  return ProgramRun(place, program).run();
}

}  // namespace sizeup
