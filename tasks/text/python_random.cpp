#include "tasks/text/python_random.h"

#include <bit>
#include <numeric>
#include <unordered_set>

#include "core/errors/result.h"

namespace sizeup {

PythonRandom::PythonRandom(uint32_t seed) {
  constexpr size_t n = 624;
  state_[0] = 19650218U;
  for (size_t i = 1; i < n; ++i) {
    state_[i] = 1812433253U * (state_[i - 1] ^ (state_[i - 1] >> 30)) + static_cast<uint32_t>(i);
  }
  // init_by_array with the key {seed}.
  size_t i = 1;
  for (size_t k = 0; k < n; ++k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1664525U)) + seed;
    if (++i == n) {
      state_[0] = state_[n - 1];
      i = 1;
    }
  }
  for (size_t k = 0; k < n - 1; ++k) {
    state_[i] =
        (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1566083941U)) - static_cast<uint32_t>(i);
    if (++i == n) {
      state_[0] = state_[n - 1];
      i = 1;
    }
  }
  state_[0] = 0x80000000U;
}

void PythonRandom::refill() {
  constexpr size_t n = 624;
  constexpr size_t m = 397;
  for (size_t k = 0; k < n; ++k) {
    const uint32_t y = (state_[k] & 0x80000000U) | (state_[(k + 1) % n] & 0x7FFFFFFFU);
    state_[k] = state_[(k + m) % n] ^ (y >> 1) ^ ((y & 1U) ? 0x9908B0DFU : 0U);
  }
  position_ = 0;
}

uint32_t PythonRandom::next() {
  if (position_ == state_.size()) refill();
  uint32_t y = state_[position_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9D2C5680U;
  y ^= (y << 15) & 0xEFC60000U;
  return y ^ (y >> 18);
}

size_t PythonRandom::below(size_t bound) {
  const int bits = std::bit_width(bound);
  require(bits >= 1 && bits <= 32, "PythonRandom draws below 1 .. 2^32 - 1");
  size_t drawn = next() >> (32 - bits);
  while (drawn >= bound) drawn = next() >> (32 - bits);
  return drawn;
}

std::vector<size_t> PythonRandom::sample(size_t population, size_t count) {
  require(count <= population, "PythonRandom::sample draws at most the population");
  // CPython copies small populations and remembers the drawn ones of large ones; the draws differ.
  size_t set_size = 21;
  if (count > 5) {
    size_t power = 1;  // 4 ** ceil(log(3 count, 4))
    while (power < 3 * count) power *= 4;
    set_size += power;
  }
  std::vector<size_t> out;
  out.reserve(count);
  if (population <= set_size) {
    std::vector<size_t> pool(population);
    std::iota(pool.begin(), pool.end(), size_t{0});
    for (size_t i = 0; i < count; ++i) {
      const size_t j = below(population - i);
      out.push_back(pool[j]);
      pool[j] = pool[population - i - 1];
    }
    return out;
  }
  std::unordered_set<size_t> drawn;
  while (out.size() < count) {
    const size_t j = below(population);
    if (drawn.insert(j).second) out.push_back(j);
  }
  return out;
}

}  // namespace sizeup
