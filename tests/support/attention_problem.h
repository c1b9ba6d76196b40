// Attention as a test sees it: sequences with a common beginning, rows that ask, and steps made of them by
// hand; what a family makes of a step, and what float64 makes of the same keys and values.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "backends/cpu/attention.h"

namespace sizeup::cpu {

// Memory on a cache line's boundary, all NaN; a sanitizer sees where it ends.
class NanBytes {
 public:
  NanBytes() = default;
  explicit NanBytes(size_t size) : data_(static_cast<std::byte*>(::operator new(size, kAlignment))) {
    std::memset(data_, 0xFF, size);
  }
  ~NanBytes() { ::operator delete(data_, kAlignment); }
  NanBytes(NanBytes&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  NanBytes& operator=(NanBytes&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  std::byte* data() const { return data_; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  std::byte* data_ = nullptr;
};

// [group][column][lane] with its memory.
class LaneValues {
 public:
  LaneValues(int rows, int columns)
      : memory_(sizeof(float) * kLanes * static_cast<size_t>(groups_of(rows) * columns)),
        view_{reinterpret_cast<float*>(memory_.data()), rows, columns} {}
  const LaneRows& view() const { return view_; }
  float& at(int row, int column) { return view_.at(row / kLanes, column)[row % kLanes]; }

 private:
  NanBytes memory_;
  LaneRows view_;
};

class OperandValues {
 public:
  OperandValues(int rows, int columns, OperandFormat format)
      : view_{nullptr, format, rows, (columns + kStepColumns - 1) / kStepColumns * kStepColumns},
        memory_(view_.bytes()) {
    view_.data = memory_.data();
  }
  const Operand& view() const { return view_; }
  // The sum of the parts.
  float at(int row, int column) const {
    const int group = row / kLanes;
    const int lane = row % kLanes;
    if (!view_.paired()) return view_.floats_at(group, column)[lane];
    float sum = 0.0F;
    for (int part = view_.parts() - 1; part >= 0; --part) {
      uint16_t upper;
      std::memcpy(&upper, view_.pair_at(group, column, part) + 4 * lane + 2 * (column % 2), sizeof upper);
      sum += std::bit_cast<float>(static_cast<uint32_t>(upper) << 16);
    }
    return sum;
  }

 private:
  Operand view_;
  NanBytes memory_;
};

inline float rounded_to_bfloat(float x) {
  auto word = std::bit_cast<uint32_t>(x);
  word = (word + 0x7FFF + (word >> 16 & 1)) & 0xFFFF0000;
  return std::bit_cast<float>(word);
}

enum class Part : uint8_t { query, key, value };

struct AskingRow {
  int sequence = 0;
  int position = 0;
};

// All sequences have `length` positions, of which the first `prefix` are the same in all.
struct AttentionProblem {
  AttentionShape shape;
  int prefix = 0;
  int sequences = 1;
  int length = 1;
  // Element `column` (heads side by side) of a position.
  std::function<float(Part part, int sequence, int position, int column)> element;
  std::vector<float> sinks = {};  // of each head; empty: none

  float at(Part part, int sequence, int position, int column) const {
    return element(part, position < prefix ? 0 : sequence, position, column);
  }
};

// Values in (-2, 2) without a pattern.
inline float scattered(Part part, int sequence, int position, int column) {
  uint64_t x = static_cast<uint64_t>(part) + 1;
  for (const int word : {sequence, position, column}) {
    x = (x ^ static_cast<uint64_t>(word)) * 0x9E3779B97F4A7C15U;
    x ^= x >> 29;
  }
  return static_cast<float>(static_cast<double>(x >> 11) * 0x1p-51 - 2.0);
}

// Pages of a family that hold all positions of a problem; places nobody wrote are NaN.
class FilledPages {
 public:
  // shared: sequences have the pages that the prefix fills in common; otherwise each has a copy.
  FilledPages(const AttentionFamily& family, const AttentionProblem& problem, bool shared) {
    const int pages_each = pages_for(problem.length);
    const int common = shared ? problem.prefix / kPagePositions : 0;
    const size_t bytes = (family.page_bytes(problem.shape) + 63) / 64 * 64;
    const int count = pages_each * problem.sequences;
    memory_ = NanBytes(bytes * static_cast<size_t>(count));
    // Numbers descend, so that a page's number is not its place in a table.
    for (int page = 0; page < count; ++page) {
      pages_.push_back(memory_.data() + bytes * static_cast<size_t>(count - 1 - page));
    }
    for (int s = 0; s < problem.sequences; ++s) {
      std::vector<int32_t>& table = tables_.emplace_back();
      for (int i = 0; i < pages_each; ++i)
        table.push_back(count - 1 - ((i < common ? 0 : s) * pages_each + i));
      write(family, problem, s, s == 0 ? 0 : common * kPagePositions);
    }
  }
  std::span<std::byte* const> pages() const { return pages_; }
  const std::vector<std::vector<int32_t>>& tables() const { return tables_; }

 private:
  void write(const AttentionFamily& family, const AttentionProblem& problem, int sequence, int first) {
    const AttentionShape& shape = problem.shape;
    const int width = shape.kv_heads * shape.head_size;
    const int rows = problem.length - first;
    // Between other columns, as in a row of query, key and value.
    LaneValues values(rows, 3 + 2 * width + 1);
    std::vector<KeyValueWrite> writes;
    for (int row = 0; row < rows; ++row) {
      const int position = first + row;
      writes.push_back(
          {row, tables_.back()[static_cast<size_t>(position / kPagePositions)], position % kPagePositions});
      for (int c = 0; c < width; ++c) {
        values.at(row, 3 + c) = problem.at(Part::key, sequence, position, c);
        values.at(row, 3 + width + c) = problem.at(Part::value, sequence, position, c);
      }
    }
    family.write(shape, values.view(), 3, 3 + width, writes, pages_);
  }

  NanBytes memory_;
  std::vector<std::byte*> pages_;
  std::vector<std::vector<int32_t>> tables_;
};

// Every row has a table of its own unless it follows a row of its sequence.
inline Step step_of(std::span<const AskingRow> rows, const std::vector<std::vector<int32_t>>& tables) {
  Step step;
  int32_t before = -1;
  for (const AskingRow& row : rows) {
    if (row.sequence != before) {
      const auto& table = tables[static_cast<size_t>(row.sequence)];
      step.table_begin.push_back(static_cast<int32_t>(step.pages.size()));
      step.pages.insert(step.pages.end(), table.begin(), table.end());
      before = row.sequence;
    }
    step.tokens.push_back(0);
    step.positions.push_back(row.position);
    step.tables.push_back(static_cast<int32_t>(step.table_begin.size()) - 1);
  }
  step.table_begin.push_back(static_cast<int32_t>(step.pages.size()));
  return step;
}

// The output of a step: [row][heads * head_size].
inline std::vector<std::vector<float>> attend(const AttentionFamily& family, const AttentionProblem& problem,
                                              std::span<const AskingRow> rows, const FilledPages& pages,
                                              const PlanOptions& options = {},
                                              OperandFormat format = OperandFormat::floats) {
  const AttentionShape& shape = problem.shape;
  const auto count = static_cast<int>(rows.size());
  const int width = shape.heads * shape.head_size;
  LaneValues query(count, width + 5);
  for (int row = 0; row < count; ++row) {
    const AskingRow& asking = rows[static_cast<size_t>(row)];
    for (int c = 0; c < width; ++c) {
      query.at(row, c) = problem.at(Part::query, asking.sequence, asking.position, c);
    }
  }
  const OperandValues out(count, width, format);
  const AttentionPlan plan = plan_attention(step_of(rows, pages.tables()), shape, options);
  const AttentionWork work{.plan = &plan,
                           .shape = shape,
                           .query = query.view(),
                           .out = out.view(),
                           .pages = pages.pages(),
                           .sinks = problem.sinks.empty() ? nullptr : problem.sinks.data()};
  NanBytes scratch(family.scratch_bytes(shape));
  for (int kv_head = 0; kv_head < shape.kv_heads; ++kv_head) {
    for (int block = 0; block < static_cast<int>(plan.blocks.size()); ++block) {
      family.attend(work, block, kv_head, scratch.data());
    }
  }
  std::vector<std::vector<float>> result(rows.size());
  for (int row = 0; row < count; ++row) {
    for (int c = 0; c < width; ++c) result[static_cast<size_t>(row)].push_back(out.at(row, c));
  }
  return result;
}

// One head of one row in float64, and how far float32 may be from it.
struct ExactHead {
  std::vector<double> out;
  std::vector<double> bound;
};

// `rounded`: over keys and values rounded to bfloat16.
//
// The bound, with u = 2^-24: a score of n products that are not zero is off by at most (n + 2) u times the
// sum of their magnitudes, a cap adds 8 u cap; e^x is off by two units in the last place and its argument
// once more by u times itself, which e^-x bounds by u; a sum of n weighted values is off by n u times the sum
// of magnitudes, and so is the sum of weights.
inline ExactHead exact_head(const AttentionProblem& problem, const AskingRow& row, int head, bool rounded) {
  const AttentionShape& shape = problem.shape;
  const int size = shape.head_size;
  const int first_kv = head / shape.group() * size;
  const int begin = shape.window == 0 ? 0 : std::max(0, row.position - shape.window + 1);
  const auto element = [&](Part part, int position, int d) -> double {
    const float x = problem.at(part, row.sequence, position, first_kv + d);
    return rounded ? rounded_to_bfloat(x) : x;
  };
  constexpr double kUnit = 0x1p-24;
  std::vector<double> scores;
  double error = 0.0;
  for (int position = begin; position <= row.position; ++position) {
    double score = 0.0;
    double magnitude = 0.0;
    int products = 0;
    for (int d = 0; d < size; ++d) {
      const double product = problem.at(Part::query, row.sequence, row.position, head * size + d) *
                             element(Part::key, position, d);
      score += product;
      magnitude += std::abs(product);
      if (product != 0.0) ++products;
    }
    score *= shape.scale;
    if (shape.cap != 0.0F) score = shape.cap * std::tanh(score / shape.cap);
    error =
        std::max(error, ((products + 2) * magnitude * shape.scale + 8 * shape.cap + std::abs(score)) * kUnit);
    scores.push_back(score);
  }
  double greatest = *std::max_element(scores.begin(), scores.end());
  if (!problem.sinks.empty()) greatest = std::max(greatest, double{problem.sinks[static_cast<size_t>(head)]});
  const auto keys = static_cast<double>(scores.size());
  ExactHead exact{std::vector<double>(static_cast<size_t>(size)),
                  std::vector<double>(static_cast<size_t>(size))};
  for (int d = 0; d < size; ++d) {
    double sum = 0.0;
    double out = 0.0;
    double magnitude = 0.0;
    if (!problem.sinks.empty()) sum = std::exp(problem.sinks[static_cast<size_t>(head)] - greatest);
    for (size_t i = 0; i < scores.size(); ++i) {
      const double weight = std::exp(scores[i] - greatest);
      const double value = element(Part::value, begin + static_cast<int>(i), d);
      sum += weight;
      out += weight * value;
      magnitude += weight * std::abs(value);
    }
    exact.out[static_cast<size_t>(d)] = out / sum;
    exact.bound[static_cast<size_t>(d)] =
        (2.0 * (error + 5 * kUnit) + 2.0 * keys * kUnit) * magnitude / sum + 1e-37;
  }
  return exact;
}

}  // namespace sizeup::cpu
