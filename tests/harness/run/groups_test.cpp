// Groups of tasks: values from their members' results, stored and read back.
#include "harness/run/groups.h"

#include <cmath>

#include "harness/statistics/interval.h"
#include "run_fixture.h"

namespace sizeup {
namespace {

// `right` of `n` answers are right, by the metrics "acc" and "match,strict".
GroupTask task_of(const std::vector<MetricRow>& metrics, int right, int n) {
  GroupTask task{metrics, {}, {}};
  for (const MetricRow& metric : metrics) {
    ResultRow result;
    result.metric = metric.name;
    result.value = static_cast<double>(right) / n;
    result.n = n;
    task.results.push_back(result);
  }
  for (int i = 0; i < n; ++i) {
    AnswerRow answer;
    for (const MetricRow& metric : metrics) answer.scores[metric.name] = i < right ? 1.0 : 0.0;
    task.answers.push_back(std::move(answer));
  }
  return task;
}

const std::vector<MetricRow> kMeans = {{"acc", "", true, true}, {"match,strict", "", true, true}};

TEST(GroupResults, WeighBySizeWithThePooledError) {
  const GroupTask small = task_of(kMeans, 5, 10);
  const GroupTask large = task_of(kMeans, 72, 90);
  const std::vector<const GroupTask*> members = {&small, &large};
  TaskGroup group;
  group.metrics = {{"acc", {}, true}};
  const std::vector<GroupRow> rows = group_results(group, members);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].result.metric, "acc");
  EXPECT_DOUBLE_EQ(rows[0].result.value, 0.77);
  EXPECT_EQ(rows[0].result.n, 100);
  // By hand: se^2 = p (1 - p) / (n - 1); the pooled sum is 10 * 0.25 + 90 * 0.16 = 16.9.
  EXPECT_NEAR(*rows[0].result.hi - rows[0].result.value, t_quantile(0.975, 98) * std::sqrt(16.9 / 98 / 100),
              1e-12);
  EXPECT_NEAR(rows[0].standard_error.value(), std::sqrt(16.9 / 98 / 100), 1e-12);

  group.metrics = {{"acc", {}, false}};
  const GroupRow plain = group_results(group, members)[0];
  EXPECT_DOUBLE_EQ(plain.result.value, 0.65);
  EXPECT_NEAR(plain.standard_error.value(), std::sqrt(0.25 / 9 + 0.16 / 89) / 2, 1e-12);
}

TEST(GroupResults, ClaimNoCertaintyWhereNothingVaries) {
  const GroupTask none = task_of(kMeans, 0, 2);
  const GroupTask all = task_of(kMeans, 2, 2);
  TaskGroup group;
  group.metrics = {{"acc", {}, true}};
  const ResultRow wrong = group_results(group, std::vector<const GroupTask*>{&none, &none})[0].result;
  EXPECT_EQ(wrong.value, 0.0);
  EXPECT_NEAR(*wrong.hi, wilson_interval(0, 4).hi, 1e-12);
  EXPECT_FALSE(group_results(group, std::vector<const GroupTask*>{&none, &all})[0].result.lo.has_value());
}

TEST(GroupResults, FiltersAndMetricsThatSomeMembersLack) {
  const std::vector<MetricRow> one = {{"acc", "", true, true}};
  const std::vector<MetricRow> set = {{"acc", "", true, false}};
  const GroupTask both = task_of(kMeans, 1, 4);
  const GroupTask single = task_of(one, 2, 4);
  const GroupTask formula = task_of(set, 2, 4);
  TaskGroup group;
  group.metrics = {{"match", {"loose"}, true}};
  EXPECT_TRUE(group_results(group, std::vector<const GroupTask*>{&both}).empty());
  group.metrics = {{"match", {}, true}};
  const auto rows = group_results(group, std::vector<const GroupTask*>{&both, &single});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].result.metric, "match,strict");
  EXPECT_EQ(rows[0].result.n, 4) << "the member without the metric does not count";
  group.metrics = {{"acc", {}, true}};
  EXPECT_TRUE(group_results(group, std::vector<const GroupTask*>{&both, &single})[0].result.lo.has_value());
  const auto unknown = group_results(group, std::vector<const GroupTask*>{&single, &formula});
  EXPECT_DOUBLE_EQ(unknown[0].result.value, 0.5);
  EXPECT_FALSE(unknown[0].result.lo.has_value()) << "no standard error of a metric that is no mean";
  EXPECT_FALSE(unknown[0].standard_error.has_value());
  const GroupTask tiny = task_of(one, 1, 1);
  const GroupRow with_tiny = group_results(group, std::vector<const GroupTask*>{&single, &tiny})[0];
  EXPECT_FALSE(with_tiny.standard_error.has_value()) << "one sample has none in the harness";
  EXPECT_TRUE(with_tiny.result.lo.has_value());
}

TEST_F(RunFixture, AGroupOfTasksIsStoredForEveryModel) {
  settings.models = {"small=./s.gguf", "large=./l.gguf"};
  settings.tasks = {"g"};
  add_task("other", OutputType::multiple_choice, 2);
  RunEnvironment with = environment();
  with.select_tasks = [](const std::vector<std::string>& names) -> Result<TaskSelection> {
    EXPECT_EQ(names, std::vector<std::string>{"g"});
    TaskSelection selection;
    selection.tasks = {{"choice", std::nullopt}, {"other", std::nullopt}};
    TaskGroup group;
    group.name = "g";
    group.metrics = {{"acc", {}, true}};
    group.tasks = {0, 1};
    selection.groups = {group};
    return selection;
  };
  const Result<RunSummary> summary = execute(settings, progress, stop.get_token(), with);
  ASSERT_TRUE(summary.has_value()) << describe(summary.error());
  ASSERT_EQ(summary->groups.size(), 2U);
  for (const GroupRow& group : summary->groups) {
    double weighted = 0;
    for (const EvaluationSummary& evaluation : summary->evaluations) {
      if (evaluation.model == group.model.name)
        weighted += evaluation.headline.value * static_cast<double>(evaluation.headline.n);
    }
    EXPECT_EQ(group.tasks, 2);
    EXPECT_EQ(group.result.n, 8);
    EXPECT_DOUBLE_EQ(group.result.value, weighted / 8);
  }
  EXPECT_EQ(query("SELECT count(*) FROM group_results WHERE \"group\" = 'g' AND tasks = 2")[0], "2");
}

}  // namespace
}  // namespace sizeup
