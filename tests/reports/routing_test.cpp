#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "core/json/json.h"
#include "reports/calibration_text.h"
#include "reports/format.h"
#include "reports/report.h"
#include "tests/reports/invented_run.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class RoutingReport : public testing::Test {
 protected:
  TemporaryFolder own;

  Store store(const InventedRun& what = {}) const { return make_invented_run(own.path() / "store.db", what); }

  static ReportOptions by(const std::string& signal, const std::vector<std::string>& tasks = {}) {
    ReportOptions options;
    options.route.signal = parse_route_signal(signal).value();
    options.route.tasks = tasks;
    return options;
  }

  static std::string error_of(const Store& store, const ReportOptions& options) {
    const auto data = load_routing(store, "", options);
    return data ? std::string() : describe(data.error());
  }
};

// Both models' answers to the samples of the tasks that are routed, from the report's list.
std::vector<const ReportSample*> routed_samples(const ReportData& data) {
  std::vector<const ReportSample*> out;
  for (const ReportSample& sample : data.samples) {
    const bool chosen = std::find(data.routing->tasks.begin(), data.routing->tasks.end(), sample.task) !=
                        data.routing->tasks.end();
    if (chosen && sample.candidate.score && sample.baseline.score) out.push_back(&sample);
  }
  return out;
}

TEST_F(RoutingReport, FollowsFromTheSamples) {
  const ReportData data = load_report(store(), "", {}).value();
  ASSERT_TRUE(data.routing.has_value());
  const ReportRouting& routing = *data.routing;
  EXPECT_EQ(routing.signal, "confidence");
  EXPECT_EQ(routing.kind, kOptionProbability);
  std::vector<std::string> tasks;
  for (const int task : routing.tasks) tasks.push_back(data.tasks[static_cast<size_t>(task)].name);
  EXPECT_THAT(tasks, ElementsAre("helpdesk"));
  const std::vector<const ReportSample*> samples = routed_samples(data);
  ASSERT_EQ(routing.n, static_cast<int64_t>(samples.size()));
  EXPECT_EQ(routing.left_out, 190);

  double small = 0.0;
  double large = 0.0;
  for (const ReportSample* sample : samples) {
    small += *sample->candidate.score;
    large += *sample->baseline.score;
  }
  const auto n = static_cast<double>(samples.size());
  EXPECT_NEAR(routing.frontier.small, small / n, 1e-12);
  EXPECT_NEAR(routing.frontier.large, large / n, 1e-12);
  EXPECT_EQ(routing.frontier.points.size(), 101u);
  // Half of them have less confidence than the threshold in the middle, whatever fold they are in.
  int64_t below = 0;
  for (const ReportSample* sample : samples)
    below += *sample->candidate.confidence < routing.frontier.points[50].threshold ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(below) / n, 0.5, 0.01);
  EXPECT_NEAR(routing.frontier.points[50].share, 0.5, 0.05);
  // Large is not shown to be better there, so what routing closes of the gap could be anything.
  EXPECT_FALSE(routing.apgr.has_interval());
}

// The invented confidence of records says nothing: routing by it is drawing lots.
TEST_F(RoutingReport, UselessConfidenceShows) {
  const ReportData data = load_routing(store(), "", by("confidence", {"invoices"})).value();
  ASSERT_TRUE(data.routing->apgr.has_interval());
  EXPECT_LT(data.routing->apgr.lo, 0.5);
  EXPECT_GT(data.routing->apgr.hi, 0.5);
}

// Where every task that is compared can be routed, small first is judged beside the two models.
TEST_F(RoutingReport, RequirementsAreHeldAgainstSmallFirst) {
  ReportOptions options = by("length");
  options.requirements.emplace();
  options.requirements->source = "job.yaml";
  options.requirements->margin = 0.1;
  options.route.share = 0.5;
  const ReportData data = load_report(store(), "", options).value();
  EXPECT_EQ(data.routing->left_out, 0);
  ASSERT_EQ(data.requirements->candidates.models.size(), 3u);
  const std::vector<ModelFacts>& models = data.requirements->candidates.models;
  const double share = data.routing->point()->share;
  EXPECT_EQ(models[1].name, "small first, " + format_percent(share, 0) + " sent on");
  EXPECT_NEAR(*models[1].cost_per_request, data.routing->point()->cost, 1e-12);
  EXPECT_EQ(models[1].memory_bytes, models[0].memory_bytes + models[2].memory_bytes);
  EXPECT_EQ(models[1].placement, Placement::here);
  double weighted = 0.0;
  int64_t n = 0;
  for (size_t task = 0; task < data.tasks.size(); ++task) {
    const PairedDifference& difference = models[1].against_best[task];
    weighted += difference.difference * static_cast<double>(difference.n);
    n += difference.n;
  }
  EXPECT_EQ(n, data.routing->n);
  EXPECT_NEAR(weighted / static_cast<double>(n), data.routing->point()->against_large.difference, 1e-12);
  EXPECT_FALSE(to_json(data)["requirements"][0]["small_first"].is_null());
  EXPECT_THAT(to_html(data), HasSubstr("<b class=\"k-hyb\">small first, "));
  EXPECT_THAT(to_markdown(data), HasSubstr("| small first, "));
}

TEST_F(RoutingReport, CostsAndTimesAreThoseOfBothWhereSentOn) {
  const ReportData data = load_routing(store(), "", by("confidence", {"invoices"})).value();
  const ReportRouting& routing = *data.routing;
  double small = 0.0;
  double large = 0.0;
  for (const ReportCost& cost : data.cost) {
    if (cost.task != routing.tasks.front()) continue;
    (cost.model == data.candidate ? small : large) = *cost.per_1000 / 1000.0;
  }
  EXPECT_NEAR(routing.large_cost, large, 1e-12);
  for (const size_t percent : {size_t{0}, size_t{30}, size_t{100}}) {
    const RoutePoint& point = routing.frontier.points[percent];
    EXPECT_NEAR(point.cost, small + point.share * large, 1e-9);
  }
  EXPECT_TRUE(std::isnan(routing.frontier.points[50].p95_ms));  // 90 requests support no p95
  EXPECT_EQ(routing.currency, "EUR");

  const ReportData all = load_routing(store({.day = "2026-11-28"}), "2026-11-28-1", by("length")).value();
  EXPECT_GT(all.routing->frontier.points[100].p95_ms, all.routing->frontier.points[0].p95_ms);

  InventedRun unpriced;
  unpriced.prices = false;
  unpriced.day = "2026-11-22";
  const ReportData none = load_routing(store(unpriced), "2026-11-22-1", by("confidence")).value();
  EXPECT_TRUE(std::isnan(none.routing->frontier.points[50].cost));
  EXPECT_TRUE(std::isnan(none.routing->large_cost));
  EXPECT_THAT(routing_finding(none), Not(HasSubstr("cost")));
}

TEST_F(RoutingReport, ChosenIsTheLeastShareWithinTheMargin) {
  ReportOptions options = by("confidence", {"helpdesk"});
  const ReportData data = load_routing(store(), "", options).value();
  const ReportRouting& routing = *data.routing;
  EXPECT_EQ(routing.margin, 0.05);
  EXPECT_EQ(routing.chosen, least_share_within(routing.frontier, 0.05));
  ASSERT_TRUE(routing.chosen.has_value());
  EXPECT_GT(routing.point()->against_large.lo, -0.05);
  const double kept = routing.point()->accuracy.value / routing.frontier.large;
  EXPECT_NEAR(routing.kept.value, kept, 1e-12);

  options.route.margin = 0.001;  // 220 samples cannot show that
  const ReportData strict = load_routing(store({.day = "2026-11-23"}), "2026-11-23-1", options).value();
  EXPECT_FALSE(strict.routing->chosen.has_value());
  EXPECT_THAT(routing_finding(strict), HasSubstr("220 samples are too few"));
  EXPECT_FALSE(routing_policy(strict).has_value());

  options.route.share = 0.3;
  const ReportData asked = load_routing(store({.day = "2026-11-24"}), "2026-11-24-1", options).value();
  EXPECT_EQ(asked.routing->chosen, 30u);
  EXPECT_TRUE(asked.routing->asked_for);
  EXPECT_THAT(routing_finding(asked), HasSubstr("Send " + format_percent(asked.routing->point()->share, 0)));
}

TEST_F(RoutingReport, OneTruthInJsonCsvMarkdownAndPage) {
  ReportOptions options;
  options.route.share = 0.4;
  const ReportData data = load_report(store(), "", options).value();
  const ReportRouting& routing = *data.routing;
  const Json json = to_json(data)["routing"];
  EXPECT_EQ(json["recommended"], 40);
  EXPECT_EQ(json["n"], routing.n);
  EXPECT_EQ(json["confidence"], std::string(kOptionProbability));
  for (const char* column : {"share", "threshold", "accuracy", "lo", "hi", "cost_per_1000", "p95_ms"}) {
    ASSERT_EQ(json["frontier"][column].size(), 101u) << column;
  }
  EXPECT_TRUE(json["frontier"]["threshold"][100].is_null());
  EXPECT_NEAR(json["frontier"]["accuracy"][40].get<double>(), routing.point()->accuracy.value, 1e-5);
  EXPECT_EQ(json["finding"], routing_finding(data));

  ASSERT_TRUE(write_csv(data, own.path() / "csv").has_value());
  std::istringstream rows(read_whole(own.path() / "csv" / "routing.csv"));
  int count = 0;
  for (std::string row; std::getline(rows, row); ++count) {
    EXPECT_TRUE(count != 41 || row.starts_with("40,")) << row;
  }
  EXPECT_EQ(count, 102);

  const std::string page = to_html(data);
  EXPECT_THAT(page, HasSubstr("<section id=\"routing\""));
  EXPECT_THAT(page, HasSubstr(routing_finding(data)));
  EXPECT_THAT(page, HasSubstr("id=\"op\""));
  EXPECT_THAT(page, HasSubstr("<span id=\"r-right\">" + format_percent(routing.point()->accuracy.value)));
  for (const std::string& sentence : routing_sentences(data)) {
    EXPECT_THAT(page, HasSubstr(sentence));
    EXPECT_THAT(to_markdown(data), HasSubstr(sentence));
  }
}

TEST_F(RoutingReport, TooFewSamplesOrOneModelHaveNoSection) {
  const ReportData one = load_report(store({.models = 1}), "", {}).value();
  EXPECT_FALSE(one.routing.has_value());
  EXPECT_THAT(to_html(one), Not(HasSubstr("id=\"routing\"")));
  EXPECT_FALSE(to_json(one).contains("routing"));
}

TEST_F(RoutingReport, AsksForWhatTheRunHas) {
  const Store two = store();
  EXPECT_THAT(error_of(two, by("confidence", {"nothing"})), HasSubstr("no task of the run"));
  EXPECT_THAT(error_of(two, by("confidence", {"helpdesk", "invoices"})), HasSubstr("one kind of confidence"));
  EXPECT_THAT(error_of(two, by("slice:mood")), HasSubstr("no sample has a slice 'mood'"));
  EXPECT_THAT(error_of(two, by("verifier")), HasSubstr("--reject"));
  EXPECT_EQ(error_of(two, by("slice:layout", {"invoices"})), "");
  EXPECT_EQ(error_of(two, by("length")), "");
  EXPECT_EQ(error_of(two, by("learned")), "");
  const Store alone = store({.models = 1, .day = "2026-11-25"});
  const auto single = load_routing(alone, "2026-11-25-1", by("confidence"));
  ASSERT_FALSE(single.has_value());
  EXPECT_THAT(single.error().message, HasSubstr("has one model"));
}

TEST_F(RoutingReport, AVerifierSendsOnWhatItRejects) {
  ReportOptions options = by("verifier", {"invoices"});
  options.route.rejections = {find_rejection("fabricated").value(), find_rejection("invalid").value()};
  options.route.share = 0.5;
  const ReportData data = load_routing(store(), "", options).value();
  const ReportData whole = load_report(store({.day = "2026-11-26"}), "2026-11-26-1", {}).value();
  int64_t rejected = 0;
  for (const ReportSample& sample : whole.samples) {
    if (whole.tasks[static_cast<size_t>(sample.task)].name != "invoices" || !sample.baseline.score) continue;
    const std::vector<std::string>& invented = sample.candidate.invented;
    const bool fabricated = std::find(invented.begin(), invented.end(), "fabricated") != invented.end();
    rejected += fabricated || sample.candidate.status == "invalid" ? 1 : 0;
  }
  ASSERT_GT(rejected, 5);
  EXPECT_NEAR(data.routing->point()->share * static_cast<double>(data.routing->n),
              static_cast<double>(rejected), 0.5);
}

TEST_F(RoutingReport, ThePolicySaysWhatWasFound) {
  ReportOptions options = by("learned", {"helpdesk"});
  options.route.share = 0.25;
  const ReportData data = load_routing(store(), "", options).value();
  const RoutePolicy policy = routing_policy(data).value();
  EXPECT_EQ(policy.small.name, data.small().name);
  EXPECT_EQ(policy.large.fingerprint, data.large().fingerprint);
  EXPECT_EQ(policy.confidence, kOptionProbability);
  EXPECT_EQ(policy.protocol, "generative");  // as the invented run asked
  EXPECT_EQ(policy.threshold, data.routing->point()->threshold);
  EXPECT_EQ(policy.expected.samples, 220);
  EXPECT_EQ(policy.expected.accuracy.value, data.routing->point()->accuracy.value);
  EXPECT_EQ(policy.expected.share.value, data.routing->point()->share);
  EXPECT_LT(policy.expected.share.lo, policy.expected.share.value);
  EXPECT_NEAR(policy.expected.cost.value, data.routing->point()->cost, 1e-12);
  EXPECT_LT(policy.expected.cost.lo, policy.expected.cost.value);
  EXPECT_GT(policy.expected.cost.hi, policy.expected.cost.value);
  EXPECT_EQ(policy.tasks, std::vector<std::string>{"helpdesk"});
  EXPECT_EQ(policy.fitted.size(), 220u);
  const RoutePolicy read = parse_route_policy(to_route_policy_text(policy), "policy.json").value();
  EXPECT_EQ(to_route_policy_text(read), to_route_policy_text(policy));

  options = by("slice:channel", {"helpdesk"});
  options.route.share = 0.25;
  EXPECT_EQ(routing_policy(load_routing(store({.day = "2026-11-27"}), "2026-11-27-1", options).value())
                .value()
                .confidence,
            "");
}

}  // namespace
}  // namespace sizeup
