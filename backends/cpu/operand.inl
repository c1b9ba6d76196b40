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

}  // namespace
