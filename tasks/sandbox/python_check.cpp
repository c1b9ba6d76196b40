#include "tasks/sandbox/python_check.h"

#include <fmt/format.h>

#include <random>

#include "core/text/utf8.h"

namespace sizeup {
namespace {

constexpr const char* kSeconds = "3.0";           // code_eval's default
constexpr std::chrono::milliseconds kWall{6000};  // for programs that catch the alarm, and a slow start
constexpr int kCpuSeconds = 6;
constexpr int64_t kMemoryBytes = int64_t{1}
                                 << 30;  // code_eval sets none; this lets lists of a hundred million be
constexpr int64_t kOutputBytes = int64_t{16} << 20;  // code_eval sets none; a line for every test is far less
constexpr int kTimedOut = 124;                       // as timeout(1)
constexpr size_t kMostReasonBytes = 300;

// Runs /tmp/program.py, then returns the token: what it needs for that is taken before the program can
// replace it. The names that code_eval switches off are switched off, so that programs which use them fail
// here too. Modules are loaded only where the program names them: each costs milliseconds.
constexpr const char* kRunner = R"py(
import _signal, builtins, os, sys

class Late(Exception):
    pass

def late(number, frame):
    raise Late

def switch_off(module, names):
    for name in names.split():
        if hasattr(module, name):
            setattr(module, name, None)

def main(read, write, leave):
    with open("/tmp/program.py", encoding="utf-8", newline="") as file:
        source = file.read()
    if "shutil" in source:
        import shutil
        switch_off(shutil, "rmtree move chown")
    if "subprocess" in source:
        import subprocess
        switch_off(subprocess, "Popen")
    switch_off(os, "kill system putenv remove removedirs rmdir fchdir setuid fork forkpty killpg rename renames "
               "truncate replace unlink fchmod fchown chmod chown chroot lchflags lchmod lchown getcwd chdir")
    builtins.exit = builtins.quit = builtins.help = None
    for name in ("ipdb", "joblib", "resource", "psutil", "tkinter"):
        sys.modules[name] = None
    sys.stdin = open("/dev/null", "w")
    _signal.signal(_signal.SIGALRM, late)
    _signal.setitimer(_signal.ITIMER_REAL, float(sys.argv[1]))
    try:
        exec(source, {})
    except Late:
        leave(124)
    write(3, read(3, 64))
    leave(0)

main(os.read, os.write, os._exit)
)py";

// Nothing of it can be guessed by a program written beforehand.
std::string new_token() {
  std::random_device device;
  std::string token;
  for (int i = 0; i < 4; ++i) token += fmt::format("{:08x}", device());
  return token;
}

SandboxProgram program_of(const std::string& source) {
  SandboxProgram program;
  program.command = {"/usr/bin/python3", "-s", "-S", "-B", "-c", kRunner, kSeconds};
  program.files = {{"program.py", source}};
  program.token = new_token();
  program.limits.wall = kWall;
  program.limits.cpu_seconds = kCpuSeconds;
  program.limits.memory_bytes = kMemoryBytes;
  program.limits.output_bytes = kOutputBytes;
  return program;
}

// The last line of a traceback: "NameError: name 'x' is not defined".
std::string last_line(std::string_view errors) {
  while (!errors.empty() && errors.back() == '\n') errors.remove_suffix(1);
  const size_t start = errors.rfind('\n');
  if (start != std::string_view::npos) errors.remove_prefix(start + 1);
  return replace_invalid_utf8(errors.substr(0, kMostReasonBytes));
}

PythonVerdict verdict_of(const SandboxOutcome& outcome, const SandboxLimits& limits) {
  const bool exited = outcome.end == SandboxEnd::exited;
  if (exited && outcome.code == 0 && outcome.token_returned) return {true, "passed"};
  const bool late = exited && outcome.code == kTimedOut;
  if (late || outcome.end == SandboxEnd::wall_time || outcome.end == SandboxEnd::cpu_time)
    return {false, "timed out"};
  if (!exited) return {false, describe(outcome, limits)};
  if (outcome.code == 0) return {false, "failed: it left before its tests were done"};
  return {false, fmt::format("failed: {}", last_line(outcome.errors))};
}

}  // namespace

Result<std::vector<PythonVerdict>> check_python(SandboxPool& sandbox, std::span<const std::string> sources) {
  std::vector<SandboxProgram> programs;
  for (const std::string& source : sources) programs.push_back(program_of(source));
  std::vector<Result<SandboxOutcome>> outcomes = sandbox.run_all(programs);
  std::vector<PythonVerdict> verdicts;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (!outcomes[i]) return forward_error(outcomes[i]);
    verdicts.push_back(verdict_of(*outcomes[i], programs[i].limits));
  }
  return verdicts;
}

}  // namespace sizeup
