// The sandbox: programs a second over all its places, doing nothing and starting Python.
#include "tasks/sandbox/sandbox.h"

#include <benchmark/benchmark.h>

namespace sizeup {
namespace {

void run_programs(benchmark::State& state, const std::vector<std::string>& command) {
  constexpr size_t kPrograms = 50;
  auto pool = SandboxPool::open({});
  if (!pool) {
    state.SkipWithError(describe(pool.error()).c_str());
    return;
  }
  SandboxProgram program;
  program.command = command;
  const std::vector<SandboxProgram> programs(kPrograms, program);
  for (auto _ : state) {
    for (const auto& outcome : (*pool)->run_all(programs)) {
      if (!outcome || outcome->code != 0) state.SkipWithError("a program failed");
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kPrograms));
}

void sandbox_true(benchmark::State& state) {
  run_programs(state, {"/usr/bin/true"});
}
void sandbox_python(benchmark::State& state) {
  run_programs(state, {"/usr/bin/python3", "-s", "-S", "-B", "-c", "pass"});
}

BENCHMARK(sandbox_true)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(sandbox_python)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sizeup
