// What is promised of every device, tier and precision: the same bits for any threads, steps, order, sharing,
// memory and interruption, and while generating as when scoring; and the reference's numbers within a bound.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <numeric>
#include <optional>

#include "backends/cpu/cpu_device.h"
#include "backends/cpu/tier.h"
#include "backends/cuda/plugin.h"
#include "backends/engine/decoder.h"
#include "backends/reference/reference_device.h"
#include "tests/backends/engine/decoder_shapes.h"
#include "tests/backends/engine/random_requests.h"
#include "tests/backends/engine/token_runner.h"
#include "tests/operations/emulated_amx.h"
#include "tests/support/vector_tiers.h"

namespace sizeup {
namespace {

constexpr int kAmple = 100000;

struct Computer {
  std::string name;
  DeviceFactory make;
  DeviceOptions options;
  std::optional<CpuTier> tier;  // that the machine must have
  TensorType weights;
  int rounds = 3;  // of random requests, each larger than the one before
  bool on_gpu = false;
};

// A GPU, with weights as each precision has them and with blocks.
std::vector<Computer> cuda_computers() {
  std::vector<Computer> all;
  for (const TensorType weights : {TensorType::f32, TensorType::bf16, TensorType::q8_0, TensorType::q4_k}) {
    DeviceOptions options;
    options.precision = weights == TensorType::f32 ? Precision::float32 : Precision::bfloat16;
    all.push_back({fmt::format("cuda_{}_{}", precision_name(*options.precision), block_format(weights).name),
                   make_cuda_device, options, std::nullopt, weights, 3, true});
  }
  return all;
}

Result<std::unique_ptr<Device>> make_emulated_amx(const DecoderModel& model, const DeviceOptions& options) {
  return cpu::make_device(model, options, cpu::emulated_amx());
}

// The CPU's tiers in both precisions, with these weights.
std::vector<Computer> cpu_computers(std::initializer_list<TensorType> types) {
  std::vector<Computer> all;
  for (const CpuTierEntry& entry : cpu_tiers()) {
    for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
      for (const TensorType weights : types) {
        DeviceOptions options;
        options.precision = precision;
        options.tier = entry.name;
        all.push_back(
            {fmt::format("{}_{}_{}", entry.name, precision_name(precision), block_format(weights).name),
             make_cpu_device, options, entry.tier, weights});
      }
    }
  }
  return all;
}

// Every other block format, on one tier: its products are those of Q8_0 and Q4_K but for their unpacking,
// which tests/operations compares on all. MXFP4, of which few random blocks are weights of the right size, is
// in the golden tests of gpt-oss.
std::vector<Computer> other_formats() {
  std::vector<Computer> all;
  for (const BlockFormat& format : block_formats()) {
    if (format.block_elements == 1 || format.type == TensorType::q8_0 || format.type == TensorType::q4_k ||
        format.type == TensorType::mxfp4)
      continue;
    for (Computer& computer : cpu_computers({format.type})) {
      if (computer.tier == vector_tiers().back().tier && computer.options.precision == Precision::float32)
        all.push_back(std::move(computer));
    }
  }
  return all;
}

// With weights as their precision has them; these run in the sanitizer build, too.
bool is_usual(const Computer& computer) {
  return (computer.options.precision == Precision::float32) == (computer.weights == TensorType::f32);
}

std::vector<Computer> usual_computers() {
  std::vector<Computer> all = {
      {"reference", make_reference_device, DeviceOptions(), std::nullopt, TensorType::f32, 1}};
  for (Computer& computer : cpu_computers({TensorType::f32, TensorType::bf16})) {
    if (is_usual(computer)) all.push_back(std::move(computer));
  }
  return all;
}

std::vector<Computer> mixed_computers() {
  std::vector<Computer> all = cpu_computers({TensorType::f32, TensorType::bf16});
  std::erase_if(all, is_usual);
  return all;
}

std::vector<Computer> emulated_computers() {
  std::vector<Computer> all;
  const auto add = [&](Precision precision, TensorType weights) {
    DeviceOptions options;
    options.precision = precision;
    all.push_back({fmt::format("amx_{}_{}", precision_name(precision), block_format(weights).name),
                   make_emulated_amx, options, CpuTier::avx2, weights, 1});  // a tile in plain loops is slow
  };
  add(Precision::float32, TensorType::bf16);
  for (const TensorType weights : {TensorType::bf16, TensorType::q8_0}) {
    add(Precision::bfloat16, weights);
  }
  return all;
}

class Reproducible : public testing::TestWithParam<Computer> {
 protected:
  void SetUp() override {
    if (GetParam().on_gpu) {
      if (const auto reason = why_no_cuda_device()) GTEST_SKIP() << *reason;
    }
    if (!GetParam().tier) return;
    if (const auto reason = why_unsupported(*GetParam().tier)) GTEST_SKIP() << *reason;
  }

  static const std::vector<Shape>& specs() { return shapes(GetParam().weights); }

  static RandomDecoder random_decoder(size_t index) {
    return RandomDecoder(specs()[index].spec, GetParam().weights, 5, specs()[index].extras);
  }
  // Shape `index` on this computer.
  static Decoder decoder(size_t index) {
    const RandomDecoder random = random_decoder(index);
    return Decoder(random.model(), std::move(*GetParam().make(random.model(), GetParam().options)));
  }

  // Adds what it took to `counts`.
  static std::vector<TokenOutcome> run(Decoder& decoder, const PlanLimits& limits,
                                       const std::vector<TokenRequest>& requests,
                                       PlanCounts* counts = nullptr) {
    PlanLimits all = limits;
    all.state_pages = state_pages(decoder.device().traits());
    all.earlier_tokens = decoder.spec().earlier_tokens;
    Plan plan(all);
    auto outcomes = TokenRunner([&](const Step& step, StepResult& result) {
                      decoder.run(step, result);
                    }).run(plan, requests);
    if (counts != nullptr) {
      counts->rows_recomputed += plan.counts().rows_recomputed;
      counts->rows_drafted += plan.counts().rows_drafted;
      counts->rows_accepted += plan.counts().rows_accepted;
    }
    return outcomes;
  }
};

TEST_P(Reproducible, BitsDoNotDependOnThreadsStepsOrderSharingMemoryOrDrafts) {
  Random random(21);
  PlanCounts counts;
  for (size_t shape = 0; shape < specs().size(); ++shape) {
    Decoder computing = decoder(shape);
    for (int round = 0; round < GetParam().rounds; ++round) {
      const std::vector<TokenRequest> requests = random_requests(random, 12 + 10 * round);
      computing.device().set_threads(1);
      const auto expected = run(computing, {.max_rows = 512, .pages = kAmple}, requests);
      for (const int threads : {1, 2, 3}) {
        computing.device().set_threads(threads);
        for (const int rows : {1, 64, 777, 8192}) {
          if (rows == 1 && (threads != 2 || round > 0)) continue;  // slow
          const int pages = random.one_of({1, most_pages(requests) + 3, kAmple});
          const bool share = random.below(3) > 0;
          std::vector<size_t> order(requests.size());
          std::iota(order.begin(), order.end(), 0);
          random.shuffle(order);
          std::vector<TokenRequest> shuffled;
          for (const size_t r : order) shuffled.push_back(requests[r]);
          const int weight_rows = random.one_of({0, 8, 1000});
          const auto outcomes =
              run(computing,
                  {.max_rows = rows, .pages = pages, .share_prefixes = share, .weight_rows = weight_rows},
                  shuffled, &counts);
          for (size_t i = 0; i < order.size(); ++i) {
            ASSERT_EQ(outcomes[i], expected[order[i]])
                << "shape " << shape << ", threads " << threads << ", rows " << rows << ", pages " << pages
                << ", share " << share << ", weight rows " << weight_rows;
          }
        }
      }
    }
  }
  // None of it was spared: answers were interrupted, drafts were right and wrong.
  EXPECT_GT(counts.rows_recomputed, 0);
  EXPECT_GT(counts.rows_accepted, 0);
  EXPECT_GT(counts.rows_drafted, counts.rows_accepted);
}

TEST_P(Reproducible, AnInterruptedRunGoesOnWithTheSameBits) {
  Random random(22);
  for (size_t shape = 0; shape < specs().size(); ++shape) {
    const std::vector<TokenRequest> requests = random_requests(random, 30);
    Decoder computing = decoder(shape);
    const auto expected = run(computing, {.max_rows = 100, .pages = kAmple}, requests);
    // Stopped after a few steps; what was not answered is asked of a new device.
    Plan plan({.max_rows = 100,
               .pages = kAmple,
               .state_pages = state_pages(computing.device().traits()),
               .earlier_tokens = computing.spec().earlier_tokens});
    TokenRunner runner([&](const Step& step, StepResult& result) { computing.run(step, result); });
    runner.add(plan, requests);
    for (int steps = 0; steps < 4 && !plan.idle(); ++steps) runner.step(plan);
    std::vector<size_t> left;
    std::vector<TokenRequest> rest;
    for (size_t i = 0; i < requests.size(); ++i) {
      if (runner.outcomes()[i].done == 1) {
        ASSERT_EQ(runner.outcomes()[i], expected[i]);
        continue;
      }
      left.push_back(i);
      rest.push_back(requests[i]);
    }
    ASSERT_FALSE(rest.empty());
    Decoder again = decoder(shape);
    const auto outcomes = run(again, {.max_rows = 64, .pages = kAmple}, rest);
    for (size_t i = 0; i < left.size(); ++i) ASSERT_EQ(outcomes[i], expected[left[i]]);
  }
}

TEST_P(Reproducible, GeneratedLogProbabilitiesAreThoseOfScoringTheText) {
  for (size_t shape = 0; shape < specs().size(); ++shape) {
    Decoder computing = decoder(shape);
    const std::vector<Token> prompt = {3, 1, 4, 1, 5};
    const auto generated = run(computing, {.max_rows = 5, .pages = kAmple}, {generate_request(prompt, 140)});
    std::vector<Token> whole = prompt;
    whole.insert(whole.end(), generated[0].tokens.begin(), generated[0].tokens.end());
    const auto scored = run(computing, {.max_rows = 512, .pages = kAmple},
                            {score_request(whole, static_cast<int>(prompt.size()))});
    ASSERT_EQ(generated[0].tokens.size(), 140u);
    EXPECT_EQ(scored[0].logprobs, generated[0].logprobs);
    EXPECT_EQ(scored[0].best, std::vector<bool>(140, true));
  }
}

// float32: sums in another order, about a hundred roundings of values up to about ten. bfloat16: 8 bits of
// mantissa in each factor of every product, which attention's exponentials make larger; so the mean tells
// more. A token whose router, or index, all but ties may use another expert, or block of keys, then.
TEST_P(Reproducible, AgreesWithTheReference) {
  Random random(23);
  const bool exact = GetParam().options.precision.value_or(Precision::float32) == Precision::float32;
  for (size_t shape = 0; shape < specs().size(); ++shape) {
    std::vector<Token> tokens;
    for (int i = 0; i < 200; ++i) tokens.push_back(random.below(kVocabulary));
    const std::vector<TokenRequest> requests = {score_request(tokens, 1)};
    Decoder computing = decoder(shape);
    const auto found = run(computing, {.max_rows = 512, .pages = kAmple}, requests);
    const RandomDecoder model = random_decoder(shape);
    Decoder reference(model.model(), std::move(*make_reference_device(model.model(), {})));
    const auto expected = run(reference, {.max_rows = 512, .pages = kAmple}, requests);
    float worst = 0.0F;
    float sum = 0.0F;
    for (size_t i = 0; i < expected[0].logprobs.size(); ++i) {
      const float difference = std::abs(found[0].logprobs[i] - expected[0].logprobs[i]);
      worst = std::max(worst, difference);
      sum += difference;
    }
    const float mean = sum / static_cast<float>(expected[0].logprobs.size());
    // Logits grow with the root of the width, which is about 64 in other shapes, and their error with them.
    const float roundings = std::sqrt(static_cast<float>(std::max(specs()[shape].spec.width, 64)) / 64.0F);
    const bool chooses = specs()[shape].spec.experts.any() ||
                         std::ranges::any_of(specs()[shape].spec.layers, [](const LayerSpec& layer) {
                           return layer.attention.index.has_value();
                         });
    const float rounded = chooses ? 1.0F : 0.4F;
    EXPECT_LT(worst, exact ? 2e-4F : rounded) << "shape " << shape;
    // A state carries on what was rounded at every position before.
    const bool recurrent = std::ranges::any_of(
        specs()[shape].spec.layers, [](const LayerSpec& layer) { return layer.delta.has_value(); });
    const float usual = recurrent ? 0.06F : 0.04F;
    EXPECT_LT(mean, exact ? 1e-5F : roundings * usual) << "shape " << shape;
    if (!exact) {
      EXPECT_GT(mean, 1e-3F) << "rounding to bfloat16 is not visible";
    }
  }
}

std::string name_of(const testing::TestParamInfo<Computer>& instance) {
  return instance.param.name;
}

INSTANTIATE_TEST_SUITE_P(Devices, Reproducible, testing::ValuesIn(usual_computers()), name_of);
INSTANTIATE_TEST_SUITE_P(CudaSlow, Reproducible, testing::ValuesIn(cuda_computers()), name_of);
INSTANTIATE_TEST_SUITE_P(MixedSlow, Reproducible, testing::ValuesIn(mixed_computers()), name_of);
INSTANTIATE_TEST_SUITE_P(QuantisedSlow, Reproducible,
                         testing::ValuesIn(cpu_computers({TensorType::q8_0, TensorType::q4_k})), name_of);
INSTANTIATE_TEST_SUITE_P(OtherFormatsSlow, Reproducible, testing::ValuesIn(other_formats()), name_of);
INSTANTIATE_TEST_SUITE_P(EmulatedSlow, Reproducible, testing::ValuesIn(emulated_computers()), name_of);

}  // namespace
}  // namespace sizeup
