// The order of candidates for the most probable tokens as integers, for kernels and host tests.
#pragma once

#include <bit>
#include <cstdint>

#include "backends/cuda/host_device.h"

namespace sizeup::cuda {

SIZEUP_HOST_DEVICE inline uint32_t bits_of(float value) {
#ifdef __CUDA_ARCH__
  return __float_as_uint(value);
#else
  return std::bit_cast<uint32_t>(value);
#endif
}

SIZEUP_HOST_DEVICE inline float float_of(uint32_t bits) {
#ifdef __CUDA_ARCH__
  return __uint_as_float(bits);
#else
  return std::bit_cast<float>(bits);
#endif
}

// Greater for greater logits; of equal logits for the lower token. A broken model's NaN counts as -infinity,
// and both zeros are the same.
SIZEUP_HOST_DEVICE inline uint64_t top_key(float logit, int32_t token) {
  const float value = logit != logit ? float_of(0xFF800000U) : logit + 0.0F;
  const uint32_t bits = bits_of(value);
  const uint32_t ordered = (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
  return static_cast<uint64_t>(ordered) << 32 | (0xFFFFFFFFU - static_cast<uint32_t>(token));
}
SIZEUP_HOST_DEVICE inline int32_t key_token(uint64_t key) {
  return static_cast<int32_t>(0xFFFFFFFFU - static_cast<uint32_t>(key));
}
SIZEUP_HOST_DEVICE inline float key_logit(uint64_t key) {
  const auto ordered = static_cast<uint32_t>(key >> 32);
  return float_of((ordered & 0x80000000U) != 0 ? ordered & 0x7FFFFFFFU : ~ordered);
}

}  // namespace sizeup::cuda
