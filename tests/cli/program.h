// Runs the sizeup program as a user's shell would.
#pragma once

#include <string>
#include <vector>

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

// Non-empty lines.
std::vector<std::string> lines_of(const std::string& text);

}  // namespace sizeup
