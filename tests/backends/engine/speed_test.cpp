// What a measurement counts, on a bundled model; how long it takes is nobody's business here.
#include "backends/engine/speed.h"

#include <gtest/gtest.h>

#include "backends/engine/architectures/table.h"
#include "backends/engine/formats/checkpoint.h"
#include "backends/reference/reference_device.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

SpeedSettings small_settings() {
  SpeedSettings settings;
  settings.step_rows = {8, 32};
  settings.prompt = 16;
  settings.streams = {1, 3};
  settings.generation_prompt = 10;
  settings.new_tokens = 6;
  settings.shared = {.prefix = 30, .question = 9, .options = 4, .questions = 3, .unshared_questions = 2};
  settings.repetitions = 2;
  return settings;
}

DecoderSpeed measure(const SpeedSettings& settings) {
  const auto checkpoint = open_checkpoint(source_path("models/pocket/pocket-small.gguf")).value();
  const auto model = describe_decoder(*checkpoint).value();
  Decoder decoder(model, std::move(*make_reference_device(model, {})));
  return measure_speed(decoder, settings, [](const std::string&) {});
}

TEST(Speed, CountsWhatWasAskedUniqueAndComputed) {
  const DecoderSpeed speed = measure(small_settings());
  ASSERT_EQ(speed.shared.size(), 2u);
  const SharedSpeed& shared = speed.shared[0];
  EXPECT_TRUE(shared.shared);
  EXPECT_EQ(shared.tokens_asked, 3 * 4 * (30 + 9 + 1));
  EXPECT_EQ(shared.counts.rows_unique, 30 + 3 * 9) << "options differ in a token that is only predicted";
  EXPECT_EQ(shared.counts.rows_computed, shared.counts.rows_unique);
  EXPECT_EQ(shared.rows, shared.counts.rows_computed)
      << "the rows of the steps are those of the plan's claim";
  const SharedSpeed& unshared = speed.shared[1];
  EXPECT_FALSE(unshared.shared);
  EXPECT_EQ(unshared.tokens_asked, 2 * 4 * (30 + 9 + 1));
  EXPECT_EQ(unshared.rows, 2 * 4 * (30 + 9));
}

TEST(Speed, PromptsFillTheStepsTheyAreMeasuredIn) {
  const SpeedSettings settings = small_settings();
  const DecoderSpeed speed = measure(settings);
  ASSERT_EQ(speed.prompts.size(), 2u);
  EXPECT_EQ(speed.prompts[0].prompts, 1) << "in two steps";
  EXPECT_EQ(speed.prompts[1].prompts, 2) << "in one";
  EXPECT_EQ(speed.prompts[1].tokens_per_second.count, 2) << "the first repetition makes room only";
  // The same prompts in other steps are the same work.
  EXPECT_DOUBLE_EQ(speed.prompts[0].flop_per_token, speed.prompts[1].flop_per_token);
}

TEST(Speed, GenerationCountsStepsInWhichAllStreamsRun) {
  SpeedSettings settings = small_settings();
  settings.step_rows = {8};  // three prompts of 10 tokens begin in different steps
  const DecoderSpeed speed = measure(settings);
  ASSERT_EQ(speed.generation.size(), 2u);
  for (size_t i = 0; i < speed.generation.size(); ++i) {
    const GenerationSpeed& one = speed.generation[i];
    EXPECT_EQ(one.streams, settings.streams[i]);
    EXPECT_GE(one.tokens_per_second.count, settings.new_tokens - 1)
        << "the first comes from the prompt's step";
    EXPECT_GT(one.context, settings.generation_prompt);
    EXPECT_LT(one.context, settings.positions());
  }
  // A lone stream attends to 11, 12, ... positions.
  EXPECT_DOUBLE_EQ(speed.generation[0].context, 10 + (speed.generation[0].tokens_per_second.count + 1) / 2.0);
}

TEST(Speed, DraftsAreMeasuredForEveryNumberOfStreams) {
  const SpeedSettings settings = small_settings();
  const DecoderSpeed speed = measure(settings);
  ASSERT_EQ(speed.drafts.size(), 2u);
  for (size_t i = 0; i < speed.drafts.size(); ++i) {
    const DraftSpeed& one = speed.drafts[i];
    EXPECT_EQ(one.streams, settings.streams[i]);
    EXPECT_EQ(one.counts.tokens_generated, one.streams * settings.new_tokens_of(one.streams));
    EXPECT_GT(one.plain_tokens_per_second, 0.0);
    EXPECT_GT(one.tokens_per_second, 0.0);
    EXPECT_LE(one.counts.rows_accepted, one.counts.rows_drafted);
  }
  DraftSpeed half;
  half.counts = {.rows_drafted = 9, .rows_accepted = 5, .tokens_generated = 15};
  EXPECT_DOUBLE_EQ(half.accepted_per_step(), 0.5);
}

TEST(Speed, SettingsFitAShortContext) {
  SpeedSettings settings;
  settings.streams = {1};
  settings.fit(512);
  EXPECT_EQ(settings.prompt, 512);
  EXPECT_EQ(settings.shared.request_tokens() + 1, 512);
  EXPECT_LE(settings.positions(), 512);
  settings.fit(64);
  EXPECT_GT(settings.positions(), 64) << "nothing sensible is left: the caller has to look";
}

}  // namespace
}  // namespace sizeup
