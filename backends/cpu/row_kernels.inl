// Operations on rows, included after a vector_*.h and operand.inl: vertical, so that a lane is on its own.
namespace {

using sizeup::RotaryLayout;
using sizeup::cpu::kLanes;
using sizeup::cpu::LaneRows;
using sizeup::cpu::RotaryLanes;
using sizeup::cpu::WeightedParts;

// Squares are added in four sums by column modulo 4, which are added at the end.
static inline Lanes scale_of(const float* x, int columns, float epsilon) {
  Lanes sums[4] = {zero(), zero(), zero(), zero()};
  int c = 0;
  for (; c + 4 <= columns; c += 4) {
    for (int i = 0; i < 4; ++i) {
      const Lanes value = load(x + (c + i) * kLanes);
      sums[i] = fused(value, value, sums[i]);
    }
  }
  for (; c < columns; ++c) {
    const Lanes value = load(x + c * kLanes);
    sums[c % 4] = fused(value, value, sums[c % 4]);
  }
  const Lanes mean = ((sums[0] + sums[1]) + (sums[2] + sums[3])) / broadcast(static_cast<float>(columns));
  return broadcast(1.0F) / square_root(mean + broadcast(epsilon));
}

static void norm(const LaneRows& in, const float* weight, float epsilon, const Operand& out, int first_group,
                 int end_group) {
  for (int group = first_group; group < end_group; ++group) {
    const Lanes scale = scale_of(in.at(group, 0), in.columns, epsilon);
    const auto column = [&](int c) {
      if (c >= in.columns) return zero();
      return load(in.at(group, c)) * scale * broadcast(weight[c]);
    };
    for (int c = 0; c < out.columns; c += 2) store_columns(out, group, c, column(c), column(c + 1));
  }
}

static void norm_heads(const LaneRows& rows, int first_column, int heads, int head_size, const float* weight,
                       float epsilon, int first_group, int end_group) {
  for (int group = first_group; group < end_group; ++group) {
    for (int head = 0; head < heads; ++head) {
      float* x = rows.at(group, first_column + head * head_size);
      const Lanes scale = scale_of(x, head_size, epsilon);
      for (int i = 0; i < head_size; ++i)
        store(x + i * kLanes, load(x + i * kLanes) * scale * broadcast(weight[i]));
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
