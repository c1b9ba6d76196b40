// Rows of values on the host.
#pragma once

#include <random>
#include <vector>

namespace sizeup {

using HostRows = std::vector<std::vector<float>>;

inline HostRows random_rows(int rows, int columns, unsigned seed, float scale = 1.0F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  HostRows all(static_cast<size_t>(rows), std::vector<float>(static_cast<size_t>(columns)));
  for (std::vector<float>& row : all) {
    for (float& value : row) value = normal(random);
  }
  return all;
}

}  // namespace sizeup
