// Writing the input of the next product, included after a vector_*.h.
namespace {

using sizeup::cpu::Operand;
using sizeup::cpu::OperandFormat;

// Columns `column` (even) and column + 1 of the rows of a group.
static inline void store_columns(const Operand& to, int group, int column, Lanes first, Lanes second) {
  const int width = to.width();
  switch (to.format) {
    case OperandFormat::rounded_floats:
      first = to_bfloat(first);
      second = to_bfloat(second);
      [[fallthrough]];
    case OperandFormat::floats:
      if (width == sizeup::cpu::kLanes) {
        store(to.floats_at(group, column), first);
        store(to.floats_at(group, column + 1), second);
      } else {
        store_some(to.floats_at(group, column), first, width);
        store_some(to.floats_at(group, column + 1), second, width);
      }
      return;
    case OperandFormat::pairs:
    case OperandFormat::split_pairs:
      for (int part = 0; part < to.parts(); ++part) {
        store_bfloat_pairs(to.pair_at(group, column, part), first, second, width);
        first = first - to_bfloat(first);  // exact: the rest for the next part
        second = second - to_bfloat(second);
      }
      return;
  }
}

// One value.
static inline void store_value(const Operand& to, int row, int column, float value) {
  const int group = row / sizeup::cpu::kLanes;
  const int lane = row % sizeup::cpu::kLanes;
  if (to.format == OperandFormat::floats) {
    to.floats_at(group, column)[lane] = value;
    return;
  }
  for (int part = 0; part < to.parts(); ++part) {
    uint32_t word;
    __builtin_memcpy(&word, &value, sizeof word);
    word = (word + 0x7FFF + (word >> 16 & 1)) & 0xFFFF0000;  // to the nearest bfloat16, ties to even
    float high;
    __builtin_memcpy(&high, &word, sizeof high);
    if (to.format == OperandFormat::rounded_floats) {
      to.floats_at(group, column)[lane] = high;
      return;
    }
    const auto upper = static_cast<uint16_t>(word >> 16);
    __builtin_memcpy(to.pair_at(group, column, part) + 4 * lane + 2 * (column % 2), &upper, sizeof upper);
    value -= high;  // exact: the rest for the next part
  }
}

// Column `column`, even or odd, of the rows of a group; the other column of its pair stays, and another
// thread may be writing it.
static inline void store_column(const Operand& to, int group, int column, Lanes values) {
  if (to.paired()) {
    alignas(64) float lanes[sizeup::cpu::kLanes];
    store(lanes, values);
    for (int lane = 0; lane < to.width(); ++lane) {
      store_value(to, group * sizeup::cpu::kLanes + lane, column, lanes[lane]);
    }
    return;
  }
  if (to.format == OperandFormat::rounded_floats) values = to_bfloat(values);
  store_some(to.floats_at(group, column), values, to.width());
}

}  // namespace
