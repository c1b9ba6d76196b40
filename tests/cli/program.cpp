#include "tests/cli/program.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

#include "tests/support/files.h"

namespace sizeup {
namespace {

std::string quoted(const std::string& argument) {
  std::string text = "'";
  for (const char c : argument) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

Finished run_program(const std::vector<std::string>& arguments, const std::string& input,
                     const std::vector<std::string>& launcher) {
  const TemporaryFolder folder;
  const std::string in = folder.write("in", input).string();
  const std::string out = (folder.path() / "out").string();
  const std::string err = (folder.path() / "err").string();
  std::string command;
  for (const std::string& word : launcher) command += quoted(word) + " ";
  command += quoted(SIZEUP_PROGRAM);
  for (const std::string& argument : arguments) command += " " + quoted(argument);
  command += " < " + in + " > " + out + " 2> " + err;
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_whole(out), read_whole(err)};
}

StartedProgram::StartedProgram(const std::vector<std::string>& arguments,
                               const std::vector<std::string>& environment) {
  std::string command = "exec env";
  for (const std::string& variable : environment) command += " " + quoted(variable);
  command += " " + quoted(SIZEUP_PROGRAM);
  for (const std::string& argument : arguments) command += " " + quoted(argument);
  command +=
      " < /dev/null > " + (folder_.path() / "out").string() + " 2> " + (folder_.path() / "err").string();
  process_ = ::fork();
  if (process_ == 0) {
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    std::_Exit(127);
  }
}

StartedProgram::~StartedProgram() {
  if (process_ < 0) return;
  signal(SIGKILL);
  finish();
}

std::string StartedProgram::first_line() const {
  while (true) {
    std::error_code ignored;
    const std::filesystem::path out = folder_.path() / "out";
    const std::string text = std::filesystem::exists(out, ignored) ? read_whole(out) : std::string();
    if (const size_t end = text.find('\n'); end != std::string::npos) return text.substr(0, end);
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT);
    if (ended.si_pid != 0) return text;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void StartedProgram::signal(int number) const {
  ::kill(process_, number);
}

Finished StartedProgram::finish() {
  int status = 0;
  ::waitpid(std::exchange(process_, -1), &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_whole(folder_.path() / "out"),
          read_whole(folder_.path() / "err")};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

}  // namespace sizeup
