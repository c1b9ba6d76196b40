// Does a Python program run to its end? Judged as Hugging Face's code_eval does, but in the sandbox.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tasks/sandbox/sandbox.h"

namespace sizeup {

struct PythonVerdict {
  bool passed = false;
  std::string text;  // "passed", "timed out", "failed: AssertionError", "more than 1024 MiB of memory"
};

// A program passes if every line of it was executed within three seconds: leaving early is failing, whatever
// the exit status. Several run at a time. An error is the sandbox's own.
Result<std::vector<PythonVerdict>> check_python(SandboxPool& sandbox, std::span<const std::string> sources);

}  // namespace sizeup
