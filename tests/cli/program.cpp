#include "tests/cli/program.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace sizeup {
namespace {

std::string slurp(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string quoted(const std::string& argument) {
  std::string text = "'";
  for (const char c : argument) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

Finished run_program(const std::vector<std::string>& arguments, const std::string& input) {
  char folder[] = "/tmp/sizeup-cli-XXXXXX";
  if (mkdtemp(folder) == nullptr) throw std::runtime_error("mkdtemp");
  const std::filesystem::path base = folder;
  std::ofstream(base / "in", std::ios::binary) << input;
  std::string command = quoted(SIZEUP_PROGRAM);
  for (const std::string& argument : arguments) command += " " + quoted(argument);
  command +=
      " < " + (base / "in").string() + " > " + (base / "out").string() + " 2> " + (base / "err").string();
  const int status = std::system(command.c_str());
  Finished finished{WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp(base / "out"), slurp(base / "err")};
  std::filesystem::remove_all(base);
  return finished;
}

std::filesystem::path shared_folder() {
  const char* chosen = std::getenv("SIZEUP_SHARED");
  const std::filesystem::path folder = chosen != nullptr
                                           ? std::filesystem::path(chosen)
                                           : std::filesystem::path(SIZEUP_SOURCE_DIR) / ".." / "shared";
  return std::filesystem::is_directory(folder) ? folder : std::filesystem::path();
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
