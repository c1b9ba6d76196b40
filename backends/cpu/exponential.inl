// e^x on lanes, and what is made of it; included after a vector_*.h. The same range reduction and polynomial
// as the reference device's (Cephes), with fused multiply-adds: at most 2 units in the last place off. Below
// -87.33 the result is 0; above 88.37 it does not grow further (2.4e38).
namespace {

static inline __attribute__((always_inline)) Lanes exponential(Lanes x) {
  const Lanes lowest = broadcast(-87.33F);
  const Lanes y = minimum(broadcast(88.37F), maximum(lowest, x));  // in this order NaN stays NaN
  const Lanes n = rounded(y * broadcast(1.44269504F));
  Lanes r = fused(n, broadcast(-0.693359375F), y);  // ln 2 in two parts; products with the first are exact
  r = fused(n, broadcast(2.12194440e-4F), r);
  Lanes p = broadcast(1.9875691500e-4F);
  p = fused(p, r, broadcast(1.3981999507e-3F));
  p = fused(p, r, broadcast(8.3334519073e-3F));
  p = fused(p, r, broadcast(4.1665795894e-2F));
  p = fused(p, r, broadcast(1.6666665459e-1F));
  p = fused(p, r, broadcast(5.0000001201e-1F));
  p = fused(p * r, r, r + broadcast(1.0F));
  return select(greater(lowest, x), zero(), scale_by_power(p, n));
}

// cap tanh(x / cap) = cap (1 - 2 / (1 + e^(2 x / cap))): off by a few units in the last place of cap.
static inline Lanes capped(Lanes x, float cap) {
  const Lanes e = exponential(x * broadcast(2.0F / cap));
  return broadcast(cap) * (broadcast(1.0F) - broadcast(2.0F) / (broadcast(1.0F) + e));
}

}  // namespace
