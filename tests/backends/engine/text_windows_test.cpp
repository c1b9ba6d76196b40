#include "backends/engine/text_windows.h"

#include <gtest/gtest.h>

#include "backends/engine/architectures/table.h"
#include "backends/engine/decoder.h"
#include "backends/engine/formats/checkpoint.h"
#include "backends/reference/reference_device.h"
#include "core/errors/result.h"
#include "tests/backends/engine/token_runner.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

std::vector<Token> counting(int count, int modulus) {
  std::vector<Token> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back((i * 7 + 3) % modulus);
  return tokens;
}

TEST(TextWindows, CutTheTextAndBeginWithBos) {
  const TextWindows windows({1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, 5, 1);
  EXPECT_EQ(windows.count(), 2) << "the last token fills no window";
  EXPECT_EQ(windows.window(0), (std::vector<Token>{1, 10, 11, 12, 13}));
  EXPECT_EQ(windows.window(1), (std::vector<Token>{1, 15, 16, 17, 18})) << "BOS in place of 14";
  EXPECT_EQ(windows.first_scored(), 2);
  EXPECT_EQ(windows.scored(), 2) << "tokens 3 and 4, predicted after 2 and 3";
  const TextWindows plain({10, 11, 12, 13, 14, 15, 16, 17}, 4, std::nullopt);
  EXPECT_EQ(plain.window(1), (std::vector<Token>{14, 15, 16, 17}));
  EXPECT_EQ(TextWindows({1, 2, 3}, 4, 1).count(), 0);
  EXPECT_THROW(TextWindows({1, 2, 3}, 3, 1), InternalError);
}

TEST(WindowSteps, RespectBothLimits) {
  const std::vector<Token> window = counting(101, 50);
  const std::vector<Step> steps = window_steps(window, 50, {.rows = 32, .wanted = 20});
  std::vector<int> rows;
  std::vector<size_t> wanted;
  int position = 0;
  for (const Step& step : steps) {
    rows.push_back(step.rows());
    wanted.push_back(step.wanted.size());
    EXPECT_EQ(step.page_count, 2);
    for (const int32_t at : step.positions) EXPECT_EQ(at, position++);
    for (const WantedRow& row : step.wanted) EXPECT_TRUE(row.distribution);
  }
  EXPECT_EQ(rows, (std::vector<int>{32, 18, 20, 20, 10}));
  EXPECT_EQ(wanted, (std::vector<size_t>{0, 0, 20, 20, 10}));
  EXPECT_EQ(position, 100) << "nothing follows the last token";
}

// The distributions hold what the plan finds when it scores the same tokens, bit for bit, however a window is
// cut into steps.
TEST(WindowSteps, BringTheBitsOfScoring) {
  const auto checkpoint = open_checkpoint(golden_folder() / "tiny_llama/blocks_q8_0.gguf").value();
  const auto model = describe_decoder(*checkpoint).value();
  Decoder decoder(model, std::move(*make_reference_device(model, {})));
  const auto vocabulary = static_cast<size_t>(model.spec.vocabulary);
  const std::vector<Token> window = counting(91, model.spec.vocabulary);
  constexpr int kFirst = 45;
  Plan plan({});
  TokenRunner runner([&](const Step& step, StepResult& result) { decoder.run(step, result); });
  const std::vector<float> expected = runner.run(plan, {score_request(window, kFirst + 1)})[0].logprobs;
  ASSERT_EQ(expected.size(), 45u);
  for (const StepLimits& limits :
       {StepLimits{.rows = 512, .wanted = 512}, StepLimits{.rows = 7, .wanted = 64},
        StepLimits{.rows = 64, .wanted = 1}}) {
    std::vector<float> found;
    StepResult result;
    for (const Step& step : window_steps(window, kFirst, limits)) {
      decoder.run(step, result);
      ASSERT_EQ(result.distributions.size(), step.wanted.size() * vocabulary);
      for (size_t w = 0; w < step.wanted.size(); ++w) {
        const int position = step.positions[static_cast<size_t>(step.wanted[w].row)];
        const auto next = static_cast<size_t>(window[static_cast<size_t>(position) + 1]);
        found.push_back(result.distributions[w * vocabulary + next]);
      }
    }
    EXPECT_EQ(found, expected) << limits.rows << " rows";
  }
}

}  // namespace
}  // namespace sizeup
