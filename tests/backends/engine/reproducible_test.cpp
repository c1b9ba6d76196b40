// What is promised of every device, tier and precision: the same bits for any threads, steps, order, sharing,
// memory and interruption, and while generating as when scoring; and the reference's numbers within a bound.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <numeric>

#include "backends/cpu/cpu_device.h"
#include "backends/cpu/tier.h"
#include "backends/cuda/plugin.h"
#include "backends/engine/decoder.h"
#include "backends/engine/rotary_scaling.h"
#include "backends/reference/reference_device.h"
#include "tests/backends/engine/random_requests.h"
#include "tests/backends/engine/token_runner.h"
#include "tests/operations/emulated_amx.h"
#include "tests/support/random_decoder.h"

namespace sizeup {
namespace {

constexpr int kVocabulary = 50;  // of random_requests
constexpr int kAmple = 100000;

void add_layers(DecoderSpec& spec, int count, LayerSpec layer) {
  for (; count > 0; --count) {
    layer.kv_layer = spec.layer_count();
    spec.layers.push_back(layer);
  }
}

DecoderSpec small_spec(int heads, int kv_heads, int head_size, int width, int ffn_width) {
  DecoderSpec spec;
  spec.vocabulary = kVocabulary;
  spec.context_length = 1024;
  spec.width = width;
  spec.norm.epsilon = 1e-5F;
  LayerSpec layer;
  layer.attention = {.heads = heads, .kv_heads = kv_heads, .head_size = head_size};
  layer.attention.rotary = {
      .layout = RotaryLayout::half_split, .dimensions = head_size / 2 * 2, .base = 10000.0F};
  layer.ffn_width = ffn_width;
  add_layers(spec, 2, layer);
  spec.tied_head = heads % 2 == 0;
  return spec;
}

// A dense layer, then one of seven experts and a shared one.
DecoderSpec with_experts(DecoderSpec spec, int width, int shared_width) {
  spec.experts = {.count = 7,
                  .used = 3,
                  .width = width,
                  .scoring = RouterScoring::softmax,
                  .shared_width = shared_width,
                  .shared_gated = true,
                  .layers = {false, true}};
  return spec;
}

// Windows within a page and over several, a layer without rotation, norms of heads, stretched positions.
DecoderSpec with_everything(DecoderSpec spec) {
  RotarySpec& rotary = *spec.layers.front().attention.rotary;
  rotary.frequencies = yarn_frequencies(rotary, {.factor = 4.0F, .original_length = 64});
  rotary.scale = yarn_scale(4.0F);
  const LayerSpec layer = spec.layers.front();
  spec.layers.clear();
  add_layers(spec, 4, layer);
  spec.layers[1].attention.window = 23;
  spec.layers[2].attention.window = 90;
  spec.layers[3].attention.window = 23;
  spec.layers[2].attention.rotary.reset();
  spec.query_key_norm = QueryKeyNorm::heads;
  spec.experts = {.count = 5, .used = 2, .width = 30, .layers = {false, true, false, false}};
  return spec;
}

// As models were before Llama: layer norms, a feed-forward without gate beside the attention, positions in a
// table and in a part of each head; and caps.
DecoderSpec with_layer_norms(DecoderSpec spec) {
  spec.norm = {.kind = NormKind::layer, .epsilon = 1e-5F};
  spec.parallel = true;
  spec.gated = false;
  spec.activation = Activation::gelu;
  spec.learned_positions = true;
  spec.embedding_scale = 1.5F;
  spec.logit_cap = 9.0F;
  for (LayerSpec& layer : spec.layers) {
    layer.attention.score_cap = 4.0F;
    layer.attention.scale = 0.5F;
    layer.attention.rotary->dimensions = 4;
  }
  return spec;
}

// Layers of different sizes, the last of which attends to the keys of the first; two kinds of positions.
DecoderSpec with_shared_keys(DecoderSpec spec) {
  spec.norm.added = 1.0F;
  spec.query_key_norm = QueryKeyNorm::whole;
  spec.activation = Activation::gelu_tanh;
  LayerSpec layer = spec.layers.front();
  layer.attention.rotary->base = 500.0F;
  layer.attention.window = 40;
  layer.attention.kv_heads = 1;
  layer.ffn_width += 7;
  spec.layers[1] = layer;
  spec.layers[1].kv_layer = 1;
  spec.layers.push_back(spec.layers.front());
  return spec;
}

// Experts behind a clamped gate in every layer, and a window in every second one.
DecoderSpec with_clamped_experts(DecoderSpec spec) {
  spec.activation = Activation::clamped_swish;
  spec.layers.front().attention.window = 19;
  spec.experts = {
      .count = 5, .used = 3, .width = 22, .scoring = RouterScoring::softmax_chosen, .layers = {true, true}};
  return spec;
}

// Gemma 3n's streams over layers of which one keeps few gates and one has no keys of its own.
DecoderSpec with_streams(DecoderSpec spec) {
  spec.query_key_norm = QueryKeyNorm::heads;
  spec.value_norm = true;
  spec.activation = Activation::gelu_tanh;
  spec.layers[0].gate_deviations = 0.7F;
  spec.layers[1].attention.window = 21;
  spec.layers.push_back(spec.layers.front());
  spec.layers.back().gate_deviations.reset();
  return spec;
}

// Gemma 4's: experts beside a feed-forward, layers that are scaled.
DecoderSpec with_experts_beside(DecoderSpec spec) {
  spec.query_key_norm = QueryKeyNorm::heads;
  spec.value_norm = true;
  spec.activation = Activation::gelu_tanh;
  spec.layers[0].output_scale = 0.6F;
  spec.layers[1].attention.window = 33;
  spec.experts = {
      .count = 5, .used = 2, .width = 22, .normalised = true, .layers = {true, false}, .beside_dense = true};
  return spec;
}

// States in two layers of three, with more value heads than key heads, and gates of what attention gives.
DecoderSpec with_states(DecoderSpec spec, DeltaSpec delta) {
  LayerSpec recurrent = spec.layers.front();
  recurrent.attention = {};
  recurrent.delta = delta;
  LayerSpec attending = spec.layers.front();
  attending.attention.gated = true;
  attending.attention.rotary->dimensions = 4;
  spec.layers.clear();
  add_layers(spec, 1, recurrent);
  add_layers(spec, 1, attending);
  recurrent.delta->tiled = true;
  recurrent.delta->log_rates = true;
  add_layers(spec, 1, recurrent);
  spec.layers[0].kv_layer = kNoKeys;
  spec.layers[2].kv_layer = kNoKeys;
  spec.norm.added = 1.0F;
  spec.query_key_norm = QueryKeyNorm::heads;
  return spec;
}

// Residual streams, n-grams before a layer with states, and attention to chosen blocks, of which one is as
// long as no page's part.
DecoderSpec with_chosen_keys(DecoderSpec spec, DeltaSpec delta) {
  spec = with_states(std::move(spec), delta);
  spec.layers[0].delta->sigmoid_gate = true;
  spec.layers[0].convolution = ConvolutionSpec{.channels = 3 * spec.width, .taps = 3, .dilation = 3};
  spec.layers[1].attention.index = IndexSpec{.heads = 5, .head_size = 6, .block = 7, .chosen = 3};
  spec.layers.push_back(spec.layers[1]);
  spec.layers[3].kv_layer = 3;
  spec.layers[3].attention.index = IndexSpec{.heads = 2, .head_size = 12, .block = 16, .chosen = 2};
  spec.earlier_tokens = 2;
  return spec;
}

struct Shape {
  DecoderSpec spec;
  RandomExtras extras = {};
};

// Shapes that fill nothing evenly, one that the tile kernels take, and a mixture of experts; of quantised
// weights, what whole blocks allow of that.
const std::vector<Shape>& shapes(TensorType weights) {
  static const RandomExtras kBiasedExperts = {.sinks = true, .mixture_biases = {.router_and_experts = true}};
  static const std::vector<Shape> plain = {
      {small_spec(6, 2, 20, 44, 75)},
      {with_layer_norms(small_spec(3, 1, 7, 33, 40)), {.sinks = true, .head_bias = true}},
      {small_spec(4, 2, 32, 64, 96)},
      {with_experts(small_spec(6, 3, 8, 40, 50), 26, 35)},
      {with_everything(small_spec(4, 2, 10, 36, 42))},
      {with_shared_keys(small_spec(4, 2, 12, 30, 38)), {.post_norms = true}},
      {with_clamped_experts(small_spec(4, 1, 14, 28, 30)), kBiasedExperts},
      {with_streams(small_spec(4, 2, 10, 28, 35)),
       {.post_norms = true, .extension = RandomExtension::gemma3n}},
      {with_experts_beside(small_spec(3, 1, 12, 26, 31)),
       {.post_norms = true, .extension = RandomExtension::gemma4}},
      {with_states(
          small_spec(3, 1, 10, 34, 39),
          {.key_heads = 2, .value_heads = 6, .key_size = 13, .value_size = 19, .taps = 4, .epsilon = 1e-5F})},
      {with_chosen_keys(
           small_spec(4, 2, 10, 34, 39),
           {.key_heads = 2, .value_heads = 4, .key_size = 7, .value_size = 10, .taps = 4, .epsilon = 1e-5F}),
       {.extension = RandomExtension::qwen4}}};
  static const std::vector<Shape> blocks_of_32 = {
      {small_spec(3, 1, 32, 96, 160)},
      {with_experts(small_spec(4, 2, 32, 64, 96), 32, 64), kBiasedExperts},
      {with_states(small_spec(3, 1, 32, 64, 96), {.key_heads = 1,
                                                  .value_heads = 2,
                                                  .key_size = 16,
                                                  .value_size = 32,
                                                  .taps = 2,
                                                  .epsilon = 1e-5F})}};
  static const std::vector<Shape> blocks_of_256 = {{small_spec(4, 2, 64, 256, 256)}};
  const int elements = block_format(weights).block_elements;
  return elements == 1 ? plain : elements == 32 ? blocks_of_32 : blocks_of_256;
}

struct Computer {
  std::string name;
  DeviceFactory make;
  DeviceOptions options;
  std::string tier;  // that the machine must have; empty: none
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
                   make_cuda_device, options, "", weights, 3, true});
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
             make_cpu_device, options, options.tier, weights});
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
      if (computer.tier == "avx512" && computer.options.precision == Precision::float32)
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
  std::vector<Computer> all = {{"reference", make_reference_device, DeviceOptions(), "", TensorType::f32, 1}};
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
                   make_emulated_amx, options, "avx2", weights, 1});  // a tile in plain loops is slow
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
    if (GetParam().tier.empty()) return;
    const auto tier = parse_cpu_tier(GetParam().tier);
    ASSERT_TRUE(tier.has_value());
    if (const auto reason = why_unsupported(*tier)) GTEST_SKIP() << *reason;
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
