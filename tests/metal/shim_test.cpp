// The shim itself: what a GPU leaves undefined is found, and what it defines is so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "tests/metal/shim/shim_queue.h"

#include <metal_stdlib>

namespace shim_kernels {

using namespace metal;

struct Count {
  int count;
};

kernel void number(device int* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                   uint3 place [[thread_position_in_grid]]) {
  if (static_cast<int>(place.x) < parameters.count) out[place.x] = static_cast<int>(place.x + 1000 * place.y);
}

// Each thread gets what the one that is its mirror image wrote.
kernel void mirror(device int* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                   uint index [[thread_index_in_threadgroup]]) {
  threadgroup int values[64];
  values[index] = static_cast<int>(index);
  if (parameters.count > 0) threadgroup_barrier(mem_flags::mem_threadgroup);
  out[index] = values[63 - index];
}

kernel void shuffle(device int* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                    uint lane [[thread_index_in_simdgroup]],
                    uint simdgroup [[simdgroup_index_in_threadgroup]],
                    uint index [[thread_index_in_threadgroup]]) {
  int value = static_cast<int>(100 * simdgroup + lane);
  for (int i = 0; i < parameters.count; ++i) value = simd_shuffle_xor(value, 5);
  out[index] = simd_shuffle(value, 3) * 1000 + value;
}

kernel void part_at_barrier(device int* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                            uint index [[thread_index_in_threadgroup]]) {
  if (static_cast<int>(index) < parameters.count) threadgroup_barrier(mem_flags::mem_none);
  out[index] = 0;
}

kernel void other_barrier(device int* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                          uint index [[thread_index_in_threadgroup]]) {
  if (static_cast<int>(index) < parameters.count) {
    threadgroup_barrier(mem_flags::mem_none);
  } else {
    threadgroup_barrier(mem_flags::mem_none);
  }
  out[index] = 0;
}

kernel void write_at(device int* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                     uint index [[thread_index_in_threadgroup]]) {
  if (index == 0) out[parameters.count] = 7;
}

kernel void beyond_array(device int* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                         uint index [[thread_index_in_threadgroup]]) {
  threadgroup int values[64];
  values[static_cast<int>(index) + parameters.count] = 1;
  out[index] = values[index];
}

kernel void unset(device float* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                  uint index [[thread_index_in_threadgroup]]) {
  threadgroup float values[64];
  out[index] = values[index] + static_cast<float>(parameters.count);
}

kernel void half_a_product(device float* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                           uint index [[thread_index_in_threadgroup]]) {
  simdgroup_float8x8 matrix = make_filled_simdgroup_matrix<float, 8>(2.0f);
  if (static_cast<int>(index) < parameters.count) simdgroup_store(matrix, out, 8, 0, false);
}

kernel void product(device float* out [[buffer(0)]], device const float* in [[buffer(1)]],
                    constant Count& parameters [[buffer(2)]]) {
  simdgroup_float8x8 left;
  simdgroup_float8x8 right;
  simdgroup_load(left, in, 16, 0, false);
  simdgroup_load(right, in + parameters.count, 16, 0, true);
  simdgroup_float8x8 sum = make_filled_simdgroup_matrix<float, 8>(0.5f);
  simdgroup_multiply_accumulate(sum, left, right, sum);
  simdgroup_store(sum, out, 8, 0, false);
}

}  // namespace shim_kernels

#undef kernel
#undef device
#undef constant
#undef thread
#undef threadgroup

namespace sizeup::metal_shim {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// The attributes of the kernels above.
constexpr std::string_view kText = R"(
kernel void number(device int* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                   uint3 place [[thread_position_in_grid]]) {
kernel void mirror(device int* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                   uint index [[thread_index_in_threadgroup]]) {
kernel void shuffle(device int* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                    uint lane [[thread_index_in_simdgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
                    uint index [[thread_index_in_threadgroup]]) {
kernel void part_at_barrier(device int* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                            uint index [[thread_index_in_threadgroup]]) {
kernel void other_barrier(device int* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                          uint index [[thread_index_in_threadgroup]]) {
kernel void write_at(device int* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                     uint index [[thread_index_in_threadgroup]]) {
kernel void beyond_array(device int* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                         uint index [[thread_index_in_threadgroup]]) {
kernel void unset(device float* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                  uint index [[thread_index_in_threadgroup]]) {
kernel void half_a_product(device float* out [[buffer(0)]], constant Count& parameters [[buffer(1)]],
                           uint index [[thread_index_in_threadgroup]]) {
kernel void product(device float* out [[buffer(0)]], device const float* in [[buffer(1)]],
                    constant Count& parameters [[buffer(2)]]) {
)";

const KernelTable& table() {
  static const KernelTable kTable(kText,
                                  {{"number", call_of(shim_kernels::number)},
                                   {"mirror", call_of(shim_kernels::mirror)},
                                   {"shuffle", call_of(shim_kernels::shuffle)},
                                   {"part_at_barrier", call_of(shim_kernels::part_at_barrier)},
                                   {"other_barrier", call_of(shim_kernels::other_barrier)},
                                   {"write_at", call_of(shim_kernels::write_at)},
                                   {"beyond_array", call_of(shim_kernels::beyond_array)},
                                   {"unset", call_of(shim_kernels::unset)},
                                   {"half_a_product", call_of(shim_kernels::half_a_product)},
                                   {"product", call_of(shim_kernels::product)}},
                                  {});
  return kTable;
}

// 64 values of out, of which a kernel gets `elements`.
template <class T = int>
std::vector<T> run(std::string_view kernel, int count, Order order = Order::ascending, int elements = 64,
                   metal::Grid groups = {}) {
  const auto queue = make_shim_queue(table(), {.order = order});
  const auto out = queue->make_buffer(static_cast<size_t>(elements) * sizeof(T));
  const metal::Binding binding{out.get()};
  queue->encode({.kernel = kernel,
                 .constants = {},
                 .buffers = std::span(&binding, 1),
                 .parameters = std::as_bytes(std::span(&count, 1)),
                 .groups = groups,
                 .threads = 64});
  queue->finish();
  const auto* values = reinterpret_cast<const T*>(out->bytes().data());
  return {values, values + elements};
}

TEST(Shim, GivesEveryThreadItsPlace) {
  for (const Order order : {Order::ascending, Order::descending}) {
    std::vector<int> expected(100);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(run("number", 100, order, 100, {.x = 2}), expected);
  }
  // The last group of rows writes last.
  EXPECT_EQ(run("number", 64, Order::ascending, 64, {.x = 1, .y = 3})[5], 2005);
  EXPECT_EQ(run("number", 64, Order::descending, 64, {.x = 1, .y = 3})[5], 5);
}

TEST(Shim, AMissingBarrierShowsInOneOfTheOrders) {
  std::vector<int> expected(64);
  std::iota(expected.rbegin(), expected.rend(), 0);
  EXPECT_EQ(run("mirror", 1), expected);
  EXPECT_EQ(run("mirror", 1, Order::descending), expected);
  EXPECT_NE(run("mirror", 0), expected);
  EXPECT_NE(run("mirror", 0, Order::descending), run("mirror", 0));
}

TEST(Shim, ExchangesValuesWithinASimdgroup) {
  for (const Order order : {Order::ascending, Order::descending}) {
    for (const int times : {0, 1, 2, 7}) {
      const std::vector<int> found = run("shuffle", times, order);
      for (int i = 0; i < 64; ++i) {
        const int mask = times % 2 * 5;
        const int first = i / 32 * 100;
        EXPECT_EQ(found[static_cast<size_t>(i)], (first + (3 ^ mask)) * 1000 + first + (i % 32 ^ mask));
      }
    }
  }
}

TEST(Shim, FindsBarriersThatNotAllThreadsReach) {
  for (const int threads : {1, 33, 63}) {
    EXPECT_THAT([&] { run("part_at_barrier", threads); },
                ThrowsMessage<KernelError>(HasSubstr("kernel part_at_barrier: threads part at a barrier")));
    EXPECT_THAT([&] { run("other_barrier", threads); }, ThrowsMessage<KernelError>(HasSubstr("barrier")));
  }
  EXPECT_NO_THROW(run("part_at_barrier", 64));
  EXPECT_NO_THROW(run("other_barrier", 64));
}

TEST(Shim, FindsIndicesBeyondBuffersAndArrays) {
  const auto outside = ThrowsMessage<KernelError>(HasSubstr("outside its buffers or arrays"));
  EXPECT_NO_THROW(run("write_at", 63));
  EXPECT_THAT([] { run("write_at", 64); }, outside);
  EXPECT_THAT([] { run("write_at", -2000); }, outside);
  EXPECT_THAT([] { run("write_at", -1); }, ThrowsMessage<KernelError>(HasSubstr("beside a buffer")));
  EXPECT_THAT([] { run("write_at", 61, Order::ascending, 61); },
              ThrowsMessage<KernelError>(HasSubstr("beside a buffer")));
  EXPECT_THAT([] { run("beyond_array", 1); }, outside);
  EXPECT_THAT([] { run("beyond_array", -1); }, outside);
  EXPECT_NO_THROW(run("beyond_array", 0));
}

TEST(Shim, MemoryThatNobodyWroteIsNoNumber) {
  for (const float value : run<float>("unset", 1)) EXPECT_TRUE(std::isnan(value));
}

TEST(Shim, MultipliesMatrices) {
  EXPECT_NO_THROW(run<float>("half_a_product", 64));
  EXPECT_THAT([] { run<float>("half_a_product", 40); }, ThrowsMessage<KernelError>(HasSubstr("take part")));

  const auto without = make_shim_queue(table(), {.matrices = false});
  const auto queue = make_shim_queue(table());
  const auto out = queue->make_buffer(64 * sizeof(float));
  const auto in = queue->make_buffer(128 * sizeof(float));  // two matrices side by side
  auto* values = reinterpret_cast<float*>(in->bytes().data());
  for (int i = 0; i < 128; ++i) values[i] = static_cast<float>(i % 13 - 6);
  const metal::Binding bindings[] = {{out.get()}, {in.get()}};
  const int second = 8;
  const metal::Command product{.kernel = "product",
                               .constants = {},
                               .buffers = bindings,
                               .parameters = std::as_bytes(std::span(&second, 1)),
                               .groups = {},
                               .threads = 32};
  without->encode(product);
  EXPECT_THAT([&] { without->finish(); }, ThrowsMessage<KernelError>(HasSubstr("no matrices")));
  queue->encode(product);
  queue->finish();
  for (int r = 0; r < 8; ++r) {
    for (int c = 0; c < 8; ++c) {
      float expected = 0.5F;
      for (int k = 0; k < 8; ++k) expected += values[16 * r + k] * values[16 * c + second + k];
      EXPECT_EQ(reinterpret_cast<const float*>(out->bytes().data())[8 * r + c], expected);
    }
  }
}

TEST(Shim, FindsMistakesOfTheHost) {
  const auto queue = make_shim_queue(table());
  const auto out = queue->make_buffer(64);
  const metal::Binding binding{out.get()};
  const auto encode = [&](std::string_view kernel, std::span<const metal::Binding> buffers, size_t bytes,
                          int threads) {
    const std::vector<std::byte> parameters(bytes);
    queue->encode({.kernel = kernel,
                   .constants = {},
                   .buffers = buffers,
                   .parameters = parameters,
                   .groups = {},
                   .threads = threads});
    queue->finish();
  };
  const std::span<const metal::Binding> one(&binding, 1);
  EXPECT_NO_THROW(encode("number", one, 4, 64));
  EXPECT_THROW(encode("numbers", one, 4, 64), KernelError);
  EXPECT_THROW(encode("number", {}, 4, 64), KernelError);
  EXPECT_THROW(encode("number", one, 8, 64), KernelError);
  EXPECT_THROW(encode("number", one, 4, 48), KernelError);
}

TEST(Shim, ReadsAttributesFromTheText) {
  const auto kernels = read_kernels(
      "kernel void f(device const float* a [[buffer(1)]], constant P& p [[buffer(0)]],\n"
      "  uint lane [[thread_index_in_simdgroup]]) { g(a); }");
  ASSERT_EQ(kernels.size(), 1u);
  const std::vector<Parameter>& parameters = kernels.at("f");
  ASSERT_EQ(parameters.size(), 3u);
  EXPECT_EQ(parameters[0].index, 1u);
  EXPECT_EQ(parameters[1].index, 0u);
  EXPECT_EQ(parameters[2].kind, ParameterKind::thread_index_in_simdgroup);
  EXPECT_THROW(read_kernels("kernel void f(uint lane [[lane]]) {"), KernelError);
  EXPECT_THROW(read_kernels("kernel void f(uint lane) {"), KernelError);
  EXPECT_THROW(
      KernelTable("kernel void f(device float* a [[buffer(1)]]) {", {{"f", call_of(+[](float*) {})}}, {}),
      KernelError);
  EXPECT_THROW(KernelTable("kernel void f(device float* a [[buffer(0)]]) {", {}, {}), KernelError);
}

}  // namespace
}  // namespace sizeup::metal_shim
