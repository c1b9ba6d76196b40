#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "tasks/metrics/metric.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

using ::testing::ElementsAre;

class Details : public ::testing::Test {
 protected:
  Details() {
    add({{"logprob,strict", "-1.5"}, {"pair,strict", "3 4"}, {"logprob", "-99"}});
    add({{"logprob,strict", "-2"}, {"pair,strict", "3 4"}});
    add({{"logprob,strict", "-1.5"}, {"pair,strict", "3 4"}, {"evidence", "differs"}});
    add({{"pair,strict", "5"}});
  }
  void add(std::map<std::string, std::string> details) {
    samples_.emplace_back();
    samples_.back().details = std::move(details);
  }
  DetailTable table() const {
    std::vector<const Scored*> pointers;
    for (const Scored& sample : samples_) pointers.push_back(&sample);
    return {pointers, ",strict", std::vector<std::string>{"logprob", "pair"}};
  }
  std::vector<Scored> samples_;
};

TEST_F(Details, ThatAreEqualAreOneRow) {
  EXPECT_THAT(table().counts(), ElementsAre(2, 1, 1));
}

TEST_F(Details, AreSummedAsOftenAsTheyCount) {
  const DetailTable details = table();
  const ScoredSet all(details, details.counts());
  EXPECT_EQ(all.size(), 4);
  EXPECT_DOUBLE_EQ(all.sum("logprob"), -5.0);
  EXPECT_THAT(all.sums("pair", 2), ElementsAre(14.0, 12.0));
  EXPECT_EQ(all.with("logprob"), 3);
  EXPECT_EQ(all.with("pair", "3 4"), 3);
  const std::vector<int64_t> weights = {0, 3, 1};
  const ScoredSet some(details, weights);
  EXPECT_EQ(some.size(), 4);
  EXPECT_DOUBLE_EQ(some.sum("logprob"), -6.0);
  EXPECT_EQ(some.with("logprob"), 3);
}

TEST_F(Details, OfImpossibleTextsDoNotTouchResamplesWithoutThem) {
  add({{"logprob,strict", "-inf"}});
  const DetailTable details = table();
  EXPECT_EQ(ScoredSet(details, details.counts()).sum("logprob"), -std::numeric_limits<double>::infinity());
  const std::vector<int64_t> without = {1, 1, 1, 0};
  EXPECT_DOUBLE_EQ(ScoredSet(details, without).sum("logprob"), -3.5);
}

TEST_F(Details, ThatTheRowOfTheTableDoesNotNameCannotBeRead) {
  const DetailTable details = table();
  EXPECT_THROW((void)ScoredSet(details, details.counts()).sum("evidence"), InternalError);
}

}  // namespace
}  // namespace sizeup
