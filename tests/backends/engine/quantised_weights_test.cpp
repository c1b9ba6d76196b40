#include "backends/engine/quantised_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <optional>
#include <random>

#include "backends/engine/decoder.h"
#include "backends/engine/engine_backend.h"
#include "backends/engine/formats/quantise.h"
#include "backends/reference/reference_device.h"
#include "backends/registry.h"
#include "tests/backends/engine/token_runner.h"
#include "tests/backends/formats/gguf_builder.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kWidth = 256;
constexpr uint64_t kVocabulary = 70;

struct Weight {
  std::string name;
  std::vector<uint64_t> shape;  // innermost first, as in the file
  std::vector<float> values;
};

// A Llama model of two heads and one layer; `ffn` inner units are the columns of its down matrix.
std::vector<Weight> random_weights(uint64_t ffn) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<Weight> weights;
  const auto add = [&](std::string name, std::vector<uint64_t> shape) {
    uint64_t count = 1;
    for (const uint64_t size : shape) count *= size;
    std::vector<float> values(count);
    const bool vector = shape.size() == 1;
    for (float& value : values) value = vector ? 1 + 0.2F * normal(random) : 0.06F * normal(random);
    weights.push_back({std::move(name), std::move(shape), std::move(values)});
  };
  add("token_embd.weight", {kWidth, kVocabulary});
  add("blk.0.attn_norm.weight", {kWidth});
  for (const char* name : {"q", "k", "v", "output"}) {
    add(std::string("blk.0.attn_") + name + ".weight", {kWidth, kWidth});
  }
  add("blk.0.ffn_norm.weight", {kWidth});
  add("blk.0.ffn_gate.weight", {kWidth, ffn});
  add("blk.0.ffn_up.weight", {kWidth, ffn});
  add("blk.0.ffn_down.weight", {ffn, kWidth});
  add("output_norm.weight", {kWidth});
  return weights;
}

std::string bytes_of(const Weight& weight, TensorType type) {
  const auto columns = static_cast<int64_t>(weight.shape.front());
  if (type == TensorType::f32) {
    return {reinterpret_cast<const char*>(weight.values.data()), weight.values.size() * sizeof(float)};
  }
  const size_t rows = weight.values.size() / weight.shape.front();
  std::string bytes(static_cast<size_t>(row_bytes(type, columns)) * rows, '\0');
  const auto out = std::as_writable_bytes(std::span(bytes));
  for (size_t r = 0; r < rows; ++r) {
    const bool good =
        quantise_row(type, std::span(weight.values).subspan(r * weight.shape.front(), weight.shape.front()),
                     out.subspan(r * bytes.size() / rows, bytes.size() / rows));
    EXPECT_TRUE(good) << weight.name;
  }
  return bytes;
}

// The file with its matrices in `type`.
std::string gguf_file(const std::vector<Weight>& weights, TensorType type, uint64_t ffn) {
  constexpr uint32_t kU32 = 4, kF32 = 6, kString = 8;
  GgufBuilder builder;
  builder.header(weights.size(), 7).key("general.architecture", kString).text("llama");
  const std::pair<const char*, uint64_t> sizes[] = {{"llama.embedding_length", kWidth},
                                                    {"llama.context_length", 64},
                                                    {"llama.block_count", 1},
                                                    {"llama.feed_forward_length", ffn},
                                                    {"llama.attention.head_count", 2}};
  for (const auto& [key, size] : sizes) builder.key(key, kU32).value(static_cast<uint32_t>(size));
  builder.key("llama.attention.layer_norm_rms_epsilon", kF32).value(1e-5F);
  std::string data;
  for (const Weight& weight : weights) {
    const TensorType kept = weight.shape.size() == 1 ? TensorType::f32 : type;
    builder.tensor(weight.name, weight.shape, block_format(kept).gguf_id, data.size());
    data += bytes_of(weight, kept);
    data.resize((data.size() + 31) / 32 * 32);
  }
  return builder.align().raw(data).bytes();
}

class QuantisedWeightsTest : public testing::Test {
 protected:
  static std::string model(const std::vector<Weight>& weights, TensorType type = TensorType::f32,
                           uint64_t ffn = kFfn) {
    static TemporaryFolder folder;
    static int files = 0;
    return folder.write(std::to_string(files++) + ".gguf", gguf_file(weights, type, ffn)).string();
  }

  static OpenedModel open(const std::string& reference) {
    auto opened = open_weights(*ModelReference::parse(reference));
    EXPECT_TRUE(opened.has_value()) << describe(opened.error());
    return std::move(*opened);
  }

  static std::string error_of(const std::string& reference) {
    const auto opened = open_weights(*ModelReference::parse(reference));
    return opened ? "no error" : describe(opened.error());
  }

  static constexpr uint64_t kFfn = 512;
};

std::vector<float> scores(const OpenedModel& opened) {
  Decoder decoder(opened.model, std::move(*make_reference_device(opened.model, {})));
  TokenRunner runner([&](const Step& step, StepResult& result) { decoder.run(step, result); });
  Plan plan({});
  return runner.run(plan, {score_request({3, 1, 41, 59, 26, 5, 35}, 1)})[0].logprobs;
}

TEST_F(QuantisedWeightsTest, AreThoseOfAFileQuantisedBefore) {
  const std::vector<Weight> weights = random_weights(kFfn);
  const std::string floats = model(weights);
  std::map<std::vector<float>, TensorType> seen;
  for (const TensorType type : quantised_types()) {
    SCOPED_TRACE(quant_name(type));
    const OpenedModel rounded = open(floats + "?quant=" + quant_name(type));
    const OpenedModel file = open(model(weights, type));
    for (const Tensor& expected : file.checkpoint->tensors()) {
      const Tensor* tensor = rounded.checkpoint->find(expected.name);
      ASSERT_NE(tensor, nullptr);
      EXPECT_EQ(tensor->type, expected.type) << expected.name;
      EXPECT_EQ(tensor->shape, expected.shape) << expected.name;
      EXPECT_TRUE(std::ranges::equal(tensor->data, expected.data)) << expected.name;
    }
    EXPECT_EQ(describe_weights(*rounded.checkpoint), block_format(type).name);
    EXPECT_THAT(rounded.notes, IsEmpty());
    const std::vector<float> logprobs = scores(rounded);
    EXPECT_EQ(logprobs, scores(file));
    EXPECT_TRUE(seen.emplace(logprobs, type).second) << "as with another format";
  }
}

TEST_F(QuantisedWeightsTest, OfAQuantisedFileStartFromItsValues) {
  const std::vector<Weight> weights = random_weights(kFfn);
  const std::string file = model(weights, TensorType::q8_0);
  const OpenedModel same = open(file + "?quant=q8_0");
  EXPECT_EQ(scores(same), scores(open(file)));
  const OpenedModel narrower = open(file + "?quant=q4_0");
  const OpenedModel source = open(file);
  const Tensor& expected = *source.checkpoint->find("blk.0.ffn_down.weight");
  const Tensor& rounded = *narrower.checkpoint->find(expected.name);
  std::vector<float> row(kFfn);
  std::vector<std::byte> bytes(static_cast<size_t>(row_bytes(TensorType::q4_0, kFfn)));
  for (int64_t r = 0; r < expected.rows(); ++r) {
    dequantise_row(expected, r, row);
    ASSERT_TRUE(quantise_row(TensorType::q4_0, row, bytes));
    ASSERT_EQ(std::memcmp(rows_of(rounded, r, 1).data.data(), bytes.data(), bytes.size()), 0) << r;
  }
}

TEST_F(QuantisedWeightsTest, TakeAWiderFormatWhereBlocksDoNotDivideTheRows) {
  const std::string by_32 = model(random_weights(96), TensorType::f32, 96);
  const OpenedModel wider = open(by_32 + "?quant=q4_k");
  EXPECT_EQ(wider.checkpoint->find("blk.0.ffn_up.weight")->type, TensorType::q4_k);
  EXPECT_EQ(wider.checkpoint->find("blk.0.ffn_down.weight")->type, TensorType::q8_0);
  EXPECT_THAT(wider.notes,
              ElementsAre("quant=q4_k: 1 matrix with rows of 96, no multiple of 256, is Q8_0 instead "
                          "(blk.0.ffn_down.weight)"));
  EXPECT_EQ(describe_weights(*wider.checkpoint), "mixed Q4_K/Q8_0");
  const std::string by_none = model(random_weights(40), TensorType::f32, 40);
  for (const char* quant : {"q8_0", "q6_k", "q4_0"}) {
    const OpenedModel widest = open(by_none + "?quant=" + quant);
    EXPECT_EQ(widest.checkpoint->find("blk.0.ffn_down.weight")->type, TensorType::bf16) << quant;
    EXPECT_EQ(scores(widest).size(), 6u);
  }
}

TEST_F(QuantisedWeightsTest, ArePlannedWithoutBeingRounded) {
  for (const uint64_t ffn : {kFfn, uint64_t{96}}) {
    const auto reference =
        *ModelReference::parse(model(random_weights(ffn), TensorType::f32, ffn) + "?quant=q4_k");
    const auto done = open_weights(reference);
    const auto planned = open_weights(reference, Rounding::planned);
    ASSERT_TRUE(done && planned);
    EXPECT_EQ(planned->notes, done->notes);
    for (const Tensor& tensor : done->checkpoint->tensors()) {
      const Tensor* same = planned->checkpoint->find(tensor.name);
      ASSERT_NE(same, nullptr);
      EXPECT_EQ(same->type, tensor.type) << tensor.name;
      EXPECT_EQ(same->shape, tensor.shape) << tensor.name;
      EXPECT_EQ(stored_bytes(*same), stored_bytes(tensor)) << tensor.name;
    }
  }
}

// Routers choose in float32 and stay as they are; experts are matrices, stacked in one tensor or each in its
// own.
TEST_F(QuantisedWeightsTest, RoundExpertsButNotRouters) {
  const std::filesystem::path golden = golden_folder() / "tiny_mixture";
  for (const char* name : {"qwen2_moe_f32.gguf", "qwen2_moe_f32", "qwen2_moe_f32_stacked", "mixtral_f32"}) {
    SCOPED_TRACE(name);
    const OpenedModel rounded = open((golden / name).string() + "?quant=bf16");
    size_t mixtures = 0;
    for (const LayerTensors& layer : rounded.model.tensors.layers) {
      if (!layer.mixture) continue;
      ++mixtures;
      EXPECT_EQ(layer.mixture->router->type, TensorType::f32);
      std::vector<ExpertTensors> experts = layer.mixture->experts;
      if (layer.mixture->shared) experts.push_back(*layer.mixture->shared);
      for (const ExpertTensors& expert : experts) {
        for (const Tensor* matrix : {&expert.gate, &expert.up, &expert.down}) {
          EXPECT_EQ(matrix->type, TensorType::bf16) << matrix->name;
        }
      }
    }
    EXPECT_GT(mixtures, 0u);
    EXPECT_THAT(rounded.notes, IsEmpty());
  }
}

TEST_F(QuantisedWeightsTest, RefuseAWeightThatNoBlockCanHold) {
  std::vector<Weight> weights = random_weights(kFfn);
  weights[2].values[3 * kWidth + 9] = std::numeric_limits<float>::infinity();
  weights[2].values[7 * kWidth] = std::numeric_limits<float>::quiet_NaN();
  const std::string file = model(weights);
  EXPECT_THAT(error_of(file + "?quant=q6_k"),
              AllOf(HasSubstr("tensor 'blk.0.attn_q.weight' has a weight in row 3"), HasSubstr("Q6_K")));
}

TEST_F(QuantisedWeightsTest, RefuseAnUnknownFormat) {
  EXPECT_THAT(
      error_of("no-such-file.gguf?quant=q3_k"),
      AllOf(HasSubstr("unknown quant 'q3_k'"), HasSubstr("known: bf16, q8_0, q6_k, q5_k, q4_k, q4_0")));
}

TEST_F(QuantisedWeightsTest, AreNamedByTheCard) {
  const std::string file = source_path("models/pocket/pocket-small.gguf").string() + "?device=reference";
  const auto card = [&](const std::string& options) {
    auto backend = open_backend(*ModelReference::parse(file + options));
    EXPECT_TRUE(backend.has_value()) << describe(backend.error());
    return backend ? (*backend)->card() : ModelCard{};
  };
  const ModelCard plain = card("");
  const ModelCard eight = card("&quant=q8_0");
  const ModelCard four = card("&quant=q4_0");
  EXPECT_EQ(card("&quant=q4_0").fingerprint, four.fingerprint);
  EXPECT_NE(plain.fingerprint, eight.fingerprint);
  EXPECT_NE(plain.fingerprint, four.fingerprint);
  EXPECT_NE(eight.fingerprint, four.fingerprint);
  EXPECT_EQ(four.fingerprint.size(), 64u);
  EXPECT_THAT(four.weight_format, HasSubstr("Q4_0"));
  EXPECT_LT(four.bytes, eight.bytes);
  EXPECT_EQ(four.parameters, plain.parameters);
}

}  // namespace
}  // namespace sizeup
