// Expected values from tests/oracles/statistics_golden.py.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/io/file.h"
#include "core/json/json.h"
#include "harness/statistics/interval.h"
#include "tests/support/files.h"

namespace sizeup {

inline const Json& statistics_golden() {
  static const Json golden = [] {
    const auto path = (golden_folder() / "statistics.json").string();
    return parse_json(read_file(path).value(), path).value();
  }();
  return golden;
}

inline std::vector<double> doubles(const Json& array) {
  return array.get<std::vector<double>>();
}

// EXPECT_NEAR for both ends.
inline void expect_interval(double lo, double hi, const Json& expected, double tolerance) {
  EXPECT_NEAR(lo, expected.at(0).get<double>(), tolerance);
  EXPECT_NEAR(hi, expected.at(1).get<double>(), tolerance);
}

}  // namespace sizeup
