// One step's work as plain data made on the host: a device reads it and only does arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/engine/tokenizer/tokenizer.h"

namespace sizeup {

// Positions whose keys and values lie together in a page. It fixes bits: attention is merged page by page,
// page i holding positions [i * kPagePositions, (i + 1) * kPagePositions). 64 are two of a matrix tile's
// 32-key value depths and four of its 16-key score columns, and one rescaling of the sums for 64 keys costs
// little; smaller pages merge more often, larger ones copy more where a prefix branches.
inline constexpr int kPagePositions = 64;

inline int pages_for(int positions) {
  return (positions + kPagePositions - 1) / kPagePositions;
}

// Positions [first, end).
struct PositionRange {
  int32_t first = 0;
  int32_t end = 0;
  bool operator==(const PositionRange&) const = default;
};
// In order, without two that touch.
using PositionRanges = std::vector<PositionRange>;

// The first `positions` keys and values of page `from`, all layers, go to page `to`.
struct PageCopy {
  int32_t from = 0;
  int32_t to = 0;
  int32_t positions = 0;
};

inline constexpr Token kNoToken = -1;

// What layers without keys know of a text up to a position: one for each sequence being computed, beside its
// pages. The first row of a text begins with the state that is all zeros, whatever lies there.
inline constexpr int32_t kNoState = -1;

// State `from` goes to state `to`, all layers.
struct StateCopy {
  int32_t from = 0;
  int32_t to = 0;
};

// The state after a row goes to state `to` as well.
struct StateFork {
  int32_t row = 0;
  int32_t to = 0;
};

// The key and value of a row go to a page. A row that several branches continue has several of these.
struct KeyValueWrite {
  int32_t row = 0;
  int32_t page = 0;
  int32_t offset = 0;  // in [0, kPagePositions)
};

// Most tokens that a row may ask for as its most probable ones. Samplers keep 20 to 50; whoever wants more
// asks for the distribution.
inline constexpr int kMostTop = 64;

struct TopToken {
  Token token = 0;
  float logprob = 0.0F;
  bool operator==(const TopToken&) const = default;
};

// A row whose next-token distribution is asked for.
struct WantedRow {
  int32_t row = 0;
  int32_t target_begin = 0;  // Step::targets[target_begin, target_begin + target_count)
  int32_t target_count = 0;
  int32_t top_count = 0;      // so many most probable tokens are wanted: at most kMostTop and the vocabulary
  bool distribution = false;  // all log-probabilities are wanted
};

// Order of effects: copies in order, then in every layer all writes before any attention. A layer with states
// computes rows one after the other where they have a state in common or a fork's source precedes its target.
struct Step {
  // One entry per row.
  std::vector<Token> tokens;
  std::vector<int32_t> positions;
  std::vector<int32_t> tables;  // index of the row's page table
  // Of each row the tokens before its own, the nearest first: as many as a decoder's embeddings depend on
  // (DecoderSpec::earlier_tokens), kNoToken where the text has not begun.
  int32_t earlier_count = 0;
  std::vector<Token> earlier;

  // Page table t is pages[table_begin[t], table_begin[t + 1]): page i of it holds positions from
  // i * kPagePositions on. A row attends to positions 0, or the first in a layer's window,
  // to its own.
  std::vector<int32_t> table_begin;
  std::vector<int32_t> pages;
  // The state that the rows of page table t continue, in the order of their positions: each begins with what
  // the one before it left there. Decoders without such layers ignore it.
  std::vector<int32_t> states;

  std::vector<PageCopy> copies;
  std::vector<StateCopy> state_copies;
  std::vector<KeyValueWrite> writes;
  std::vector<StateFork> state_forks;
  std::vector<WantedRow> wanted;
  std::vector<Token> targets;
  int32_t page_count = 0;   // every page number in the step is smaller
  int32_t state_count = 0;  // every state number in the step is smaller

  int rows() const { return static_cast<int>(tokens.size()); }
  std::span<const Token> earlier_of(int row) const {
    const auto count = static_cast<size_t>(earlier_count);
    return std::span(earlier).subspan(static_cast<size_t>(row) * count, count);
  }
  int32_t state_of(int row) const { return states[static_cast<size_t>(tables[static_cast<size_t>(row)])]; }
  std::span<const int32_t> table(int32_t index) const {
    const auto begin = static_cast<size_t>(table_begin[static_cast<size_t>(index)]);
    const auto end = static_cast<size_t>(table_begin[static_cast<size_t>(index) + 1]);
    return std::span(pages).subspan(begin, end - begin);
  }
};

// Natural log-probabilities in float32: (logit - max) - log(sum(exp(logit - max))).
struct StepResult {
  std::vector<Token> best;             // for each wanted row: the most probable token, ties to the lowest
  std::vector<float> best_logprobs;    // for each wanted row: its log-probability
  std::vector<float> target_logprobs;  // for each of Step::targets
  std::vector<TopToken> top;  // `top_count` for each wanted row, in order: most probable first, ties to
                              // the lowest token
  std::vector<float> distributions;  // `vocabulary` values for each wanted row that asked, in order
};

}  // namespace sizeup
