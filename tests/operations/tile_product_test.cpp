// The tile product bit for bit against plain loops in its order, and against float64: with emulated tiles
// everywhere, with the instructions where the machine has them.
#include "backends/cpu/tile_product.h"
#include "backends/cpu/pack.h"
#include "backends/engine/formats/bfloat16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "backends/cpu/pack_tiles.h"
#include "tests/operations/emulated_tile_product.h"
#include "tests/support/random_blocks.h"
#include "tests/support/tested_tiles.h"

namespace sizeup::cpu {
namespace {

constexpr int kMostRows = 100;
constexpr int kMostOutputs = 128;
constexpr int kRowCounts[] = {1, 2, 3, 15, 16, 17, 31, 32, 33, 48, 64, 100};
constexpr int kOutputCounts[] = {16, 33, 45, 96, 128};
constexpr int kInputCounts[] = {32, 64, 576, 40};

// Blocks of 2 or 3 panels x 5 steps, 2 double groups at a time: every loop turns more than once, with several
// passes in a block and with one.
constexpr TileBlocking kSmallBlockings[] = {
    {.block_bytes = 2 * 5 * kStepWeightBytes, .block_steps = 5, .pass_steps = 2, .waiting_groups = 2},
    {.block_bytes = 3 * 5 * kStepWeightBytes, .block_steps = 5, .pass_steps = 5, .waiting_groups = 2}};

// ---- The plain loops

struct Data {
  int inputs = 0;
  std::vector<float> rows;     // [kMostRows][inputs]
  std::vector<float> weights;  // [kMostOutputs][inputs]
  std::vector<float> bias;     // [kMostOutputs]

  float row(int r, int k) const { return rows[static_cast<size_t>(r * inputs + k)]; }
  float weight(int o, int k) const { return weights[static_cast<size_t>(o * inputs + k)]; }
};

Data random_data(int inputs) {
  std::mt19937 random(static_cast<uint32_t>(inputs));
  std::normal_distribution<float> normal;
  Data data{.inputs = inputs,
            .rows = std::vector<float>(static_cast<size_t>(kMostRows * inputs)),
            .weights = std::vector<float>(static_cast<size_t>(kMostOutputs * inputs)),
            .bias = std::vector<float>(kMostOutputs)};
  for (float& value : data.rows) value = normal(random);
  for (float& value : data.weights) value = 0.1F * normal(random);
  for (float& value : data.bias) value = normal(random);
  return data;
}

// Part `part` of x as bfloat16.
float part_of(float x, int part) {
  for (; part > 0; --part) x -= from_bfloat16(to_bfloat16(x));
  return from_bfloat16(to_bfloat16(x));
}

// The sum as product.h promises it, without denormals.
float plain_sum(const Data& data, int row, int output, int parts) {
  float sum = 0.0F;
  for (int step = 0; step < data.inputs; step += kStepColumns) {
    const int end = std::min(step + kStepColumns, data.inputs);
    for (int part = 0; part < parts; ++part) {
      float halves[2] = {};
      for (int k = step; k < end; ++k) {
        const float weight = from_bfloat16(to_bfloat16(data.weight(output, k)));
        halves[k % 2] = std::fma(weight, part_of(data.row(row, k), part), halves[k % 2]);
      }
      sum += halves[0] + halves[1];
    }
  }
  return sum;
}

struct Sums {
  std::vector<float> values;  // [kMostRows][kMostOutputs]

  Sums(const Data& data, int parts) {
    for (int row = 0; row < kMostRows; ++row) {
      for (int output = 0; output < kMostOutputs; ++output) {
        values.push_back(plain_sum(data, row, output, parts));
      }
    }
  }
  float at(int row, int output) const { return values[static_cast<size_t>(row * kMostOutputs + output)]; }
};

// As exponential.inl, one lane.
float plain_exponential(float x) {
  const float y = std::min(88.37F, std::max(-87.33F, x));
  const float n = std::nearbyint(y * 1.44269504F);
  const float r = std::fma(n, 2.12194440e-4F, std::fma(n, -0.693359375F, y));
  float p = 1.9875691500e-4F;
  for (const float c :
       {1.3981999507e-3F, 8.3334519073e-3F, 4.1665795894e-2F, 1.6666665459e-1F, 5.0000001201e-1F}) {
    p = std::fma(p, r, c);
  }
  p = std::fma(p * r, r, r + 1.0F);
  return x < -87.33F ? 0.0F : std::ldexp(p, static_cast<int>(n));
}

// ---- What the kernel is given

constexpr int padded(int columns) {
  return (columns + kStepColumns - 1) / kStepColumns * kStepColumns;
}

PackedLinear empty_linear(int inputs, int outputs) {
  PackedLinear packed;
  packed.type = TensorType::bf16;
  packed.layout = WeightLayout::tiles;
  packed.inputs = inputs;
  packed.outputs = outputs;
  packed.panel_outputs = kTilePanelOutputs;
  lay_out(packed);
  packed.weights = HugeBuffer(packed.panel_bytes * static_cast<size_t>(packed.panels()));
  return packed;
}

std::span<const float> weight_row(const Data& data, int output) {
  return std::span(data.weights)
      .subspan(static_cast<size_t>(output * data.inputs), static_cast<size_t>(data.inputs));
}

PackedLinear pack(const Data& data, int outputs, bool bias) {
  PackedLinear packed = empty_linear(data.inputs, outputs);
  for (int o = 0; o < outputs; ++o) pack_tile_row(weight_row(data, o), o, packed);
  if (bias) packed.bias.assign(data.bias.begin(), data.bias.begin() + outputs);
  return packed;
}

// Gates are the first `outputs` rows of the data's weights, ups the last ones.
int up_of(int output) {
  return kMostOutputs - 1 - output;
}

PackedLinear pack_gated(const Data& data, int outputs, bool bias) {
  PackedLinear packed = empty_linear(data.inputs, 2 * outputs);
  if (bias) packed.bias.assign(static_cast<size_t>(packed.panels() * kTilePanelOutputs), 0.0F);
  constexpr int kHalf = kTilePanelOutputs / 2;
  for (int o = 0; o < outputs; ++o) {
    const int gate = o / kHalf * kTilePanelOutputs + o % kHalf;
    pack_tile_row(weight_row(data, o), gate, packed);
    pack_tile_row(weight_row(data, up_of(o)), gate + kHalf, packed);
    if (bias) {
      packed.bias[static_cast<size_t>(gate)] = data.bias[static_cast<size_t>(o)];
      packed.bias[static_cast<size_t>(gate + kHalf)] = data.bias[static_cast<size_t>(up_of(o))];
    }
  }
  return packed;
}

struct OwnedOperand {
  HugeBuffer memory;
  Operand operand;
};

// Everything is NaN until it is written.
OwnedOperand empty_operand(int rows, int columns, OperandFormat format) {
  OwnedOperand owned;
  owned.operand = {.data = nullptr, .format = format, .rows = rows, .columns = padded(columns)};
  owned.memory = HugeBuffer(owned.operand.bytes());
  std::memset(owned.memory.data(), 0xFF, owned.memory.size());
  owned.operand.data = owned.memory.data();
  return owned;
}

OwnedOperand operand_of(const Data& data, int rows, int parts) {
  OwnedOperand owned =
      empty_operand(rows, data.inputs, parts == 1 ? OperandFormat::pairs : OperandFormat::split_pairs);
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < owned.operand.columns; ++column) {
      for (int part = 0; part < parts; ++part) {
        const float x = column < data.inputs ? data.row(row, column) : 0.0F;
        const uint16_t element = to_bfloat16(part_of(x, part));
        std::byte* pair = owned.operand.pair_at(row / kLanes, column / 2 * 2, part);
        std::memcpy(pair + row % kLanes * 4 + column % 2 * 2, &element, sizeof element);
      }
    }
  }
  return owned;
}

float element_of(const Operand& operand, int row, int column, int part) {
  uint16_t element = 0;
  std::memcpy(&element,
              operand.pair_at(row / kLanes, column / 2 * 2, part) + row % kLanes * 4 + column % 2 * 2,
              sizeof element);
  return from_bfloat16(element);
}

struct OwnedRows {
  HugeBuffer memory;
  LaneRows rows;
};

OwnedRows lane_rows(int rows, int columns) {
  OwnedRows owned;
  const auto floats = static_cast<size_t>(groups_of(rows) * columns * kLanes);
  owned.memory = HugeBuffer(sizeof(float) * (floats + kLanes));
  owned.rows = {.data = reinterpret_cast<float*>(owned.memory.data()), .rows = rows, .columns = columns};
  for (size_t i = 0; i < floats + kLanes; ++i) owned.rows.data[i] = static_cast<float>(i % 101);
  return owned;
}

float lane(const LaneRows& rows, int row, int column) {
  return rows.at(row / kLanes, column)[row % kLanes];
}

bool same_bits(float a, float b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

ProductResult to_rows(ProductResult::Kind kind, const LaneRows& rows) {
  ProductResult result;
  result.kind = kind;
  result.rows = rows;
  result.outputs = rows.columns;
  return result;
}

// ---- The kernels under test

class TileProduct : public testing::TestWithParam<Tiles> {
 protected:
  void SetUp() override {
    if (const auto reason = why_unsupported(GetParam())) GTEST_SKIP() << *reason;
  }

  // The first panel apart from the others, as threads would take them.
  void multiply(const PackedLinear& weights, const Operand& in, const ProductResult& result,
                const TileBlocking& blocking) const {
    for (const auto& [first, end] : {std::pair(0, 1), std::pair(1, weights.panels())}) {
      if (GetParam() != Tiles::instructions) {
        const EmulatedTileProduct& product =
            GetParam() == Tiles::emulated_avx2 ? kEmulatedTileProductAvx2 : kEmulatedTileProductAvx512;
        HugeBuffer scratch(product.scratch_bytes(weights, blocking));
        product.multiply(in.parts(), weights, in, result, first, end, blocking, scratch.data());
      } else {
        const ProductFamily& family = in.parts() == 1 ? kTilesAmx : kSplitTilesAmx;
        HugeBuffer scratch(family.scratch_bytes(weights));
        family.multiply(weights, in, result, first, end, scratch.data());
      }
    }
  }

  // Calls check(rows, blocking) for every row count and blocking; the instructions have one blocking.
  template <class Check>
  void for_all_rows(const Check& check) const {
    for (const int rows : kRowCounts) {
      check(rows, TileBlocking());
      if (GetParam() != Tiles::instructions && rows > 2 * kLanes) {
        for (const TileBlocking& blocking : kSmallBlockings) check(rows, blocking);
      }
      if (HasFatalFailure()) return;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Tiles, TileProduct,
                         testing::Values(Tiles::emulated_avx2, Tiles::emulated_avx512, Tiles::instructions),
                         [](const auto& instance) { return tiles_name(instance.param); });

TEST_P(TileProduct, StoresAndAddsTheSumInItsOrder) {
  for (const int inputs : kInputCounts) {
    const Data data = random_data(inputs);
    for (const int parts : {1, kSplitParts}) {
      const Sums sums(data, parts);
      for (const int outputs : kOutputCounts) {
        for (const bool bias : {false, true}) {
          const PackedLinear weights = pack(data, outputs, bias);
          for_all_rows([&](int rows, const TileBlocking& blocking) {
            const OwnedOperand in = operand_of(data, rows, parts);
            for (const auto kind : {ProductResult::Kind::store, ProductResult::Kind::add}) {
              const OwnedRows before = lane_rows(rows, outputs);
              const OwnedRows out = lane_rows(rows, outputs);
              multiply(weights, in.operand, to_rows(kind, out.rows), blocking);
              for (int r = 0; r < rows; ++r) {
                for (int o = 0; o < outputs; ++o) {
                  float expected = sums.at(r, o);
                  if (bias) expected += data.bias[static_cast<size_t>(o)];
                  if (kind == ProductResult::Kind::add) expected = lane(before.rows, r, o) + expected;
                  ASSERT_TRUE(same_bits(lane(out.rows, r, o), expected))
                      << rows << "x" << inputs << "x" << outputs << " parts " << parts << " bias " << bias
                      << " at " << r << ", " << o << ": " << lane(out.rows, r, o) << " for " << expected;
                }
              }
              const float* end = out.rows.data + groups_of(rows) * outputs * kLanes;
              ASSERT_TRUE(std::equal(end, end + kLanes, before.rows.data + (end - out.rows.data)));
            }
          });
        }
      }
    }
  }
}

// Weights of a block format are unpacked on the way: step by step, and to blocks that rows pass over.
TEST_P(TileProduct, OfBlockFormatsIsThatOfTheirRoundedWeights) {
  constexpr int kOutputs = 70;
  ThreadPool pool(1);
  for (const TensorType type : {TensorType::q8_0, TensorType::q4_0, TensorType::q5_1, TensorType::q2_k,
                                TensorType::q4_k, TensorType::q6_k, TensorType::iq4_xs}) {
    for (const int inputs : {256, 768}) {
      const RandomBlocks blocks(type, kOutputs, inputs, 3);
      Data data = random_data(inputs);
      for (int o = 0; o < kOutputs; ++o) {
        std::copy_n(blocks.row(o), inputs, data.weights.begin() + static_cast<ptrdiff_t>(o * inputs));
      }
      const Sums sums(data, 1);
      const LinearTensors layer{.weight = &blocks.tensor()};
      const PackedLinear weights = pack_linear(std::span(&layer, 1), false, {type, true}, kTilesAmx, pool);
      ASSERT_EQ(weights.type, type);
      for_all_rows([&](int rows, const TileBlocking& blocking) {
        const OwnedOperand in = operand_of(data, rows, 1);
        const OwnedRows out = lane_rows(rows, kOutputs);
        multiply(weights, in.operand, to_rows(ProductResult::Kind::store, out.rows), blocking);
        for (int r = 0; r < rows; ++r) {
          for (int o = 0; o < kOutputs; ++o) {
            ASSERT_TRUE(same_bits(lane(out.rows, r, o), sums.at(r, o)))
                << block_format(type).name << ", " << rows << " rows, " << inputs << " inputs at " << r
                << ", " << o << ": " << lane(out.rows, r, o) << " for " << sums.at(r, o);
          }
        }
      });
    }
  }
}

TEST_P(TileProduct, GatesIntoTheNextOperand) {
  const Data data = random_data(64);
  for (const int parts : {1, kSplitParts}) {
    const Sums sums(data, parts);
    for (const int outputs : {1, 16, 33, 45, 48}) {
      for (const bool bias : {false, true}) {
        const PackedLinear weights = pack_gated(data, outputs, bias);
        for_all_rows([&](int rows, const TileBlocking& blocking) {
          const OwnedOperand in = operand_of(data, rows, parts);
          const OwnedOperand out = empty_operand(rows, outputs, in.operand.format);
          ProductResult result;
          result.kind = ProductResult::Kind::gate;
          result.operand = out.operand;
          result.outputs = outputs;
          multiply(weights, in.operand, result, blocking);
          for (int r = 0; r < rows; ++r) {
            for (int o = 0; o < out.operand.columns; ++o) {
              float expected = 0.0F;
              if (o < outputs) {
                float gate = sums.at(r, o);
                float up = sums.at(r, up_of(o));
                if (bias) gate += data.bias[static_cast<size_t>(o)];
                if (bias) up += data.bias[static_cast<size_t>(up_of(o))];
                expected = gate / (1.0F + plain_exponential(0.0F - gate)) * up;
              }
              for (int part = 0; part < parts; ++part) {
                ASSERT_TRUE(same_bits(element_of(out.operand, r, o, part), part_of(expected, part)))
                    << rows << " rows, " << outputs << " outputs, parts " << parts << " at " << r << ", "
                    << o;
              }
            }
          }
        });
      }
    }
  }
}

// What the head is folded into, for one chunk of outputs.
struct Head {
  std::vector<float> greatest, sum;
  std::vector<int32_t> best;
  std::vector<int32_t> target_begin;
  std::vector<HeadTarget> targets;
  std::vector<float> target_logits;
  std::vector<int64_t> places;
  std::vector<float> logits;

  // Row r asks for the targets r and r + 7, modulo the outputs; every third row wants all logits.
  Head(int rows, int outputs) {
    const auto lanes = static_cast<size_t>(groups_of(rows) * kLanes);
    greatest.assign(lanes, -std::numeric_limits<float>::infinity());
    sum.assign(lanes, 0.0F);
    best.assign(lanes, -1);
    places.assign(lanes, -1);
    target_begin.push_back(0);
    for (int group = 0; group < groups_of(rows); ++group) {
      for (int output = 0; output < outputs; ++output) {
        for (int r = group * kLanes; r < std::min(rows, (group + 1) * kLanes); ++r) {
          for (const int more : {0, 7}) {
            if ((r + more) % outputs == output) targets.push_back({output, r % kLanes, 2 * r + (more > 0)});
          }
        }
      }
      target_begin.push_back(static_cast<int32_t>(targets.size()));
    }
    target_logits.assign(static_cast<size_t>(2 * rows), NAN);
    for (int r = 0; r < rows; r += 3) places[static_cast<size_t>(r)] = static_cast<int64_t>(r / 3) * outputs;
    logits.assign(static_cast<size_t>((rows + 2) / 3 * outputs), NAN);
  }
  HeadWork work() {
    return {.greatest = greatest.data(),
            .best = best.data(),
            .sum = sum.data(),
            .target_begin = target_begin,
            .targets = targets,
            .target_logits = target_logits.data(),
            .logits_place = places,
            .logits = logits.data()};
  }
};

// The fold of one row, panel by panel.
struct PlainHead {
  float greatest = -std::numeric_limits<float>::infinity();
  float sum = 0.0F;
  int best = -1;

  PlainHead(const Sums& sums, int row, int outputs) {
    for (int first = 0; first < outputs; first += kTilePanelOutputs) {
      const int end = std::min(outputs, first + kTilePanelOutputs);
      const float before = greatest;
      for (int o = first; o < end; ++o) {
        if (sums.at(row, o) > greatest) {
          greatest = sums.at(row, o);
          best = o;
        }
      }
      sum *= plain_exponential(before - greatest);
      for (int o = first; o < end; ++o) sum += plain_exponential(sums.at(row, o) - greatest);
    }
  }
};

TEST_P(TileProduct, FoldsTheHeadWithoutARowOfLogits) {
  Data data = random_data(64);
  // Three equal outputs that are the greatest of about half of the rows.
  for (const int output : {9, 12, 40}) {
    for (int k = 0; k < data.inputs; ++k) data.weights[static_cast<size_t>(output * data.inputs + k)] = 0.3F;
  }
  for (const int parts : {1, kSplitParts}) {
    const Sums sums(data, parts);
    int ties = 0;
    for (const int outputs : kOutputCounts) {
      const PackedLinear weights = pack(data, outputs, false);
      for_all_rows([&](int rows, const TileBlocking& blocking) {
        const OwnedOperand in = operand_of(data, rows, parts);
        Head head(rows, outputs);
        ProductResult result;
        result.kind = ProductResult::Kind::head;
        result.head = head.work();
        result.outputs = outputs;
        multiply(weights, in.operand, result, blocking);
        for (int r = 0; r < rows; ++r) {
          const auto at = static_cast<size_t>(r);
          const PlainHead expected(sums, r, outputs);
          if (expected.best == 9) ++ties;
          ASSERT_EQ(head.best[at], expected.best) << rows << " rows, " << outputs << " outputs, row " << r;
          ASSERT_TRUE(same_bits(head.greatest[at], expected.greatest));
          ASSERT_TRUE(same_bits(head.sum[at], expected.sum)) << head.sum[at] << " for " << expected.sum;
          for (const int more : {0, 7}) {
            ASSERT_TRUE(same_bits(head.target_logits[2 * at + (more > 0)], sums.at(r, (r + more) % outputs)));
          }
          for (int o = 0; r % 3 == 0 && o < outputs; ++o) {
            ASSERT_TRUE(same_bits(head.logits[static_cast<size_t>(r / 3 * outputs + o)], sums.at(r, o)));
          }
        }
      });
    }
    EXPECT_GT(ties, 10);
  }
}

TEST_P(TileProduct, IsNearTheExactProduct) {
  const Data data = random_data(576);
  const PackedLinear weights = pack(data, kMostOutputs, false);
  for (const int parts : {1, kSplitParts}) {
    const OwnedOperand in = operand_of(data, kMostRows, parts);
    const OwnedRows out = lane_rows(kMostRows, kMostOutputs);
    multiply(weights, in.operand, to_rows(ProductResult::Kind::store, out.rows), TileBlocking());
    for (int r = 0; r < kMostRows; ++r) {
      for (int o = 0; o < kMostOutputs; ++o) {
        double exact = 0.0;
        double magnitude = 0.0;
        for (int k = 0; k < data.inputs; ++k) {
          const double x = parts == 1 ? part_of(data.row(r, k), 0) : data.row(r, k);
          const double product = x * from_bfloat16(to_bfloat16(data.weight(o, k)));
          exact += product;
          magnitude += std::fabs(product);
        }
        // Products are exact; a term passes 16 roundings in its half of a tile product, one where the halves
        // meet and one for each tile product after it. Splitting loses at most 2^-24 of a factor.
        const double roundings = 17.0 + parts * data.inputs / kStepColumns + (parts > 1 ? 1.0 : 0.0);
        const double bound = roundings * std::ldexp(1.0, -24) * 1.01 * magnitude;
        ASSERT_NEAR(lane(out.rows, r, o), exact, bound) << parts << " parts at " << r << ", " << o;
      }
    }
  }
}

}  // namespace
}  // namespace sizeup::cpu
