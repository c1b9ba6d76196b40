// Runs the sizeup program as a user's shell would.
#pragma once

#include <string>
#include <vector>

#include "tests/support/files.h"

namespace sizeup {

struct Finished {
  int status = -1;
  std::string output;  // standard output
  std::string errors;  // standard error
};

// Runs build/.../sizeup with these arguments and standard input; waits for it. `launcher` is the program that
// starts it and that program's arguments, if any.
Finished run_program(const std::vector<std::string>& arguments, const std::string& input = {},
                     const std::vector<std::string>& launcher = {});

// The program while it runs: what a server's user sees. Killed by the destructor if it still does.
class StartedProgram {
 public:
  // `environment`: "NAME=value", beside that of the test.
  StartedProgram(const std::vector<std::string>& arguments, const std::vector<std::string>& environment);
  ~StartedProgram();
  StartedProgram(const StartedProgram&) = delete;
  StartedProgram& operator=(const StartedProgram&) = delete;

  std::string first_line() const;  // of standard output; waits for it
  void signal(int number) const;
  Finished finish();  // waits for the end

 private:
  TemporaryFolder folder_;
  int process_ = -1;
};

// Non-empty lines.
std::vector<std::string> lines_of(const std::string& text);

}  // namespace sizeup
