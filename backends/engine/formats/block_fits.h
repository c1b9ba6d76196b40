// The scale, or scale and offset, with which a group of weights is best written as small integers: least
// squares over both the levels and the scale. For fixed levels the best scale is a quotient of sums; for a
// fixed scale the best levels are the nearest. So each fit starts from several scales around the one at which
// the largest weight takes the last level, finds the levels, then the best scale for those, and keeps the
// least error. Starting scales beyond that one clip the largest weight, those below leave levels unused: on
// normal data either is often better than an exact fit of one weight.
//
// Four weights at a time in GCC's and Clang's portable vectors, since compilers make none of loops that
// select floats. The order of every sum is fixed: the results depend on nothing but the values.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sizeup::fits {

using Lanes = float __attribute__((vector_size(16)));
constexpr int kLanes = 4;

template <int N>
using Group = std::array<Lanes, N / kLanes>;

template <int N>
Group<N> load_group(const float* x) {
  Group<N> group;
  std::memcpy(group.data(), x, sizeof group);
  return group;
}

inline float total(Lanes a) {
  return (a[0] + a[2]) + (a[1] + a[3]);
}

inline Lanes smaller(Lanes a, Lanes b) {
  return a < b ? a : b;
}

inline Lanes larger(Lanes a, Lanes b) {
  return a > b ? a : b;
}

// To an integer, ties to even, for |x| < 2^22: adding 1.5 * 2^23 leaves no fraction bits.
template <class Number>
Number nearest(Number x) {
  constexpr float kNoFraction = 0x1.8p23F;
  return (x + kNoFraction) - kNoFraction;
}

// To an integer from `lowest` to `highest`.
inline Lanes nearest_level(Lanes x, float lowest, float highest) {
  return nearest(smaller(larger(x, Lanes{} + lowest), Lanes{} + highest));
}

inline float inverse(float scale) {
  return scale == 0 ? 0 : 1 / scale;
}

// The integer factor of `unit` nearest to `value`.
inline int nearest_factor(float value, float unit, int lowest, int highest) {
  if (unit == 0) return 0;
  return static_cast<int>(
      nearest(std::clamp(value / unit, static_cast<float>(lowest), static_cast<float>(highest))));
}

// What least squares needs to know of levels and the weights they stand for.
struct Sums {
  float levels = 0;
  float squares = 0;   // of levels
  float products = 0;  // level * weight
};

// Weights below are too small for every format's scales, and their squares for float32: they become 0.
constexpr float kNegligible = 0x1p-40F;

// Values around a format's last level at which fits start, as differences to it.
constexpr std::array kStarts = {-1.0F, -0.75F, -0.5F, -0.25F, 0.0F, 0.25F, 0.5F, 0.75F, 1.0F};

// x = scale * level, levels kLowest to -kLowest - 1.
template <int N, int kLowest>
class SymmetricFit {
 public:
  explicit SymmetricFit(const float* x) : x_(load_group<N>(x)) {}

  // Of either sign: the largest weight gets the level that has no opposite.
  float best_scale() const {
    const float peak = signed_peak();
    if (std::abs(peak) < kNegligible) return 0;
    float best_gain = 0;  // of the squared error, against levels that are all 0
    float best = 0;
    const auto improve = [&](float by) {
      const Sums sums = sums_at(by);
      const float gain = sums.products * sums.products / sums.squares;
      if (!(gain > best_gain)) return;
      best_gain = gain;
      best = sums.products / sums.squares;
    };
    for (const float start : kStarts) improve((kLowest + start) / peak);
    return best;
  }

  // The factor for which unit * factor fits best, near `wanted`.
  int best_factor(float wanted, float unit, int lowest, int highest) const {
    const int factor = nearest_factor(wanted, unit, lowest, highest);
    if (factor == 0) return 0;
    const Sums sums = sums_at(1 / (unit * static_cast<float>(factor)));
    if (sums.squares == 0) return factor;
    return nearest_factor(sums.products / sums.squares, unit, lowest, highest);
  }

  // Levels as distances from kLowest.
  void store_levels(float scale, uint8_t* to) const {
    const float by = inverse(scale);
    for (const Lanes& x : x_) {
      const Lanes level = nearest_level(x * by, kLowest, kHighest);
      for (int i = 0; i < kLanes; ++i) *to++ = static_cast<uint8_t>(static_cast<int>(level[i]) - kLowest);
    }
  }

 private:
  static constexpr float kHighest = -kLowest - 1;

  float signed_peak() const {
    Lanes highest{};
    Lanes lowest{};
    for (const Lanes& x : x_) {
      highest = larger(highest, x);
      lowest = smaller(lowest, x);
    }
    float up = 0;
    float down = 0;
    for (int i = 0; i < kLanes; ++i) up = std::max(up, highest[i]), down = std::min(down, lowest[i]);
    return up > -down ? up : down;
  }

  Sums sums_at(float by) const {
    Lanes squares{};
    Lanes products{};
    for (const Lanes& x : x_) {
      const Lanes level = nearest_level(x * by, kLowest, kHighest);
      squares += level * level;
      products += x * level;
    }
    return {.squares = total(squares), .products = total(products)};
  }

  Group<N> x_;
};

struct Affine {
  float scale = 0;   // not negative
  float offset = 0;  // not positive
};

struct FactorPair {
  int scale = 0;
  int offset = 0;
};

// x = scale * level + offset, levels 0 to kTop.
template <int N, int kTop>
class AffineFit {
 public:
  explicit AffineFit(const float* x) : x_(load_group<N>(x)) {}

  Affine best() const {
    Lanes lows{};
    Lanes highs = x_[0];
    Lanes totals{};
    for (const Lanes& x : x_) lows = smaller(lows, x), highs = larger(highs, x), totals += x;
    const float lowest = std::min(std::min(lows[0], lows[1]), std::min(lows[2], lows[3]));
    const float range = std::max(std::max(highs[0], highs[1]), std::max(highs[2], highs[3])) - lowest;
    if (!(range >= kNegligible)) return {};
    const float sum = total(totals);
    Affine best;
    float best_gain = 0;  // of the squared error, against all 0
    const auto improve = [&](float by, float offset) {
      const Sums sums = sums_at(by, offset);
      const Affine fit = least_squares(sums, sum);
      const float gain = fit.scale * sums.products + fit.offset * sum;
      if (!(gain > best_gain) || fit.scale < 0) return;
      best_gain = gain;
      best = fit;
    };
    for (const float start : kStarts) improve((kTop + start) / range, lowest);
    constexpr int kRefinements = 2;  // only here the offset moves
    for (int i = 0; i < kRefinements && best.scale > 0; ++i) improve(1 / best.scale, best.offset);
    return best;
  }

  // The factors for which scale_unit * scale and offset_unit * offset fit best, near `wanted`: rounding both
  // at once may need either one's neighbour, which is 2 % (Q4_K) to 5 % (Q5_K) of the error.
  FactorPair best_factors(Affine wanted, float scale_unit, float offset_unit, int highest) const {
    const FactorPair middle{nearest_factor(wanted.scale, scale_unit, 0, highest),
                            nearest_factor(-wanted.offset, offset_unit, 0, highest)};
    Lanes totals{};
    for (const Lanes& x : x_) totals += x;
    const float sum = total(totals);
    FactorPair best = middle;
    float least = INFINITY;
    for (int i = std::max(middle.scale - 1, 0); i <= std::min(middle.scale + 1, highest); ++i) {
      for (int j = std::max(middle.offset - 1, 0); j <= std::min(middle.offset + 1, highest); ++j) {
        const float scale = scale_unit * static_cast<float>(i);
        const float offset = -(offset_unit * static_cast<float>(j));
        const Sums sums = sums_at(inverse(scale), offset);
        // The squared error, less the weights' own squares.
        const float error = scale * (scale * sums.squares - 2 * sums.products) +
                            offset * (N * offset - 2 * sum) + 2 * scale * offset * sums.levels;
        if (error < least) least = error, best = {i, j};
      }
    }
    return best;
  }

  void store_levels(Affine fit, uint8_t* to) const {
    const float by = inverse(fit.scale);
    for (const Lanes& x : x_) {
      const Lanes level = nearest_level((x - fit.offset) * by, 0, kTop);
      for (int i = 0; i < kLanes; ++i) *to++ = static_cast<uint8_t>(level[i]);
    }
  }

 private:
  // For these levels; with an offset of 0 where the best one would be positive, which no format has.
  static Affine least_squares(const Sums& sums, float sum) {
    const float determinant = N * sums.squares - sums.levels * sums.levels;
    if (determinant > 0) {
      const float scale = (N * sums.products - sum * sums.levels) / determinant;
      const float offset = (sum - scale * sums.levels) / N;
      if (offset <= 0) return {scale, offset};
    }
    return {sums.squares > 0 ? sums.products / sums.squares : 0, 0};
  }

  Sums sums_at(float by, float offset) const {
    Lanes levels{};
    Lanes squares{};
    Lanes products{};
    for (const Lanes& x : x_) {
      const Lanes level = nearest_level((x - offset) * by, 0, kTop);
      levels += level;
      squares += level * level;
      products += x * level;
    }
    return {total(levels), total(squares), total(products)};
  }

  Group<N> x_;
};

}  // namespace sizeup::fits
