// Golden models on any device: what each file's log-probabilities and greedy text must be.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/engine/architectures/table.h"
#include "backends/engine/decoder.h"
#include "backends/engine/device.h"
#include "core/io/file.h"
#include "core/json/json.h"
#include "tests/backends/engine/token_runner.h"
#include "tests/support/files.h"

namespace sizeup {

inline Json expected_values(const std::filesystem::path& folder) {
  const auto text = read_file(folder / "expected.json");
  return text ? parse_json(*text, "expected.json").value_or(Json()) : Json();
}

// A device with products in float32.
struct Computer {
  std::string name;
  std::function<Result<std::unique_ptr<Device>>(const DecoderModel&)> make;
};

inline std::vector<TokenOutcome> score(Decoder& decoder, const Json& sequences) {
  std::vector<TokenRequest> requests;
  for (const Json& sequence : sequences)
    requests.push_back(score_request(sequence["tokens"].get<std::vector<Token>>(), 1));
  Plan plan({.state_pages = state_pages(decoder.device().traits()),
             .earlier_tokens = decoder.spec().earlier_tokens});
  return TokenRunner([&](const Step& step, StepResult& result) { decoder.run(step, result); })
      .run(plan, std::move(requests));
}

inline void expect_agreement(const TokenOutcome& outcome, const Json& sequence, float bound) {
  const auto tokens = sequence["tokens"].get<std::vector<Token>>();
  const auto logprobs = sequence["logprobs"].get<std::vector<float>>();
  const auto best = sequence["best"].get<std::vector<Token>>();
  ASSERT_EQ(outcome.logprobs.size(), logprobs.size());
  for (size_t i = 0; i < logprobs.size(); ++i) {
    ASSERT_NEAR(outcome.logprobs[i], logprobs[i], bound) << "token " << i + 1;
    EXPECT_EQ(outcome.best[i], best[i] == tokens[i + 1]) << "token " << i + 1;
  }
}

inline void expect_same_greedy_text(Decoder& decoder, const Json& greedy) {
  const auto tokens = greedy["tokens"].get<std::vector<Token>>();
  Plan plan({.state_pages = state_pages(decoder.device().traits()),
             .earlier_tokens = decoder.spec().earlier_tokens});
  const auto outcome = TokenRunner([&](const Step& step, StepResult& result) { decoder.run(step, result); })
                           .run(plan, {generate_request(greedy["prompt"].get<std::vector<Token>>(),
                                                        static_cast<int>(tokens.size()))});
  EXPECT_EQ(outcome[0].tokens, tokens);
}

// Whether "gemma2_old" is of the family "gemma2"; all files are of the family "".
inline bool is_of(std::string_view family, const std::string& file) {
  return family.empty() ||
         (file.starts_with(family) &&
          (file.size() == family.size() || file[family.size()] == '_' || file[family.size()] == '.'));
}

// Every file of the folder, or of a family in it, on every computer; returns how many there are.
inline int expect_folder_agrees(const std::vector<Computer>& computers, const std::filesystem::path& folder,
                                std::string_view family = "") {
  int files = 0;
  for (const Json& entry : expected_values(folder)) {
    for (const Json& file : entry["files"]) {
      if (!is_of(family, file["path"].get<std::string>())) continue;
      SCOPED_TRACE(file["path"].get<std::string>());
      const auto checkpoint = open_checkpoint(folder / file["path"].get<std::string>());
      EXPECT_TRUE(checkpoint.has_value()) << describe(checkpoint.error());
      const auto model = describe_decoder(**checkpoint);
      if (!model) {
        ADD_FAILURE() << describe(model.error());
        continue;
      }
      EXPECT_EQ(model->spec.tied_head, entry["tied"].get<bool>());
      EXPECT_EQ(model->spec.vocabulary, entry["vocabulary"].get<int>());
      for (const Computer& computer : computers) {
        SCOPED_TRACE(computer.name);
        Decoder decoder(*model, std::move(*computer.make(*model)));
        const auto outcomes = score(decoder, entry["sequences"]);
        for (size_t i = 0; i < outcomes.size(); ++i)
          expect_agreement(outcomes[i], entry["sequences"][i], file["bound"].get<float>());
        if (entry.contains("greedy")) expect_same_greedy_text(decoder, entry["greedy"]);
      }
      ++files;
    }
  }
  return files;
}

}  // namespace sizeup
