// Which positions a row attends to where it has an index of keys: against the definition (IndexSpec) in
// float64, on keys that lie in pages.
#include "backends/engine/key_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "backends/engine/plan/step_builder.h"

namespace sizeup {
namespace {

using testing::ElementsAre;

using Values = std::vector<float>;

// One text, whose pages are numbered backwards, in steps of `rows` rows.
class IndexedText {
 public:
  IndexedText(const IndexSpec& spec, int positions, unsigned seed) : spec_(spec), angles_(rotary_) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    const auto draw = [&](int count) {
      Values values(static_cast<size_t>(count));
      for (float& value : values) value = normal(random);
      return values;
    };
    for (Norm* norm : {&query_norm_, &key_norm_})
      *norm = {
          .kind = NormKind::root_mean_square, .epsilon = 1e-5F, .weight = draw(spec.head_size), .bias = {}};
    for (int i = 0; i < positions; ++i) {
      queries_.push_back(draw(spec.query_width()));
      keys_.push_back(draw(spec.head_size));
    }
    angles_.prepare(positions);
  }

  std::vector<PositionRanges> found(int rows) const {
    const int pages = pages_for(static_cast<int>(keys_.size()));
    std::vector<Values> parts(static_cast<size_t>(pages), Values(index_page_floats(spec_), 1e9F));
    const KeyIndex index(spec_, rotary_, angles_,
                         [&](int32_t page) { return parts[static_cast<size_t>(page)].data(); });
    std::vector<int32_t> numbers;
    for (int page = pages - 1; page >= 0; --page) numbers.push_back(page);
    const std::vector<Token> text(keys_.size(), 1);
    std::vector<PositionRanges> seen;
    StepBuilder builder;
    for (size_t begin = 0; begin < keys_.size(); begin += static_cast<size_t>(rows)) {
      builder.clear();
      const int32_t table = builder.add_table(numbers, kNoState);
      const size_t end = std::min(keys_.size(), begin + static_cast<size_t>(rows));
      for (size_t i = begin; i < end; ++i) builder.add_row(text, static_cast<int>(i), table);
      const Step& step = builder.step();
      for (const KeyValueWrite& write : step.writes)
        index.write(keys_[begin + static_cast<size_t>(write.row)].data(), write);
      for (const KeyValueWrite& write : step.writes) index.finish_block(step, write, key_norm_);
      for (int row = 0; row < step.rows(); ++row) {
        Values queries = queries_[begin + static_cast<size_t>(row)];
        seen.push_back(index.choose(step, row, query_norm_, queries.data()));
      }
    }
    return seen;
  }

  std::vector<bool> expected(int position) const {
    const int blocks = (position + 1) / spec_.block;
    std::vector<std::pair<double, int>> worths;
    for (int b = 0; b < blocks; ++b) worths.emplace_back(-worth(position, b), b);
    std::ranges::sort(worths);
    std::vector<bool> seen(static_cast<size_t>(position + 1), false);
    for (int i = 0; i < std::min(blocks, spec_.chosen); ++i) {
      const int first = worths[static_cast<size_t>(i)].second * spec_.block;
      std::fill_n(seen.begin() + first, spec_.block, true);
    }
    std::fill(seen.begin() + blocks * spec_.block, seen.end(), true);
    return seen;
  }

 private:
  std::vector<double> ready(const std::vector<double>& values, const Norm& norm, int position) const {
    double square = 0.0;
    for (const double value : values) square += value * value / static_cast<double>(values.size());
    std::vector<double> out(values.size());
    for (size_t i = 0; i < values.size(); ++i)
      out[i] = values[i] / std::sqrt(square + 1e-5) * static_cast<double>(norm.weight[i]);
    const auto pairs = static_cast<size_t>(rotary_.dimensions / 2);
    for (size_t i = 0; i < pairs; ++i) {
      const double angle = position * std::pow(10000.0, -2.0 * static_cast<double>(i) / rotary_.dimensions);
      const double first = out[i];
      const double second = out[i + pairs];
      out[i] = first * std::cos(angle) - second * std::sin(angle);
      out[i + pairs] = second * std::cos(angle) + first * std::sin(angle);
    }
    return out;
  }

  double worth(int position, int block) const {
    std::vector<double> mean(static_cast<size_t>(spec_.head_size), 0.0);
    for (int p = block * spec_.block; p < (block + 1) * spec_.block; ++p) {
      for (size_t i = 0; i < mean.size(); ++i)
        mean[i] += static_cast<double>(keys_[static_cast<size_t>(p)][i]) / spec_.block;
    }
    const std::vector<double> key = ready(mean, key_norm_, block * spec_.block);
    double sum = 0.0;
    for (int h = 0; h < spec_.heads; ++h) {
      const auto begin = queries_[static_cast<size_t>(position)].begin() + h * spec_.head_size;
      const std::vector<double> query =
          ready(std::vector<double>(begin, begin + spec_.head_size), query_norm_, position);
      double product = 0.0;
      for (size_t i = 0; i < key.size(); ++i) product += query[i] * key[i];
      sum += std::max(0.0, product);
    }
    return sum;
  }

  IndexSpec spec_;
  RotarySpec rotary_{.dimensions = 6};
  RotaryAngles angles_;
  Norm query_norm_, key_norm_;
  std::vector<Values> queries_, keys_;
};

// Blocks that divide a page, that cross pages, and that are longer than one.
TEST(KeyIndex, ChoosesTheBestCompleteBlocksAndWhatComesAfterThem) {
  for (const IndexSpec& spec : {IndexSpec{.heads = 9, .head_size = 11, .block = 4, .chosen = 3},
                                IndexSpec{.heads = 8, .head_size = 8, .block = 7, .chosen = 5},
                                IndexSpec{.heads = 10, .head_size = 6, .block = 70, .chosen = 1}}) {
    constexpr int kPositions = 250;
    const IndexedText text(spec, kPositions, 3);
    const std::vector<PositionRanges> whole = text.found(kPositions);
    EXPECT_EQ(text.found(1), whole);
    EXPECT_EQ(text.found(33), whole);
    for (int position = 0; position < kPositions; ++position) {
      std::vector<bool> seen(static_cast<size_t>(position + 1), false);
      for (const PositionRange& range : whole[static_cast<size_t>(position)])
        std::fill(seen.begin() + range.first, seen.begin() + range.end, true);
      ASSERT_EQ(seen, text.expected(position)) << "blocks of " << spec.block << ", position " << position;
    }
  }
}

TEST(KeyIndex, RangesAreInOrderAndDoNotTouch) {
  const IndexedText text({.heads = 6, .head_size = 8, .block = 3, .chosen = 9}, 120, 4);
  for (const PositionRanges& ranges : text.found(120)) {
    for (size_t i = 0; i < ranges.size(); ++i) {
      EXPECT_LT(ranges[i].first, ranges[i].end);
      if (i > 0) {
        EXPECT_LT(ranges[i - 1].end, ranges[i].first);
      }
    }
  }
  EXPECT_THAT(text.found(120)[28], ElementsAre(PositionRange{0, 29})) << "as many blocks as may be chosen";
}

}  // namespace
}  // namespace sizeup
