// Tiny random Llama models against transformers in float32: tests/oracles/tiny_llama_golden.py.
#include <gtest/gtest.h>

#include <filesystem>

#include "backends/engine/architectures/table.h"
#include "backends/engine/decoder.h"
#include "backends/reference/reference_device.h"
#include "core/io/file.h"
#include "core/json/json.h"
#include "tests/backends/engine/token_runner.h"

namespace sizeup {
namespace {

const std::filesystem::path kGolden = std::filesystem::path(SIZEUP_SOURCE_DIR) / "tests/golden/tiny_llama";

Json expected_values() {
  const auto text = read_file(kGolden / "expected.json");
  return text ? parse_json(*text, "expected.json").value_or(Json()) : Json();
}

TEST(TinyLlama, LogProbabilitiesAgreeWithTransformers) {
  const Json expected = expected_values();
  ASSERT_EQ(expected.size(), 4u);
  int files = 0;
  for (const Json& entry : expected) {
    for (const Json& file : entry["files"]) {
      SCOPED_TRACE(file["path"].get<std::string>());
      const auto checkpoint = open_checkpoint(kGolden / file["path"].get<std::string>());
      ASSERT_TRUE(checkpoint.has_value()) << describe(checkpoint.error());
      const auto model = describe_decoder(**checkpoint);
      ASSERT_TRUE(model.has_value()) << describe(model.error());
      EXPECT_EQ(model->spec.tied_head, entry["tied"].get<bool>());
      EXPECT_EQ(model->spec.vocabulary, entry["vocabulary"].get<int>());
      Decoder decoder(*model, make_reference_device(model->spec));
      const float bound = file["bound"].get<float>();
      for (const Json& sequence : entry["sequences"]) {
        const auto tokens = sequence["tokens"].get<std::vector<Token>>();
        Plan plan({});
        const auto outcome = TokenRunner([&](const Step& step, StepResult& result) {
                               decoder.run(step, result);
                             }).run(plan, {score_request(tokens, 1)});
        const auto logprobs = sequence["logprobs"].get<std::vector<float>>();
        const auto best = sequence["best"].get<std::vector<Token>>();
        ASSERT_EQ(outcome[0].logprobs.size(), logprobs.size());
        for (size_t i = 0; i < logprobs.size(); ++i) {
          ASSERT_NEAR(outcome[0].logprobs[i], logprobs[i], bound) << "token " << i + 1;
          EXPECT_EQ(outcome[0].best[i], best[i] == tokens[i + 1]) << "token " << i + 1;
        }
      }
      ++files;
    }
  }
  EXPECT_EQ(files, 6);
}

}  // namespace
}  // namespace sizeup
