#include "core/timing/spread.h"

#include <gtest/gtest.h>

namespace sizeup {
namespace {

TEST(Spread, IsOfTheSortedValues) {
  const Spread odd = spread_of({3.0, 1.0, 2.0});
  EXPECT_EQ(odd.median, 2.0);
  EXPECT_EQ(odd.least, 1.0);
  EXPECT_EQ(odd.most, 3.0);
  EXPECT_EQ(odd.count, 3);
  EXPECT_EQ(spread_of({4.0, 1.0, 2.0, 10.0}).median, 3.0);
  EXPECT_EQ(spread_of({7.0}).median, 7.0);
}

}  // namespace
}  // namespace sizeup
