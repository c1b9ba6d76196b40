// Attention of the CPU device over pages: prompts, questions on a common beginning, generation.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "backends/cpu/float_attention.h"
#include "backends/cpu/tier.h"
#include "benchmarks/peak.h"
#include "core/memory/huge_buffer.h"
#include "core/threads/thread_pool.h"

namespace sizeup::cpu {
namespace {

#if defined(__x86_64__)

constexpr const AttentionFamily* kFamilies[] = {&kFloatPagesAvx2, &kBfloatPagesAvx2, &kFloatPagesAvx512,
                                                &kBfloatPagesAvx512};

// heads, key/value heads, head size of a model of 135 million parameters and of one of a billion.
constexpr AttentionShape kShapes[] = {
    {.heads = 9, .kv_heads = 3, .head_size = 64, .scale = 0.125F},
    {.heads = 32, .kv_heads = 8, .head_size = 64, .scale = 0.125F},
};

struct Rows {
  int sequences = 1;
  int prefix = 0;  // positions in common
  int first = 0;   // rows of each sequence are the positions [first, end)
  int end = 0;
};
constexpr Rows kPrompt512{.end = 512};
constexpr Rows kPrompt2048{.end = 2048};
constexpr Rows kQuestions{.sequences = 64, .prefix = 700, .first = 700, .end = 790};
constexpr Rows kGenerate1{.sequences = 1, .first = 1023, .end = 1024};
constexpr Rows kGenerate8{.sequences = 8, .first = 1023, .end = 1024};
constexpr Rows kGenerate32{.sequences = 32, .first = 1023, .end = 1024};

Step step_of(const Rows& rows) {
  Step step;
  const int common = rows.prefix / kPagePositions;
  int32_t next = common;
  for (int s = 0; s < rows.sequences; ++s) {
    step.table_begin.push_back(static_cast<int32_t>(step.pages.size()));
    for (int i = 0; i < pages_for(rows.end); ++i) step.pages.push_back(i < common ? i : next++);
    for (int position = rows.first; position < rows.end; ++position) {
      step.tokens.push_back(0);
      step.positions.push_back(position);
      step.tables.push_back(s);
    }
  }
  step.table_begin.push_back(static_cast<int32_t>(step.pages.size()));
  step.page_count = next;
  return step;
}

// Finite numbers of any kind: speed does not depend on them.
void fill(std::byte* to, size_t bytes) {
  for (size_t i = 0; i + 4 <= bytes; i += 4) {
    const uint32_t word = 0x3E803E80U + (static_cast<uint32_t>(i) * 2654435761U >> 9 & 0x007F007FU);
    std::memcpy(to + i, &word, sizeof word);
  }
}

bool present(const AttentionFamily& family) {
  return family.name.starts_with("avx2") ? __builtin_cpu_supports("avx2") != 0
                                         : __builtin_cpu_supports("avx512bw") != 0;
}

// "avx512" of "avx512 bfloat16".
std::string_view tier_of(const AttentionFamily& family) {
  return family.name.substr(0, family.name.find(' '));
}

void attention(benchmark::State& state, const AttentionFamily& family, const AttentionShape& shape,
               const Rows& rows) {
  if (!present(family)) {
    state.SkipWithError("not on this machine");
    return;
  }
  const Step step = step_of(rows);
  const size_t page_bytes = (family.page_bytes(shape) + 63) / 64 * 64;
  HugeBuffer memory(page_bytes * static_cast<size_t>(step.page_count));
  fill(memory.data(), memory.size());
  std::vector<std::byte*> pages;
  for (int32_t i = 0; i < step.page_count; ++i)
    pages.push_back(memory.data() + page_bytes * static_cast<size_t>(i));
  const int width = shape.heads * shape.head_size;
  HugeBuffer query(sizeof(float) * kLanes * static_cast<size_t>(groups_of(step.rows()) * width));
  fill(query.data(), query.size());
  Operand out{nullptr, OperandFormat::floats, step.rows(), width};
  HugeBuffer out_memory(out.bytes());
  out.data = out_memory.data();

  const AttentionPlan plan = plan_attention(step, shape, {.lone_rows = family.lone_rows(shape)});
  const AttentionWork work{.plan = &plan,
                           .shape = shape,
                           .query = {reinterpret_cast<float*>(query.data()), step.rows(), width},
                           .out = out,
                           .pages = pages};
  const auto threads = static_cast<size_t>(state.range(0));
  ThreadPool pool(static_cast<int>(threads));
  std::vector<HugeBuffer> scratch;
  for (size_t i = 0; i < threads; ++i) scratch.emplace_back(family.scratch_bytes(shape));
  const size_t blocks = plan.blocks.size();
  const auto attend_all = [&] {
    std::atomic<size_t> next = 0;
    pool.parallel_for(threads, [&](size_t thread) {
      for (size_t task; (task = next++) < blocks * static_cast<size_t>(shape.kv_heads);) {
        family.attend(work, static_cast<int>(task % blocks), static_cast<int>(task / blocks),
                      scratch[thread].data());
      }
    });
  };
  attend_all();  // the first time touches new memory
  for (auto _ : state) {
    attend_all();
    benchmark::ClobberMemory();
  }
  double pairs = 0.0;  // of query and key
  for (const int32_t position : step.positions) pairs += position + 1;
  const double flop = 4.0 * pairs * width;
  const auto rate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["GFLOP/s"] = benchmark::Counter(1e-9 * flop, rate);
  // Products are float32 in all of these families.
  const double most = peak(tier_of(family), "float32", static_cast<int>(threads));
  if (most > 0.0) state.counters["of_peak"] = benchmark::Counter(flop / most, rate);
  // All pages once; what generation has to read at least.
  state.counters["GB/s"] = benchmark::Counter(1e-9 * static_cast<double>(memory.size()), rate);
}

void plan_time(benchmark::State& state, const AttentionShape& shape, const Rows& rows) {
  const Step step = step_of(rows);
  for (auto _ : state) benchmark::DoNotOptimize(plan_attention(step, shape, {.lone_rows = true}));
  state.SetItemsProcessed(state.iterations() * step.rows());
}

const struct {
  const char* name;
  const Rows& rows;
} kCases[] = {{"prompt_512", kPrompt512}, {"prompt_2048", kPrompt2048}, {"questions", kQuestions},
              {"generate_1", kGenerate1}, {"generate_8", kGenerate8},   {"generate_32", kGenerate32}};

// Google Benchmark's own list of benchmarks needs this to run before main.
const bool kRegistered = [] {
  for (const auto& [name, rows] : kCases) {
    for (const AttentionShape& shape : kShapes) {
      const std::string of = "/" + std::string(name) + "/" + std::to_string(shape.heads) + "_" +
                             std::to_string(shape.kv_heads) + "_" + std::to_string(shape.head_size);
      for (const AttentionFamily* family : kFamilies) {
        if (why_unsupported(*parse_cpu_tier(tier_of(*family)))) continue;
        std::string label = "attention/" + std::string(family->name) + of;
        std::ranges::replace(label, ' ', '_');
        benchmark::RegisterBenchmark(
            label.c_str(),
            [family, &shape, &rows](benchmark::State& state) { attention(state, *family, shape, rows); })
            ->ArgName("threads")
            ->Arg(1)
            ->Arg(ThreadPool::available_processors())
            ->UseRealTime()
            ->MinTime(0.2)
            ->Unit(benchmark::kMicrosecond);
      }
      benchmark::RegisterBenchmark(("attention_plan" + of).c_str(), [&shape, &rows](benchmark::State& state) {
        plan_time(state, shape, rows);
      })->Unit(benchmark::kMicrosecond);
    }
  }
  return true;
}();

#endif

}  // namespace
}  // namespace sizeup::cpu
