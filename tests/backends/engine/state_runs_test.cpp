#include "backends/engine/state_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/engine/plan/step_builder.h"

namespace sizeup {
namespace {

using testing::ElementsAre;

// Rows [first, end) on a state; every table has the pages that these positions need.
void add_rows(StepBuilder& builder, int first, int end, int32_t state) {
  const int32_t table = builder.add_table({3 * state, 3 * state + 1, 3 * state + 2}, state);
  const std::vector<Token> text(static_cast<size_t>(end), 1);
  for (int position = first; position < end; ++position) builder.add_row(text, position, table);
}

TEST(StateRuns, TextsWithoutACommonStateAreChainsOfTheirOwn) {
  StepBuilder builder;
  builder.clear();
  add_rows(builder, 7, 10, 2);
  add_rows(builder, 0, 2, 0);
  builder.set_counts(9, 3);
  const StateRuns plan = plan_state_runs(builder.step());
  ASSERT_EQ(plan.chains(), 2);
  EXPECT_EQ(plan.runs[0].state, 2);
  EXPECT_EQ(plan.runs[0].rows, 3);
  EXPECT_FALSE(plan.runs[0].from_zero);
  EXPECT_EQ(plan.runs[1].first_row, 3);
  EXPECT_TRUE(plan.runs[1].from_zero);
}

// A prompt and two branches of it in one step, the second of which takes its state over.
TEST(StateRuns, AForkEndsARunAndBranchesFollowInItsChain) {
  StepBuilder builder;
  builder.clear();
  add_rows(builder, 0, 5, 1);
  builder.copy_state(1, 2);
  add_rows(builder, 5, 6, 2);
  add_rows(builder, 0, 3, 0);
  add_rows(builder, 5, 8, 1);
  builder.set_counts(9, 3);
  const StateRuns plan = plan_state_runs(builder.step());
  ASSERT_EQ(plan.chains(), 2);
  EXPECT_THAT(plan.chain_begin, ElementsAre(0, 3, 4));
  EXPECT_EQ(plan.runs[0].rows, 5);
  EXPECT_EQ(plan.runs[0].end_fork - plan.runs[0].first_fork, 1);
  EXPECT_THAT(plan.forks, ElementsAre(2));
  EXPECT_EQ(plan.runs[1].state, 2);
  EXPECT_FALSE(plan.runs[1].from_zero);
  EXPECT_EQ(plan.runs[2].state, 1);
  EXPECT_EQ(plan.runs[2].first_row, 9);
}

// What the source was before the step goes on: there is nothing to wait for.
TEST(StateRuns, ACopyFromBeforeTheStepIsNoFork) {
  StepBuilder builder;
  builder.clear();
  builder.copy_state(0, 1);
  add_rows(builder, 9, 10, 1);
  add_rows(builder, 9, 11, 0);
  builder.set_counts(9, 2);
  EXPECT_TRUE(builder.step().state_forks.empty());
  ASSERT_EQ(builder.step().state_copies.size(), 1u);
  EXPECT_EQ(plan_state_runs(builder.step()).chains(), 2);
}

}  // namespace
}  // namespace sizeup
