// Steps without arithmetic: hashes go where keys and values would, so that a step that reads a wrong, stale
// or missing slot changes every result that comes after it.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "backends/engine/step.h"
#include "tests/backends/engine/token_runner.h"

namespace sizeup {

// What a token's row becomes in a decoder of two layers: what the second layer writes depends on all earlier
// tokens, as keys and values do, so that equal tokens after different texts are told apart.
class FakeHistory {
 public:
  static uint64_t own(Token token, int position) {
    return (static_cast<uint64_t>(static_cast<uint32_t>(token)) + 1) * 1000003 +
           static_cast<uint64_t>(position);
  }
  static uint64_t extend(uint64_t history, uint64_t value) {
    return (history ^ value) * 0x9E3779B97F4A7C15u + (history >> 29);
  }
  // Below 50: mostly what followed the same token before, as in texts that repeat themselves.
  static Token next_token(uint64_t state, Token last) {
    const auto value = static_cast<Token>(state >> 40);
    return value % 6 == 0 ? value / 6 % 50 : (7 * last + 3) % 50;
  }
  static float logprob(uint64_t state, Token token) {
    return -static_cast<float>(extend(state, static_cast<uint64_t>(token)) >> 48) / 1000.0F;
  }

  // The state of the row of the next token.
  uint64_t push(Token token) {
    first_ = extend(first_, own(token, position_++));
    second_ = extend(second_, first_);
    return second_;
  }

 private:
  int position_ = 0;
  uint64_t first_ = 0;
  uint64_t second_ = 0;
};

// Checks every step against the contract of step.h, and "computes" it through its pages. In a recurrent one
// the first layer has states: what it has read of the text so far, and how much that is.
class FakeDevice {
 public:
  explicit FakeDevice(bool recurrent = false) : recurrent_(recurrent) {}

  void operator()(const Step& step, StepResult& result) {
    ++steps_;
    rows_ += step.rows();
    head_rows_ += static_cast<int64_t>(step.wanted.size());
    slots_.resize(static_cast<size_t>(step.page_count) * kPagePositions);
    copy(step);
    if (recurrent_) copy_states(step);
    std::vector<uint64_t> states;
    for (size_t row = 0; row < step.tokens.size(); ++row) {
      states.push_back(FakeHistory::own(step.tokens[row], step.positions[row]));
    }
    check_writes(step);
    for (size_t layer = 0; layer < kLayers; ++layer) {
      if (recurrent_ && layer == 0) {
        run_recurrent_layer(step, states);
      } else {
        run_layer(step, layer, states);
      }
    }
    if (!recurrent_) check_earlier_tokens(step);
    find(step, states, result);
  }

  int64_t rows() const { return rows_; }
  int64_t head_rows() const { return head_rows_; }

 private:
  static constexpr size_t kLayers = 2;
  struct Slot {
    std::array<uint64_t, kLayers> values = {};
    int64_t written_in = 0;  // step
  };

  struct State {
    uint64_t history = 0;
    int32_t positions = -1;  // that it has read; -1: none was ever left here
  };

  Slot& slot(int32_t page, int offset) {
    return slots_[static_cast<size_t>(page) * kPagePositions + static_cast<size_t>(offset)];
  }

  void copy(const Step& step) {
    for (const PageCopy& copy : step.copies) {
      EXPECT_NE(copy.from, copy.to);
      EXPECT_GT(copy.positions, 0);
      EXPECT_LT(copy.positions, kPagePositions) << "a full page is shared, not copied";
      for (int i = 0; i < copy.positions; ++i) slot(copy.to, i).values = slot(copy.from, i).values;
    }
  }

  void copy_states(const Step& step) {
    states_.resize(static_cast<size_t>(step.state_count));
    for (const StateCopy& copy : step.state_copies) {
      EXPECT_NE(copy.from, copy.to);
      states_[static_cast<size_t>(copy.to)] = states_[static_cast<size_t>(copy.from)];
    }
  }

  void check_writes(const Step& step) {
    for (const KeyValueWrite& write : step.writes) {
      EXPECT_EQ(write.offset, step.positions[static_cast<size_t>(write.row)] % kPagePositions);
      Slot& to = slot(write.page, write.offset);
      EXPECT_NE(to.written_in, steps_) << "two rows write to one place";
      to.written_in = steps_;
    }
  }

  // The first layer's slots tell the tokens of a row's text.
  void check_earlier_tokens(const Step& step) {
    for (int row = 0; row < step.rows(); ++row) {
      const auto at = static_cast<size_t>(row);
      int position = step.positions[at];
      for (const Token token : step.earlier_of(row)) {
        if (--position < 0) {
          EXPECT_EQ(token, kNoToken);
          continue;
        }
        const int32_t page = step.table(step.tables[at])[static_cast<size_t>(position / kPagePositions)];
        EXPECT_EQ(slot(page, position % kPagePositions).values[0], FakeHistory::own(token, position));
      }
    }
  }

  // Keys and values of all rows are written before anything is read.
  void run_layer(const Step& step, size_t layer, std::vector<uint64_t>& states) {
    for (const KeyValueWrite& write : step.writes) {
      slot(write.page, write.offset).values[layer] = states[static_cast<size_t>(write.row)];
    }
    for (size_t row = 0; row < states.size(); ++row) {
      const auto table = step.table(step.tables[row]);
      uint64_t history = 0;
      for (int p = 0; p <= step.positions[row]; ++p) {
        const int32_t page = table[static_cast<size_t>(p / kPagePositions)];
        history = FakeHistory::extend(history, slot(page, p % kPagePositions).values[layer]);
      }
      states[row] = history;
    }
  }

  // Row after row; each finds the state after exactly the tokens before it.
  void run_recurrent_layer(const Step& step, std::vector<uint64_t>& values) {
    for (size_t row = 0; row < values.size(); ++row) {
      State& state = states_[static_cast<size_t>(step.state_of(static_cast<int>(row)))];
      if (step.positions[row] == 0) state = {.history = 0, .positions = 0};
      EXPECT_EQ(state.positions, step.positions[row]) << "a state of another position";
      state.history = FakeHistory::extend(state.history, values[row]);
      ++state.positions;
      values[row] = state.history;
      for (const StateFork& fork : step.state_forks) {
        if (fork.row == static_cast<int32_t>(row)) states_[static_cast<size_t>(fork.to)] = state;
      }
    }
  }

  static void find(const Step& step, const std::vector<uint64_t>& states, StepResult& result) {
    result = {};
    for (const WantedRow& wanted : step.wanted) {
      const uint64_t state = states[static_cast<size_t>(wanted.row)];
      result.best.push_back(FakeHistory::next_token(state, step.tokens[static_cast<size_t>(wanted.row)]));
      result.best_logprobs.push_back(FakeHistory::logprob(state, result.best.back()));
      for (int t = wanted.target_begin; t < wanted.target_begin + wanted.target_count; ++t) {
        result.target_logprobs.push_back(FakeHistory::logprob(state, step.targets[static_cast<size_t>(t)]));
      }
      EXPECT_FALSE(wanted.distribution);
    }
  }

  bool recurrent_;
  std::vector<Slot> slots_;
  std::vector<State> states_;
  int64_t steps_ = 0;
  int64_t rows_ = 0;
  int64_t head_rows_ = 0;
};

// What must come back for a request, found without any plan. `end` ends an answer.
inline TokenOutcome expected_outcome(const TokenRequest& request, std::optional<Token> end = std::nullopt) {
  TokenOutcome outcome;
  outcome.done = 1;
  FakeHistory history;
  uint64_t state = 0;
  for (size_t i = 0; i < request.tokens.size(); ++i) {
    state = history.push(request.tokens[i]);
    if (request.max_new_tokens > 0 || i < static_cast<size_t>(request.first_target)) continue;
    const Token target = request.targets[i - static_cast<size_t>(request.first_target)];
    outcome.logprobs.push_back(FakeHistory::logprob(state, target));
    outcome.best.push_back(FakeHistory::next_token(state, request.tokens[i]) == target);
  }
  Token last = request.tokens.back();
  for (int i = 0; i < request.max_new_tokens; ++i) {
    const Token token = FakeHistory::next_token(state, last);
    outcome.tokens.push_back(token);
    outcome.logprobs.push_back(FakeHistory::logprob(state, token));
    if (end && token == *end) break;
    state = history.push(token);
    last = token;
  }
  return outcome;
}

}  // namespace sizeup
