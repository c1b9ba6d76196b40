// LoRA adapters against PEFT's models, which do not merge them: tests/oracles/tiny_lora_golden.py.
#include "backends/engine/adapted_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

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

void expect_scores(const std::string& reference, const Json& sequences) {
  const auto opened = open(reference);
  ASSERT_TRUE(opened.has_value()) << describe(opened.error());
  const auto outcomes = scores(*opened, sequences);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const auto expected = sequences[i]["logprobs"].get<std::vector<float>>();
    ASSERT_EQ(outcomes[i].logprobs.size(), expected.size());
    for (size_t t = 0; t < expected.size(); ++t) ASSERT_NEAR(outcomes[i].logprobs[t], expected[t], 2e-4F);
  }
}

TEST(AdaptedWeights, LogProbabilitiesAgreeWithPeft) {
  const Json golden = parse_json(read_whole(kLora / "expected.json"), "expected.json").value();
  ASSERT_EQ(golden.size(), 6u);
  int gguf_files = 0;
  for (const Json& entry : golden) {
    std::vector<std::string> adapters;
    for (const Json& adapter : entry["adapters"]) {
      adapters.push_back(fmt::format("{}*{}", (kLora / adapter["name"].get<std::string>()).string(),
                                     adapter["weight"].get<float>()));
    }
    for (const Json& base : entry["bases"]) {
      const std::string path = (golden_folder() / base.get<std::string>()).string();
      const std::string reference = fmt::format("{}?adapter={}", path, fmt::join(adapters, ","));
      SCOPED_TRACE(reference);
      expect_scores(reference, entry["sequences"]);
      gguf_files += path.ends_with(".gguf") ? 1 : 0;
    }
  }
  EXPECT_EQ(gguf_files, 3);
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
}

TEST(AdaptedWeights, ListWhatFitsNoMatrix) {
  const std::string other = (golden_folder() / "tiny_quantised" / "awq").string();
  EXPECT_THAT(error_of(other + "?adapter=" + (kLora / "attention").string()),
              AllOf(HasSubstr("does not fit"),
                    HasSubstr("model.layers.0.mlp.down_proj ({21, 33} for a matrix of {64, 96})"),
                    HasSubstr("model.layers.1.self_attn.v_proj")));
  for (const char* file : {"gqa_tied_f32", "gqa_tied_f32.gguf"}) {
    const std::string tied = (golden_folder() / "tiny_llama" / file).string();
    EXPECT_THAT(error_of(tied + "?adapter=" + (kLora / "stabilised").string()), HasSubstr("lm_head,"));
  }
}

// Writes an adapter of rank 2 with random matrices for modules of a folder's checkpoint.
void write_random_adapter(const TemporaryFolder& folder, const Checkpoint& base,
                          const std::vector<std::string>& modules) {
  constexpr int64_t kRank = 2;
  std::mt19937 random(11);
  std::normal_distribution<float> normal(0.0F, 0.4F);
  std::string header, data;
  const auto add = [&](const std::string& name, int64_t rows, int64_t columns) {
    const size_t begin = data.size();
    for (int64_t i = 0; i < rows * columns; ++i) {
      const float value = normal(random);
      data.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    header += fmt::format("{}\"{}\":{{\"dtype\":\"F32\",\"shape\":[{},{}],\"data_offsets\":[{},{}]}}",
                          header.empty() ? "{" : ",", name, rows, columns, begin, data.size());
  };
  for (const std::string& module : modules) {
    const Tensor* weight = base.find(module + ".weight");
    ASSERT_NE(weight, nullptr) << module;
    add("base_model.model." + module + ".lora_A.weight", kRank, weight->columns());
    add("base_model.model." + module + ".lora_B.weight", weight->rows(), kRank);
  }
  header += "}";
  const Json config = {{"peft_type", "LORA"}, {"r", kRank}, {"lora_alpha", 3}, {"target_modules", modules}};
  folder.write("adapter_config.json", to_line(config));
  folder.write("adapter_model.safetensors",
               GgufBuilder().value<uint64_t>(header.size()).raw(header + data).bytes());
}

// The largest difference between the log-probabilities of two models of the same tokens.
float difference(const std::string& a, const std::string& b) {
  std::vector<Token> tokens;
  for (int i = 0; i < 40; ++i) tokens.push_back(i * 7 % 50);
  const Json sequences = {{{"tokens", tokens}}};
  const auto first = open(a), second = open(b);
  EXPECT_TRUE(first.has_value()) << describe(first.error());
  EXPECT_TRUE(second.has_value()) << describe(second.error());
  if (!first || !second) return INFINITY;
  const auto ours = scores(*first, sequences)[0].logprobs, theirs = scores(*second, sequences)[0].logprobs;
  float most = 0.0F;
  for (size_t i = 0; i < ours.size(); ++i) most = std::max(most, std::abs(ours[i] - theirs[i]));
  return most;
}

// The same weights as a folder and as a GGUF file, whose experts are stacked and whose queries and keys may
// be permuted.
TEST(AdaptedWeights, ChangeAGgufFileAsTheyChangeTheFolder) {
  struct Case {
    std::string base;
    std::vector<std::string> modules;
  };
  const std::string layer = "model.layers.1.";
  const std::vector<Case> cases = {
      {"tiny_mixture/mixtral_f32",
       {layer + "self_attn.q_proj", layer + "self_attn.k_proj", layer + "self_attn.o_proj",
        layer + "block_sparse_moe.gate", layer + "block_sparse_moe.experts.0.w1",
        layer + "block_sparse_moe.experts.2.w2", layer + "block_sparse_moe.experts.2.w3"}},
      {"tiny_mixture/qwen2_moe_f32",
       {layer + "self_attn.q_proj", layer + "self_attn.v_proj", layer + "mlp.experts.3.gate_proj",
        layer + "mlp.experts.1.down_proj", layer + "mlp.shared_expert.up_proj", "lm_head"}},
      {"tiny_deepseek/grouped_heads",
       {layer + "self_attn.q_proj", layer + "self_attn.k_proj", layer + "mlp.experts.8.up_proj",
        layer + "mlp.shared_experts.gate_proj", layer + "mlp.gate"}},
      {"tiny_families/smollm3",
       {layer + "self_attn.q_proj", layer + "self_attn.k_proj", "model.layers.3.self_attn.q_proj",
        layer + "mlp.up_proj"}},
      {"tiny_families/phi3_longrope",
       {layer + "self_attn.qkv_proj", layer + "mlp.gate_up_proj", layer + "mlp.down_proj"}},
  };
  for (const Case& tested : cases) {
    SCOPED_TRACE(tested.base);
    const TemporaryFolder folder;
    const std::string base = (golden_folder() / tested.base).string();
    const auto checkpoint = open_checkpoint(base);
    ASSERT_TRUE(checkpoint.has_value()) << describe(checkpoint.error());
    write_random_adapter(folder, **checkpoint, tested.modules);
    const std::string adapter = "?adapter=" + folder.path().string();
    EXPECT_LT(difference(base + adapter, base + ".gguf" + adapter), 2e-4F);
    EXPECT_GT(difference(base, base + ".gguf" + adapter), 0.1F);
  }
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
