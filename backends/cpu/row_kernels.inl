// Operations on rows, included after a vector_*.h, activation.inl, operand.inl and mean.inl: vertical, so
// that a lane is on its own.
namespace {

using sizeup::NormKind;
using sizeup::RotaryLayout;
using sizeup::cpu::kLanes;
using sizeup::cpu::LaneNorm;
using sizeup::cpu::LaneRows;
using sizeup::cpu::RotaryLanes;
using sizeup::cpu::WeightedParts;
using sizeup::cpu::WeightedRows;

// What a norm makes of a row: (x - mean) * scale, then weight and bias.
struct Moments {
  Lanes mean;
  Lanes scale;
};

static inline Moments moments_of(const LaneNorm& norm, const float* x) {
  if (norm.kind == NormKind::none) return {zero(), broadcast(1.0F)};
  Lanes mean = zero();
  if (norm.kind == NormKind::layer) {
    mean = mean_of(norm.columns, [x](int c, Lanes sum) { return sum + load(x + c * kLanes); });
  }
  const Lanes square = mean_of(norm.columns, [x, mean](int c, Lanes sum) {
    const Lanes value = load(x + c * kLanes) - mean;
    return fused(value, value, sum);
  });
  return {mean, broadcast(1.0F) / square_root(square + broadcast(norm.epsilon))};
}

static inline Lanes normed(const LaneNorm& norm, const Moments& moments, const float* x, int column) {
  Lanes value = load(x + column * kLanes) - moments.mean;
  value = value * moments.scale * broadcast(norm.weight[column]);
  return norm.bias == nullptr ? value : value + broadcast(norm.bias[column]);
}

static void norm(const LaneRows& in, const LaneNorm& norm, const Operand& out, int first_group,
                 int end_group) {
  for (int group = first_group; group < end_group; ++group) {
    const float* x = in.at(group, 0);
    const Moments moments = moments_of(norm, x);
    const auto column = [&](int c) { return c < in.columns ? normed(norm, moments, x, c) : zero(); };
    for (int c = 0; c < out.columns; c += 2) store_columns(out, group, c, column(c), column(c + 1));
  }
}

static void norm_add(const LaneRows& in, const LaneNorm& norm, const LaneRows& rows, int first_group,
                     int end_group) {
  for (int group = first_group; group < end_group; ++group) {
    const float* x = in.at(group, 0);
    float* sum = rows.at(group, 0);
    const Moments moments = moments_of(norm, x);
    for (int c = 0; c < in.columns; ++c)
      store(sum + c * kLanes, load(sum + c * kLanes) + normed(norm, moments, x, c));
  }
}

static void norm_parts(const LaneRows& rows, const LaneNorm& norm, int first_column, int parts,
                       int first_group, int end_group) {
  for (int group = first_group; group < end_group; ++group) {
    for (int part = 0; part < parts; ++part) {
      float* x = rows.at(group, first_column + part * norm.columns);
      const Moments moments = moments_of(norm, x);
      for (int c = 0; c < norm.columns; ++c) store(x + c * kLanes, normed(norm, moments, x, c));
    }
  }
}

static void rotate(const LaneRows& rows, int first_column, int heads, int head_size, RotaryLayout layout,
                   const RotaryLanes& angles, int first_group, int end_group) {
  const bool interleaved = layout == RotaryLayout::interleaved;
  const int step = interleaved ? 2 : 1;                // from one pair's first element to the next pair's
  const int partner = interleaved ? 1 : angles.pairs;  // from a pair's first element to its second
  for (int group = first_group; group < end_group; ++group) {
    const size_t begin = static_cast<size_t>(group) * static_cast<size_t>(angles.pairs) * kLanes;
    for (int head = 0; head < heads; ++head) {
      float* x = rows.at(group, first_column + head * head_size);
      for (int pair = 0; pair < angles.pairs; ++pair) {
        const Lanes cosine = load(angles.cosines + begin + static_cast<size_t>(pair * kLanes));
        const Lanes sine = load(angles.sines + begin + static_cast<size_t>(pair * kLanes));
        float* first_place = x + pair * step * kLanes;
        float* second_place = first_place + partner * kLanes;
        const Lanes first = load(first_place);
        const Lanes second = load(second_place);
        store(first_place, first * cosine - second * sine);
        store(second_place, second * cosine + first * sine);
      }
    }
  }
}

// value = change(value) for every value of the groups.
template <class Change>
static inline void each_value(const LaneRows& rows, int first_group, int end_group, const Change& change) {
  for (int group = first_group; group < end_group; ++group) {
    float* x = rows.at(group, 0);
    for (int c = 0; c < rows.columns; ++c) store(x + c * kLanes, change(group, c, load(x + c * kLanes)));
  }
}

static void scale(const LaneRows& rows, float factor, int first_group, int end_group) {
  each_value(rows, first_group, end_group, [=](int, int, Lanes x) { return x * broadcast(factor); });
}

static void add(const LaneRows& in, float factor, const LaneRows& rows, int first_group, int end_group) {
  each_value(rows, first_group, end_group, [&in, factor](int group, int c, Lanes x) {
    return fused(broadcast(factor), load(in.at(group, c)), x);
  });
}

static void combine(const LaneRows& base, const WeightedRows& terms, const LaneRows& out, int first_group,
                    int end_group) {
  for (int group = first_group; group < end_group; ++group) {
    for (int c = 0; c < out.columns; ++c) {
      Lanes sum = load(base.at(group, c));
      for (int i = 0; i < terms.count; ++i) {
        const Lanes weight = load(terms.weights.at(group, terms.first_column + i));
        sum = fused(weight, load(terms.rows[i].at(group, c)), sum);
      }
      store(out.at(group, c), sum);
    }
  }
}

static void match_magnitude(const LaneRows& rows, const LaneRows& like, int first_group, int end_group) {
  const auto mean_square = [](const LaneRows& of, int group) {
    return mean_of(of.columns, [x = of.at(group, 0)](int c, Lanes sum) {
      const Lanes value = load(x + c * kLanes);
      return fused(value, value, sum);
    });
  };
  for (int group = first_group; group < end_group; ++group) {
    const Lanes least = broadcast(sizeup::kLeastMeanSquare);
    const Lanes own = square_root(maximum(least, mean_square(rows, group)));
    const Lanes factor = square_root(mean_square(like, group)) / own;
    each_value(rows, group, group + 1, [=](int, int, Lanes x) { return x * factor; });
  }
}

static void keep_above(const LaneRows& rows, int columns, float deviations, int first_group, int end_group) {
  for (int group = first_group; group < end_group; ++group) {
    float* x = rows.at(group, 0);
    const Lanes mean = mean_of(columns, [x](int c, Lanes sum) { return sum + load(x + c * kLanes); });
    const Lanes variance = mean_of(columns, [x, mean](int c, Lanes sum) {
      const Lanes value = load(x + c * kLanes) - mean;
      return fused(value, value, sum);
    });
    const Lanes cutoff = fused(broadcast(deviations), square_root(variance), mean);
    for (int c = 0; c < columns; ++c)
      store(x + c * kLanes, maximum(zero(), load(x + c * kLanes) - cutoff));  // in this order NaN stays NaN
  }
}

static void gate(const LaneRows& in, Activation activation, const LaneRows& factors, int first_column,
                 int columns, const Operand& out, int first_group, int end_group) {
  for (int group = first_group; group < end_group; ++group) {
    const float* x = in.at(group, 0);
    const float* by = factors.at(group, first_column);
    const auto column = [&](int c) {
      if (c >= columns) return zero();
      return activated_gate(activation, load(x + c * kLanes), load(by + c * kLanes));
    };
    for (int c = 0; c < out.columns; c += 2) store_columns(out, group, c, column(c), column(c + 1));
  }
}

static void mix_parts(const LaneRows& in, const LaneRows& gates, const LaneRows& out, int first_group,
                      int end_group) {
  const Lanes share = broadcast(1.0F / static_cast<float>(in.columns / out.columns));
  for (int group = first_group; group < end_group; ++group) {
    for (int c = 0; c < out.columns; ++c) {
      Lanes sum = zero();
      for (int from = c; from < in.columns; from += out.columns)
        sum = fused(load(in.at(group, from)), logistic(load(gates.at(group, from))), sum);
      store(out.at(group, c), sum * share);
    }
  }
}

static void add_to_parts(const LaneRows& in, const LaneRows& gates, float factor, const LaneRows& rows,
                         int first_group, int end_group) {
  for (int group = first_group; group < end_group; ++group) {
    float* x = rows.at(group, 0);
    for (int part = 0; part < gates.columns; ++part) {
      const Lanes weight = broadcast(factor) * logistic(load(gates.at(group, part)));
      for (int c = 0; c < in.columns; ++c, x += kLanes)
        store(x, fused(weight, load(in.at(group, c)), load(x)));
    }
  }
}

static void score_parts(const LaneRows& a, const LaneRows& b, const LaneRows& out, int first_group,
                        int end_group) {
  const int size = a.columns / out.columns;
  const Lanes root = square_root(broadcast(static_cast<float>(size)));
  const Lanes least = broadcast(sizeup::kLeastScore);
  for (int group = first_group; group < end_group; ++group) {
    for (int part = 0; part < out.columns; ++part) {
      const float* x = a.at(group, part * size);
      const float* y = b.at(group, part * size);
      const Lanes mean = mean_of(
          size, [x, y](int c, Lanes sum) { return fused(load(x + c * kLanes), load(y + c * kLanes), sum); });
      const Lanes score = mean * root;
      const Lanes above = square_root(maximum(least, score));
      const Lanes below = zero() - square_root(maximum(least, zero() - score));
      const Lanes not_above = select(greater(zero(), score), below, score);  // 0 stays, and so does NaN
      store(out.at(group, part), select(greater(score, zero()), above, not_above));
    }
  }
}

static void apply_gate(const Operand& in, const LaneRows& gates, int first_column, const Operand& out,
                       int columns, int first_group, int end_group) {
  for (int group = first_group; group < end_group; ++group) {
    const auto gated = [&](int c) {
      if (c >= columns) return zero();
      return load_some(in.floats_at(group, c), in.width()) *
             logistic(load(gates.at(group, first_column + c)));
    };
    for (int c = 0; c < out.columns; c += 2) store_columns(out, group, c, gated(c), gated(c + 1));
  }
}

static void gather(const float* rows, const int32_t* numbers, const Operand& out, int first_group,
                   int end_group) {
  for (int group = first_group; group < end_group; ++group) {
    const float* sources[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) {
      const int row = group * kLanes + lane;  // lanes without a row may hold anything that is a number
      const int32_t number = numbers[row < out.rows ? row : group * kLanes];
      sources[lane] = rows + static_cast<size_t>(number) * static_cast<size_t>(out.columns);
    }
    for (int c = 0; c < out.columns; c += kLanes) {
      alignas(64) float block[kLanes][kLanes];
      for (int lane = 0; lane < kLanes; ++lane) {
        for (int i = 0; i < kLanes; ++i) block[i][lane] = sources[lane][c + i];
      }
      for (int i = 0; i < kLanes; i += 2)
        store_columns(out, group, c + i, load(block[i]), load(block[i + 1]));
    }
  }
}

static void add_weighted(const WeightedParts& parts, const LaneRows& rows, int first_group, int end_group) {
  for (int group = first_group; group < end_group; ++group) {
    const int left = rows.rows - group * kLanes;
    const int count = left < kLanes ? left : kLanes;
    for (int c = 0; c < rows.columns; c += kLanes) {
      alignas(64) float block[kLanes][kLanes] = {};  // [row][column]
      for (int lane = 0; lane < count; ++lane) {
        const size_t first = static_cast<size_t>(group * kLanes + lane) * static_cast<size_t>(parts.count);
        const float* values = parts.values + first * static_cast<size_t>(parts.stride) + c;
        Lanes sum = zero();
        for (int i = 0; i < parts.count; ++i, values += parts.stride) {
          sum = fused(broadcast(parts.weights[first + static_cast<size_t>(i)]), load(values), sum);
        }
        store(block[lane], sum);
      }
      for (int i = 0; i < kLanes && c + i < rows.columns; ++i) {
        alignas(64) float column[kLanes];
        for (int lane = 0; lane < kLanes; ++lane) column[lane] = block[lane][i];
        float* place = rows.at(group, c + i);
        store(place, load(place) + load(column));
      }
    }
  }
}

}  // namespace
