// The report and `sizeup compare` look at one store and must say the same.
#include "harness/decide/comparison.h"

#include <gtest/gtest.h>

#include "reports/report.h"
#include "tests/reports/invented_run.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

void expect_same(const Difference& compared, const Difference& reported) {
  const PairedDifference& a = compared.result.difference;
  const PairedDifference& b = reported.result.difference;
  EXPECT_EQ(a.n, b.n);
  EXPECT_EQ(a.difference, b.difference);
  EXPECT_EQ(a.lo, b.lo);
  EXPECT_EQ(a.hi, b.hi);
  EXPECT_EQ(a.p, b.p);
  EXPECT_EQ(a.wins, b.wins);
  EXPECT_EQ(a.losses, b.losses);
  EXPECT_EQ(compared.result.verdict, reported.result.verdict);
  EXPECT_EQ(compared.result.more, reported.result.more);
}

TEST(ReportAndCompare, SayTheSame) {
  const TemporaryFolder folder;
  const Store store = make_invented_run(folder.path() / "store.db", {});
  const ReportData report = load_report(store, "", {}).value();
  const Evidence candidate = load_evidence(store, report.small().name).value();
  const Evidence baseline = load_evidence(store, report.large().name).value();
  const Comparison comparison = compare(candidate, baseline, {}, report.tasks[0].margin).value();

  ASSERT_EQ(comparison.tasks.size(), report.differences.size());
  size_t slices = 0;
  for (size_t t = 0; t < comparison.tasks.size(); ++t) {
    SCOPED_TRACE(comparison.tasks[t].task);
    EXPECT_EQ(comparison.tasks[t].metric, report.tasks[t].pair_metric);
    expect_same(comparison.tasks[t].difference, report.differences[t]);
    EXPECT_EQ(comparison.tasks[t].difference.holm_p, report.differences[t].holm_p);
    EXPECT_EQ(comparison.tasks[t].difference.kept.bootstrap.lo, report.differences[t].kept.bootstrap.lo);
    for (const SliceComparison& slice : comparison.tasks[t].slices) {
      const ReportDifference& reported = report.slices.at(slices++);
      EXPECT_EQ(slice.value, reported.slice_value);
      expect_same(slice.difference, reported);
      EXPECT_EQ(slice.difference.widened.lo, reported.widened.lo);
    }
  }
  EXPECT_EQ(slices, report.slices.size());
  EXPECT_GT(slices, 0u);
  expect_same(*comparison.overall, *report.overall);
}

}  // namespace
}  // namespace sizeup
