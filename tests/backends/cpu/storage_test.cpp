// What a model needs in memory, and what is said where there is too little of it.
#include "backends/cpu/storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "backends/cpu/cpu_device.h"
#include "backends/cpu/kernels.h"
#include "backends/cpu/tier.h"
#include "backends/engine/architectures/table.h"
#include "backends/engine/decoder.h"
#include "backends/engine/decoder_extension.h"
#include "tests/support/files.h"
#include "tests/support/random_decoder.h"

namespace sizeup::cpu {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

DecoderSpec small_spec() {
  DecoderSpec spec;
  spec.vocabulary = 100;
  spec.context_length = 4096;
  spec.width = 32;
  spec.norm.epsilon = 1e-5F;
  for (int i = 0; i < 2; ++i) {
    spec.layers.push_back(
        {.attention = {.heads = 4, .kv_heads = 2, .head_size = 8, .rotary = RotarySpec{.dimensions = 8}},
         .kv_layer = i,
         .ffn_width = 64});
  }
  spec.tied_head = true;
  return spec;
}

// 100 x 32 + 2 layers x (64 x 32 + 32 x 32 + 128 x 32 + 32 x 64)
constexpr int64_t kWeights = 3200 + 2 * (2048 + 1024 + 4096 + 2048);

TEST(MemoryNeed, CountsWeightsAsTheyAreKept) {
  const RandomDecoder floats(small_spec(), TensorType::f32, 1);
  const RandomDecoder bfloats(small_spec(), TensorType::bf16, 1);
  EXPECT_EQ(memory_need(Precision::float32, floats.model(), 100).weights, 4 * kWeights);
  EXPECT_EQ(memory_need(Precision::bfloat16, floats.model(), 100).weights, 2 * kWeights);
  EXPECT_EQ(memory_need(Precision::float32, bfloats.model(), 100).weights, 2 * kWeights);
  EXPECT_EQ(memory_need(Precision::float32, floats.model(), 200).activations,
            2 * memory_need(Precision::float32, floats.model(), 100).activations);
}

TEST(MemoryNeed, CountsWhatAnExtensionHas) {
  const RandomDecoder plain(small_spec(), TensorType::bf16, 1);
  const RandomDecoder extended(small_spec(), TensorType::bf16, 1, {.extension = RandomExtension::gemma3n});
  const ExtensionWeights extension = extended.model().tensors.extension->weights();
  int64_t weights = 0;
  for (const auto* matrices : {&extension.matrices, &extension.coefficients}) {
    for (const Tensor* matrix : *matrices) weights += matrix->rows() * matrix->columns();
  }
  const MemoryNeed need = memory_need(Precision::float32, extended.model(), 10);
  const MemoryNeed less = memory_need(Precision::float32, plain.model(), 10);
  EXPECT_EQ(need.weights - less.weights, 2 * weights);
  EXPECT_EQ(need.activations - less.activations, 4 * 10 * extension.row_columns);
}

TEST(DescribeStorage, NamesWhatIsKeptOtherwise) {
  const RandomDecoder floats(small_spec(), TensorType::f32, 1);
  EXPECT_THAT(describe_storage(Precision::float32, floats.model().tensors), IsEmpty());
  EXPECT_THAT(describe_storage(Precision::bfloat16, floats.model().tensors),
              ElementsAre(HasSubstr("F32 weights are kept as BF16")));
}

TEST(DescribeStorage, NamesFormsWhoseRowsAreComputed) {
  const auto checkpoint = open_checkpoint(golden_folder() / "tiny_quantised" / "fp8_block");
  ASSERT_TRUE(checkpoint.has_value()) << describe(checkpoint.error());
  const auto model = describe_decoder(**checkpoint);
  ASSERT_TRUE(model.has_value()) << describe(model.error());
  EXPECT_THAT(describe_storage(Precision::float32, model->tensors),
              ElementsAre(HasSubstr("FP8 weights are kept as F32")));
}

class LittleMemory : public testing::Test {
 protected:
  void SetUp() override {
    if (!best_cpu_tier()) GTEST_SKIP() << "no tier of the CPU device runs here";
  }
  static auto open(int64_t bytes) {
    static const RandomDecoder random(small_spec(), TensorType::f32, 1);
    DeviceOptions options;
    options.memory_bytes = bytes;
    return make_cpu_device(random.model(), options);
  }
};

TEST_F(LittleMemory, IsAnErrorWithTheNeed) {
  const auto device = open(int64_t{50} << 20);
  ASSERT_FALSE(device.has_value());
  EXPECT_EQ(device.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(describe(device.error()), AllOf(HasSubstr("the model needs"), HasSubstr("0.05 GB are free")));
}

TEST_F(LittleMemory, LeavesPagesWhatTheModelDoesNotNeed) {
  const int64_t more = int64_t{10} << 20;
  const auto device = open(int64_t{200} << 20);
  const auto larger = open((int64_t{200} << 20) + more);
  ASSERT_TRUE(device.has_value() && larger.has_value());
  EXPECT_GT((*device)->traits().page_memory, 0);
  EXPECT_EQ((*larger)->traits().page_memory - (*device)->traits().page_memory, more);
}

// Kernels whose products of bfloat16 weights are of pairs, and of others of floats.
const ProductFamily& pairs_of_bfloats(Precision precision, bool bfloat_weights) {
  static const ProductFamily floats = kernels_of(*best_cpu_tier()).product(Precision::float32, false);
  static const ProductFamily pairs = [] {
    ProductFamily family = floats;
    family.operand = OperandFormat::pairs;
    return family;
  }();
  return precision == Precision::bfloat16 && bfloat_weights ? pairs : floats;
}

TEST(CpuDevice, DefaultPrecisionIsTheFasterOneForTheWeights) {
  if (!best_cpu_tier()) GTEST_SKIP() << "this processor has no tier";
  Kernels kernels = kernels_of(*best_cpu_tier());
  kernels.product = pairs_of_bfloats;
  const auto precision_of = [&](TensorType weights, std::optional<Precision> asked = std::nullopt) {
    DeviceOptions options;
    options.precision = asked;
    const RandomDecoder random(small_spec(), weights, 1);
    return (*make_device(random.model(), options, kernels))->traits().precision;
  };
  kernels.fast_precision = Precision::bfloat16;
  EXPECT_EQ(precision_of(TensorType::bf16), Precision::bfloat16);
  EXPECT_EQ(precision_of(TensorType::q8_0), Precision::float32) << "bfloat16 would only round";
  EXPECT_EQ(precision_of(TensorType::q8_0, Precision::bfloat16), Precision::bfloat16) << "asked for";
  kernels.fast_precision = Precision::float32;
  EXPECT_EQ(precision_of(TensorType::bf16), Precision::float32);
}

}  // namespace
}  // namespace sizeup::cpu
