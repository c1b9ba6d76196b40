// Rows for tokens that answers have not chosen yet but probably will: several are then found in one step.
#include <algorithm>

#include "backends/engine/plan/plan.h"

namespace sizeup {
namespace {

// What a draft must gain for what it costs. A rate that was picked for being high is mostly too high: of the
// drafts of eight answers at once that were to be right in two of three cases, 62 % were.
constexpr double kMargin = 1.25;

}  // namespace

// Drafts come last and take nothing from anybody: rows only while there is room, no pages. They lie behind
// the answer's last token on pages it holds anyway, where nobody else reads: what others share of these pages
// ends with the prompt. A row whose token is not chosen leaves its key and value there; the row of the token
// that is chosen replaces them, in the same step that would be the first to read them.
//
// A step takes as long as weight_rows and its rows together. One more row pays if it raises what the step is
// expected to find for its time, with a margin.
void Plan::add_drafts() {
  if (limits_.weight_rows == 0) return;
  double expected = builder_.rows();
  // In a large step not even certainty would pay: nobody looks for a guess.
  if (limits_.weight_rows + builder_.rows() <= kMargin * expected) return;
  const size_t askers = wanted_uses_.size();
  for (size_t w = 0; w < askers && room() > 0; ++w) {
    if (wanted_uses_[w].generation < 0) continue;
    const auto row = static_cast<size_t>(builder_.step().wanted[w].row);
    add_draft(static_cast<size_t>(wanted_uses_[w].generation), builder_.step().tables[row], expected);
  }
}

// `expected`: how many rows of the step are probably of use.
void Plan::add_draft(size_t index, int32_t table, double& expected) {
  Generation& generation = generations_[index];
  const TokenRequest& asked = request(generation.request);
  if (!asked.greedy) return;
  const int position = static_cast<int>(asked.tokens.size());
  const int chosen = position - node(generation.node).tree.end;
  // The row before it finds the last token, which needs none of its own.
  const int wanted = asked.max_new_tokens - chosen - 1;
  const int slots = static_cast<int>(generation.memory.pages.size()) * kPagePositions - position;
  const std::span<const Token> guess = generation.lookup.guess(asked.tokens);
  const int most = std::min({static_cast<int>(guess.size()), wanted, slots, room()});
  std::vector<Token> text = asked.tokens;
  text.insert(text.end(), guess.begin(), guess.end());
  double right = 1.0;
  for (int i = 0; i < most; ++i) {
    right *= generation.lookup.hit_rate();
    if (right * (limits_.weight_rows + builder_.rows()) <= kMargin * expected) return;
    expected += right;
    builder_.add_row(text, position + i, table);
    builder_.want_last_row().top_count = asked.top_count;
    wanted_uses_.push_back({.node = -1, .generation = static_cast<int>(index)});
    ++counts_.rows_drafted;
  }
}

// Whether the answer has come to this row: it is that of its last token, which may have been a draft. An
// answer that ended at an earlier row of the step has no tokens left.
bool Plan::reaches(const Generation& generation, int32_t row) const {
  const std::vector<Token>& tokens = requests_[static_cast<size_t>(generation.request)].tokens;
  const Step& step = builder_.step();
  const auto at = static_cast<size_t>(row);
  return step.positions[at] + 1 == static_cast<int>(tokens.size()) && step.tokens[at] == tokens.back();
}

}  // namespace sizeup
