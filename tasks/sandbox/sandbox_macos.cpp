// None: what macOS offers programs to lock others in is not meant for them, and bounds neither memory nor
// processes.
#include "tasks/sandbox/sandbox.h"

namespace sizeup {
namespace {

tl::unexpected<Error> no_sandbox() {
  return unavailable("sandbox", "generated code is not run without a sandbox, and there is none on macOS",
                     "run tasks that need one on Linux; leave them out here");
}

}  // namespace

class SandboxPool::Places {};

Result<std::unique_ptr<SandboxPool>> SandboxPool::open(const SandboxSettings& /*settings*/) {
  return no_sandbox();
}

SandboxPool::SandboxPool(std::unique_ptr<Places> places) : places_(std::move(places)) {}
SandboxPool::~SandboxPool() = default;

SandboxLevel SandboxPool::level() const {
  return SandboxLevel::none;
}
const std::string& SandboxPool::why_not_higher() const {
  static const std::string reason = no_sandbox().value().message;
  return reason;
}
int SandboxPool::slots() const {
  return 0;
}

Result<SandboxOutcome> SandboxPool::run(const SandboxProgram& /*program*/) {
  return no_sandbox();
}

std::vector<Result<SandboxOutcome>> SandboxPool::run_all(std::span<const SandboxProgram> programs) {
  return {programs.size(), no_sandbox()};
}

}  // namespace sizeup
