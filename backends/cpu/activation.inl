// Activations of a feed-forward on lanes, included after a vector_*.h and exponential.inl.
namespace {

using sizeup::Activation;

// 1 / (1 + e^-x)
static inline Lanes logistic(Lanes x) {
  return broadcast(1.0F) / (broadcast(1.0F) + exponential(zero() - x));
}

// The distribution function of the normal distribution, at most 2e-7 off: 1 / 2 erfc(|x| / sqrt(2)) by
// Abramowitz and Stegun 7.1.26, or 1 less that where x is positive.
static inline Lanes normal_distribution(Lanes x) {
  const Lanes z = maximum(x, zero() - x) * broadcast(0.70710678F);
  const Lanes t = broadcast(1.0F) / fused(broadcast(0.3275911F), z, broadcast(1.0F));
  Lanes p = broadcast(1.061405429F);
  p = fused(p, t, broadcast(-1.453152027F));
  p = fused(p, t, broadcast(1.421413741F));
  p = fused(p, t, broadcast(-0.284496736F));
  p = fused(p, t, broadcast(0.254829592F));
  const Lanes tail = broadcast(0.5F) * p * t * exponential(zero() - z * z);
  return select(greater(x, zero()), broadcast(1.0F) - tail, tail);
}

static inline Lanes activated(Activation activation, Lanes x) {
  switch (activation) {
    case Activation::silu:
      return x / (broadcast(1.0F) + exponential(zero() - x));
    case Activation::gelu:
      return x * normal_distribution(x);
    case Activation::gelu_tanh: {
      // 2 sqrt(2 / pi), since 0.5 (1 + tanh(u)) is the logistic function of 2 u.
      const Lanes inner = fused(x * x * x, broadcast(0.044715F), x);
      return x * logistic(broadcast(1.5957691216F) * inner);
    }
    case Activation::tanh:
      return broadcast(1.0F) - broadcast(2.0F) / (broadcast(1.0F) + exponential(x + x));
    case Activation::clamped_swish:
      break;  // of a gate and an up only
  }
  return x;
}

static inline Lanes activated_gate(Activation activation, Lanes gate, Lanes up) {
  if (activation != Activation::clamped_swish) return activated(activation, gate) * up;
  const Lanes limit = broadcast(7.0F);
  const Lanes g = minimum(gate, limit);
  const Lanes u = minimum(maximum(up, zero() - limit), limit);
  return g * logistic(broadcast(1.702F) * g) * (u + broadcast(1.0F));
}

}  // namespace
