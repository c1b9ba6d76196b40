// Means over columns on lanes, included after a vector_*.h.
namespace {

// term(c) of all columns is added in four sums by column modulo 4, which are added at the end.
template <class Term>
static inline Lanes mean_of(int columns, const Term& term) {
  Lanes sums[4] = {zero(), zero(), zero(), zero()};
  int c = 0;
  for (; c + 4 <= columns; c += 4) {
    for (int i = 0; i < 4; ++i) sums[i] = term(c + i, sums[i]);
  }
  for (; c < columns; ++c) sums[c % 4] = term(c, sums[c % 4]);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) / broadcast(static_cast<float>(columns));
}

}  // namespace
