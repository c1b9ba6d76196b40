#include "tests/cli/program.h"

#include <sys/wait.h>

#include <cstdlib>
#include <sstream>

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

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

}  // namespace sizeup
