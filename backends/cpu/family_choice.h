// Choices of kernel families that several tiers make (Kernels::product, Kernels::attention).
#pragma once

#include <array>
#include <span>

#include "backends/cpu/attention.h"
#include "backends/cpu/product.h"
#include "backends/engine/device.h"

namespace sizeup::cpu {

template <const ProductFamily& kFloats>
const ProductFamily& floats_only(Precision, bool) {
  return kFloats;
}

template <const AttentionFamily& kFloat32, const AttentionFamily& kBfloat16>
std::span<const AttentionFamily* const> by_precision(Precision precision) {
  static constexpr std::array kFull{&kFloat32};
  static constexpr std::array kHalf{&kBfloat16};
  return precision == Precision::float32 ? kFull : kHalf;
}

}  // namespace sizeup::cpu
