// LoRA adapters against PEFT's models, which do not merge them: tests/oracles/tiny_lora_golden.py.
#include "backends/engine/adapted_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/engine/decoder.h"
#include "backends/engine/engine_backend.h"
#include "backends/engine/formats/quantise.h"
#include "backends/reference/reference_device.h"
#include "core/json/json.h"
#include "tests/backends/engine/token_runner.h"
#include "tests/backends/formats/gguf_builder.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const fs::path kLora = golden_folder() / "tiny_lora";
const std::string kBase = (golden_folder() / "tiny_llama" / "wide_heads_bf16").string();

Result<OpenedModel> open(const std::string& reference) {
  return open_weights(*ModelReference::parse(reference));
}

std::string error_of(const std::string& reference) {
  const auto opened = open(reference);
  return opened ? "no error" : describe(opened.error());
}

std::vector<TokenOutcome> scores(const OpenedModel& opened, const Json& sequences) {
  Decoder decoder(opened.model, std::move(*make_reference_device(opened.model, {})));
  std::vector<TokenRequest> requests;
  for (const Json& sequence : sequences)
    requests.push_back(score_request(sequence["tokens"].get<std::vector<Token>>(), 1));
  Plan plan({});
  return TokenRunner([&](const Step& step, StepResult& result) { decoder.run(step, result); })
      .run(plan, std::move(requests));
}

TEST(AdaptedWeights, LogProbabilitiesAgreeWithPeft) {
  const Json golden = parse_json(read_whole(kLora / "expected.json"), "expected.json").value();
  ASSERT_EQ(golden.size(), 6u);
  for (const Json& entry : golden) {
    std::vector<std::string> adapters;
    for (const Json& adapter : entry["adapters"]) {
      adapters.push_back(fmt::format("{}*{}", (kLora / adapter["name"].get<std::string>()).string(),
                                     adapter["weight"].get<float>()));
    }
    const std::string reference =
        fmt::format("{}?adapter={}", (golden_folder() / entry["base"].get<std::string>()).string(),
                    fmt::join(adapters, ","));
    SCOPED_TRACE(reference);
    const auto opened = open(reference);
    ASSERT_TRUE(opened.has_value()) << describe(opened.error());
    const auto outcomes = scores(*opened, entry["sequences"]);
    for (size_t i = 0; i < outcomes.size(); ++i) {
      const auto expected = entry["sequences"][i]["logprobs"].get<std::vector<float>>();
      ASSERT_EQ(outcomes[i].logprobs.size(), expected.size());
      for (size_t t = 0; t < expected.size(); ++t) ASSERT_NEAR(outcomes[i].logprobs[t], expected[t], 2e-4F);
    }
  }
}

TEST(AdaptedWeights, AreMergedBeforeTheyAreRounded) {
  const std::string reference = (golden_folder() / "tiny_quantised" / "gptq_act_order").string() +
                                "?adapter=" + (kLora / "attention_64").string();
  const auto merged = open(reference);
  const auto rounded = open(reference + "&quant=q8_0");
  ASSERT_TRUE(merged.has_value()) << describe(merged.error());
  ASSERT_TRUE(rounded.has_value()) << describe(rounded.error());
  const Tensor& source = *merged->checkpoint->find("model.layers.1.self_attn.v_proj.weight");
  const Tensor& tensor = *rounded->checkpoint->find(source.name);
  EXPECT_EQ(stored_format(source), "GPTQ 4-bit+LoRA");
  ASSERT_EQ(tensor.type, TensorType::q8_0);
  EXPECT_EQ(tensor.computed, nullptr);
  std::vector<float> row(static_cast<size_t>(source.columns()));
  std::vector<std::byte> bytes(static_cast<size_t>(row_bytes(TensorType::q8_0, source.columns())));
  for (int64_t r = 0; r < source.rows(); ++r) {
    dequantise_row(source, r, row);
    ASSERT_TRUE(quantise_row(TensorType::q8_0, row, bytes));
    ASSERT_TRUE(std::ranges::equal(rows_of(tensor, r, 1).data, bytes)) << r;
  }
}

TEST(AdaptedWeights, AreNamedByNotesAndIdentity) {
  const std::string one = kBase + "?adapter=" + (kLora / "attention").string();
  const auto whole = open(one);
  const auto half = open(one + "*0.5");
  const auto other = open(kBase + "?adapter=" + (kLora / "stabilised").string());
  const auto none = open(kBase);
  ASSERT_TRUE(whole && half && other && none);
  EXPECT_THAT(whole->notes,
              ElementsAre(AllOf(HasSubstr("adapter "), HasSubstr("attention: rank 4, 6 matrices"))));
  EXPECT_THAT(half->notes, ElementsAre(HasSubstr(", times 0.5")));
  EXPECT_THAT(other->notes, ElementsAre(HasSubstr("rank 2 to 6, 15 matrices")));
  EXPECT_EQ(none->adapters, "");
  EXPECT_NE(whole->adapters, half->adapters);
  EXPECT_NE(whole->adapters, other->adapters);
  EXPECT_NE(adapted_fingerprint("f", whole->adapters), adapted_fingerprint("f", half->adapters));
  EXPECT_NE(adapted_fingerprint("f", whole->adapters), "f");
}

TEST(AdaptedWeights, RefuseAnOptionThatIsNoList) {
  for (const char* option : {"*0.5", "a*", "a*x", "a*1x", "a,,b", "a,", "a*inf", "a*nan"}) {
    EXPECT_THAT(error_of(std::string("no/such/model?adapter=") + option),
                HasSubstr("is not a folder or a folder times"))
        << option;
  }
  EXPECT_THAT(error_of(kBase + "?adapter=/no/such/folder"), HasSubstr("adapter_config.json: file not found"));
  EXPECT_THAT(error_of(source_path("models/pocket/pocket-small.gguf").string() + "?adapter=a"),
              HasSubstr("adapters are not applied to GGUF files yet"));
}

TEST(AdaptedWeights, ListWhatFitsNoMatrix) {
  const std::string other = (golden_folder() / "tiny_quantised" / "awq").string();
  EXPECT_THAT(error_of(other + "?adapter=" + (kLora / "attention").string()),
              AllOf(HasSubstr("does not fit"),
                    HasSubstr("model.layers.0.mlp.down_proj ({21, 33} for a matrix of {64, 96})"),
                    HasSubstr("model.layers.1.self_attn.v_proj")));
  const std::string tied = (golden_folder() / "tiny_llama" / "gqa_tied_f32").string();
  EXPECT_THAT(error_of(tied + "?adapter=" + (kLora / "stabilised").string()), HasSubstr("lm_head,"));
}

// An adapter of one module `m` with rank 2, 3 inputs and 4 outputs, in which something is changed.
class AdapterFolder : public testing::Test {
 protected:
  struct Part {
    std::string name;
    std::string shape = "[2, 3]";
    int elements = 6;
  };

  std::string problem(const Json& change, const std::vector<Part>& parts = usual()) const {
    Json config = {{"peft_type", "LORA"}, {"r", 2}, {"lora_alpha", 4}, {"target_modules", {"m"}}};
    config.update(change);
    folder_.write("adapter_config.json", to_line(config));
    std::string header;
    int end = 0;
    for (const Part& part : parts) {
      header += fmt::format("{}\"{}\":{{\"dtype\":\"F32\",\"shape\":{},\"data_offsets\":[{},{}]}}",
                            header.empty() ? "" : ",", part.name, part.shape, end, end + 4 * part.elements);
      end += 4 * part.elements;
    }
    header = "{" + header + "}";
    folder_.write(
        "adapter_model.safetensors",
        GgufBuilder().value<uint64_t>(header.size()).raw(header).zeros(static_cast<size_t>(end)).bytes());
    const std::string error = error_of(kBase + "?adapter=" + folder_.path().string());
    // The base has no such module, which is found out last.
    return error.find("does not fit") != std::string::npos ? "no problem" : error;
  }

  static std::vector<Part> usual() {
    return {{"base_model.model.m.lora_A.weight"}, {"base_model.model.m.lora_B.weight", "[4, 2]", 8}};
  }

  TemporaryFolder folder_;
};

TEST_F(AdapterFolder, MayHaveSettingsThatChangeNothing) {
  EXPECT_EQ(problem(Json::object()), "no problem");
  EXPECT_EQ(problem({{"task_type", "CAUSAL_LM"}, {"lora_dropout", 0.1}, {"new_thing", nullptr}}),
            "no problem");
  EXPECT_EQ(problem({{"target_modules", ".*m"}}), "no problem");
}

TEST_F(AdapterFolder, IsRefusedWithSettingsThatChangeItsMeaning) {
  EXPECT_THAT(problem({{"peft_type", "LOHA"}}), HasSubstr("'peft_type' is \"LOHA\""));
  EXPECT_THAT(problem({{"bias", "all"}}), HasSubstr("'bias' is \"all\""));
  EXPECT_THAT(problem({{"use_dora", true}}), HasSubstr("'use_dora' is true"));
  EXPECT_THAT(problem({{"fan_in_fan_out", true}}), HasSubstr("'fan_in_fan_out' is true"));
  EXPECT_THAT(problem({{"modules_to_save", {"lm_head"}}}), HasSubstr("'modules_to_save' is [\"lm_head\"]"));
  EXPECT_THAT(problem({{"init_lora_weights", "pissa_niter_4"}}), HasSubstr("'init_lora_weights' is"));
  EXPECT_THAT(problem({{"layer_replication", {{0, 4}}}}), HasSubstr("'layer_replication' is"));
  EXPECT_THAT(problem({{"rank_pattern", {{".*m", 4}}}}), HasSubstr("'rank_pattern' is"));
  EXPECT_THAT(problem({{"r", -2}}), HasSubstr("'r' is -2"));
  EXPECT_THAT(problem({{"lora_alpha", "x"}}), HasSubstr("'lora_alpha' is \"x\""));
}

TEST_F(AdapterFolder, IsRefusedIfItsTensorsDoNotFitEachOther) {
  const Json none = Json::object();
  EXPECT_THAT(problem({{"r", 3}}), HasSubstr("module 'm' has lora_A of F32 {2, 3} and lora_B of F32 {4, 2}"));
  EXPECT_THAT(problem({{"rank_pattern", {{"m", 3}}}}), HasSubstr("(expected: floats of {3, inputs}"));
  EXPECT_EQ(problem({{"r", 8}, {"rank_pattern", {{"m", 2}}}}), "no problem");
  EXPECT_THAT(problem(none, {{"m.lora_A.weight"}}), HasSubstr("no part of a LoRA matrix: m.lora_A.weight"));
  EXPECT_THAT(problem(none, {{"m.lora_A.weight"}, {"m.lora_B.weight", "[4, 3]", 12}}),
              HasSubstr("lora_B of F32 {4, 3}"));
  EXPECT_THAT(problem(none, {{"m.lora_embedding_A"}, {"m.weight"}}),
              HasSubstr("no part of a LoRA matrix: m.lora_embedding_A, m.weight"));
  EXPECT_THAT(problem(none, {}), HasSubstr("has no tensors"));
  EXPECT_THAT(problem({{"target_modules", {"m", "q"}}}), HasSubstr("no tensors for the target modules q"));
  EXPECT_THAT(problem({{"target_modules", {"n"}}}), HasSubstr("'target_modules' lacks m"));
}

}  // namespace
}  // namespace sizeup
