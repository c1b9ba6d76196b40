// Attention problems of tests/support on a GPU.
#pragma once

#include <vector>

#include "backends/cuda/attention.h"
#include "backends/cuda/rotary.h"
#include "tests/cuda/gpu_memory.h"
#include "tests/support/attention_problem.h"

namespace sizeup::cuda {

using cpu::AskingRow;
using cpu::AttentionProblem;
using cpu::Part;

inline AttentionSpec spec_of(const cpu::AttentionShape& shape) {
  return {.heads = shape.heads,
          .kv_heads = shape.kv_heads,
          .head_size = shape.head_size,
          .window = shape.window,
          .scale = shape.scale,
          .score_cap = shape.cap};
}

// A spec's page, of one layer.
inline PageLayout layout_of(const AttentionSpec& spec, Precision precision) {
  DecoderSpec decoder;
  decoder.layers.push_back({.attention = spec});
  return {decoder, precision};
}

// Pages with all positions of a problem; the rest of them is no number.
class DevicePages {
 public:
  // shared: sequences have the pages that the prefix fills in common; otherwise each has a copy.
  DevicePages(const AttentionProblem& problem, Precision precision, bool shared)
      : layout_(layout_of(spec_of(problem.shape), precision)),
        memory_(layout_.page_bytes() * static_cast<size_t>(pages_for(problem.length) * problem.sequences)) {
    const int pages_each = pages_for(problem.length);
    const int common = shared ? problem.prefix / kPagePositions : 0;
    const int count = pages_each * problem.sequences;
    for (int s = 0; s < problem.sequences; ++s) {
      std::vector<int32_t>& table = tables_.emplace_back();
      // Numbers descend, so that a page's number is not its place in a table.
      for (int i = 0; i < pages_each; ++i) {
        table.push_back(count - 1 - ((i < common ? 0 : s) * pages_each + i));
      }
      write(problem, s, s == 0 ? 0 : common * kPagePositions);
    }
  }

  PagesView view() const { return layout_.layer(0, memory_.data()); }
  const PageLayout& layout() const { return layout_; }
  std::byte* memory() const { return memory_.data(); }
  const std::vector<std::vector<int32_t>>& tables() const { return tables_; }

 private:
  void write(const AttentionProblem& problem, int sequence, int first) {
    constexpr int kKeyColumn = 3;  // between other columns, as in a row of query, key and value
    const int width = problem.shape.kv_heads * problem.shape.head_size;
    const auto stride = static_cast<size_t>(kKeyColumn + 2 * width + 1);
    std::vector<float> rows(static_cast<size_t>(problem.length - first) * stride);
    std::vector<KeyValueWrite> writes;
    for (int position = first; position < problem.length; ++position) {
      const int row = position - first;
      float* to = rows.data() + static_cast<size_t>(row) * stride + kKeyColumn;
      for (int c = 0; c < width; ++c) {
        to[c] = problem.at(Part::key, sequence, position, c);
        to[width + c] = problem.at(Part::value, sequence, position, c);
      }
      writes.push_back(
          {row, tables_.back()[static_cast<size_t>(position / kPagePositions)], position % kPagePositions});
    }
    const GpuMemory<float> device_rows(rows);
    const GpuMemory<KeyValueWrite> device_writes(writes);
    write_keys_and_values({.rows = device_rows.data(),
                           .stride = stride,
                           .key_column = kKeyColumn,
                           .value_column = kKeyColumn + width,
                           .writes = device_writes.data(),
                           .write_count = static_cast<int>(writes.size()),
                           .pages = view()},
                          nullptr);
    check(cudaDeviceSynchronize());
  }

  PageLayout layout_;
  GpuMemory<std::byte> memory_;
  std::vector<std::vector<int32_t>> tables_;
};

// Room for all states, and for a GPU of some size.
inline constexpr PlanLimits kRoomy{.multiprocessors = 100, .slots = 100'000};

// [row][heads * head_size]; `rounded` writes them in bfloat16.
inline std::vector<std::vector<float>> attend(const AttentionProblem& problem,
                                              std::span<const AskingRow> rows, const DevicePages& pages,
                                              const PlanLimits& limits = kRoomy, bool rounded = false) {
  const AttentionSpec spec = spec_of(problem.shape);
  const Precision precision =
      pages.view().shape.element_bytes == 2 ? Precision::bfloat16 : Precision::float32;
  const Step step = cpu::step_of(rows, pages.tables());
  const AttentionPlan plan(step, plan_shape(spec, precision), limits);
  const auto width = static_cast<size_t>(spec.query_width());
  const size_t stride = (width + 16) / 16 * 16;
  std::vector<float> queries(rows.size() * stride);
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t c = 0; c < width; ++c) {
      queries[row * stride + c] =
          problem.at(Part::query, rows[row].sequence, rows[row].position, static_cast<int>(c));
    }
  }
  const GpuMemory<float> device_queries(queries);
  const GpuMemory<int32_t> words(plan.words());
  const GpuMemory<int32_t> positions(step.positions);
  const GpuMemory<int32_t> page_numbers(step.pages);
  const GpuMemory<float> sinks(problem.sinks);
  const GpuMemory<std::byte> states(state_bytes(spec, plan.parts().slots));
  const GpuMemory<float> out(rows.size() * stride);
  const GpuMemory<uint16_t> rounded_out(rows.size() * stride);
  attend({.plan = plan.view(words.data()),
          .heads = spec.heads,
          .head_size = spec.head_size,
          .window = spec.window,
          .scale = spec.scale,
          .score_cap = spec.score_cap,
          .positions = positions.data(),
          .pages = page_numbers.data(),
          .queries = device_queries.data(),
          .query_stride = stride,
          .memory = pages.view(),
          .sinks = problem.sinks.empty() ? nullptr : sinks.data(),
          .states = reinterpret_cast<float*>(states.data()),
          .out = rounded ? nullptr : out.data(),
          .rounded_out = rounded_out.data(),
          .out_stride = stride},
         nullptr);
  check(cudaDeviceSynchronize());
  std::vector<float> values = out.read();
  if (rounded) {
    const std::vector<uint16_t> halves = rounded_out.read();
    for (size_t i = 0; i < halves.size(); ++i) {
      values[i] = std::bit_cast<float>(static_cast<uint32_t>(halves[i]) << 16);
    }
  }
  std::vector<std::vector<float>> result;
  for (size_t row = 0; row < rows.size(); ++row) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(row * stride);
    result.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(width));
  }
  return result;
}

}  // namespace sizeup::cuda
