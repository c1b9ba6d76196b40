// CPython's random.Random: which examples a few-shot prompt shows must agree with programs that draw them in
// Python. MT19937 (Matsumoto, Nishimura 1998) seeded by init_by_array, and Random.sample of CPython 3.11+.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sizeup {

class PythonRandom {
 public:
  // random.Random(seed) for a seed of one 32-bit word.
  explicit PythonRandom(uint32_t seed);

  // random.sample(range(population), count); count must not exceed population.
  std::vector<size_t> sample(size_t population, size_t count);

 private:
  uint32_t next();
  void refill();
  size_t below(size_t bound);  // _randbelow_with_getrandbits

  std::array<uint32_t, 624> state_;
  size_t position_ = 624;
};

}  // namespace sizeup
