#include "reports/report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <sstream>

#include "core/io/file.h"
#include "core/json/json.h"
#include "harness/store/read.h"
#include "reports/format.h"
#include "reports/samples_index.h"
#include "tests/reports/invented_run.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;
using testing::Not;

class ReportTest : public testing::Test {
 protected:
  TemporaryFolder own;
  const std::filesystem::path& folder = own.path();

  ReportData load(const InventedRun& what, const ReportOptions& options = {}) const {
    const std::filesystem::path file = folder / "store.db";
    std::filesystem::remove(file);
    const Store store = make_invented_run(file, what);
    Result<ReportData> data = load_report(store, "", options);
    if (!data) throw std::runtime_error(describe(data.error()));
    return std::move(*data);
  }
};

InventedRun run_of(int models) {
  InventedRun run;
  run.models = models;
  return run;
}

std::string without_samples(const std::string& page) {
  std::string out;
  size_t at = 0;
  const std::string start = "<script type=\"application/octet-stream\"";
  while (true) {
    const size_t begin = page.find(start, at);
    if (begin == std::string::npos) return out + page.substr(at);
    out += page.substr(at, begin - at);
    at = page.find("</script>", begin) + 9;
  }
}

TEST_F(ReportTest, PairsByParametersUnlessTold) {
  const ReportData three = load(run_of(3));
  EXPECT_EQ(three.small().name, "pocket-tiny");
  EXPECT_EQ(three.large().name, "pocket-large");
  EXPECT_EQ(three.leaderboard.size(), 3u);
  EXPECT_EQ(three.small().reference, "pocket-tiny.gguf");  // neither the name again nor whose home it lies in
  ReportOptions options;
  options.candidate = "pocket-small";
  const ReportData told = load(run_of(3), options);
  EXPECT_EQ(told.small().name, "pocket-small");
  EXPECT_EQ(told.large().name, "pocket-large");
  options.baseline = "pocket-tiny";
  EXPECT_EQ(load(run_of(3), options).large().name, "pocket-tiny");
}

TEST_F(ReportTest, GroupsOfTasksAreInEveryForm) {
  const std::filesystem::path file = folder / "store.db";
  Store store = make_invented_run(file, {});
  const RunRow run = find_run(store, "latest").value();
  const std::vector<EvaluationRow> evaluations = read_evaluations(store, run.id).value();
  EXPECT_FALSE(to_json(load_report(store, "", {}).value()).contains("groups"));
  GroupRow group;
  group.model = evaluations[0].model;
  group.name = "<b>both";
  group.tasks = 2;
  group.result = {"acc", "", "", 0.8125, 0.7, 0.9, 230};
  GroupRow inner = group;
  inner.name = "inner";
  inner.depth = 1;
  inner.result.lo.reset();
  ASSERT_TRUE(store.store_groups(run.id, std::vector{group, inner}).has_value());
  const ReportData data = load_report(store, "", {}).value();
  ASSERT_EQ(data.groups.size(), 2u);
  EXPECT_EQ(data.models[static_cast<size_t>(data.groups[0].model)].name, group.model.name);
  const std::string page = to_html(data);
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;both"));
  EXPECT_THAT(page, HasSubstr("0.8125"));
  EXPECT_THAT(page, HasSubstr("no interval"));
  ASSERT_TRUE(write_csv(data, folder / "csv").has_value());
  const std::string table = read_whole(folder / "csv" / "groups.csv");
  EXPECT_THAT(table, HasSubstr("inner,2,acc,0.8125,,0.9,230\r\n"));
  const Json json = to_json(data)["groups"];
  EXPECT_EQ(json[1]["group"], "inner");
  EXPECT_TRUE(json[1]["lo"].is_null());
}

TEST_F(ReportTest, UnknownModelIsAUsageErrorThatNamesThem) {
  const Store store = make_invented_run(folder / "store.db", {});
  ReportOptions options;
  options.baseline = "nobody";
  const Result<ReportData> data = load_report(store, "", options);
  ASSERT_FALSE(data.has_value());
  EXPECT_EQ(data.error().kind, ErrorKind::usage);
  EXPECT_THAT(data.error().hint, HasSubstr("pocket-small, pocket-large"));
  options.baseline = options.candidate = "pocket-small";
  EXPECT_FALSE(load_report(store, "", options).has_value());
  EXPECT_FALSE(load_report(store, "no-such-run", {}).has_value());
}

// Recomputed here from the scores: the verdict is scoring.md's rule on the interval.
TEST_F(ReportTest, DifferencesAndVerdictsFollowFromTheScores) {
  const ReportData data = load({});
  ASSERT_EQ(data.differences.size(), 3u);
  for (const ReportDifference& difference : data.differences) {
    int64_t win = 0;
    int64_t loss = 0;
    int64_t n = 0;
    for (const ReportSample& sample : data.samples) {
      if (sample.task != difference.task || !sample.candidate.score || !sample.baseline.score) continue;
      ++n;
      win += *sample.candidate.score > *sample.baseline.score ? 1 : 0;
      loss += *sample.candidate.score < *sample.baseline.score ? 1 : 0;
    }
    const PairedDifference& d = difference.result.difference;
    EXPECT_EQ(d.n, n);
    EXPECT_EQ(d.wins, win);
    EXPECT_EQ(d.losses, loss);
    EXPECT_DOUBLE_EQ(d.difference, static_cast<double>(win - loss) / static_cast<double>(n));
    const Interval tango = tango_interval(win, loss, n);
    EXPECT_DOUBLE_EQ(d.lo, tango.lo);
    EXPECT_DOUBLE_EQ(d.hi, tango.hi);
    EXPECT_EQ(difference.result.verdict, d.lo > -0.05   ? Verdict::yes
                                         : d.hi < -0.05 ? Verdict::no
                                                        : Verdict::not_enough_data);
    EXPECT_DOUBLE_EQ(difference.result.margin, 0.05);
    EXPECT_NEAR(difference.kept.value, difference.candidate / difference.baseline, 1e-12);
  }
  ASSERT_TRUE(data.overall.has_value());
  EXPECT_EQ(data.overall->result.difference.n, 410);
}

TEST_F(ReportTest, SlicesPartitionTheirTask) {
  const ReportData data = load({});
  std::map<std::pair<int, std::string>, int64_t> sums;
  for (const ReportDifference& slice : data.slices) {
    sums[{slice.task, slice.slice_field}] += slice.result.difference.n;
    EXPECT_LE(slice.widened.lo, slice.result.difference.lo);  // Bonferroni only widens
    EXPECT_GE(slice.widened.hi, slice.result.difference.hi);
  }
  EXPECT_EQ(sums.size(), 5u);
  for (const auto& [key, n] : sums) EXPECT_EQ(n, data.tasks[static_cast<size_t>(key.first)].n) << key.second;
}

TEST_F(ReportTest, TheSameStoreGivesTheSameBytes) {
  const std::string first = to_html(load({}));
  EXPECT_EQ(first, to_html(load({})));
}

TEST_F(ReportTest, StaysWithinItsBudget) {
  EXPECT_LT(without_samples(to_html(load({}))).size(), 200'000u);
}

TEST_F(ReportTest, PageCarriesItsPolicyAndNothingLoose) {
  InventedRun hostile;
  hostile.hostile = true;
  const std::string page = to_html(load(hostile));
  const std::string outside = without_samples(page);
  EXPECT_THAT(page, HasSubstr("default-src 'none'; script-src 'sha256-"));
  const std::string body =
      outside.substr(outside.find("</style>"), outside.find("\"use strict\"") - outside.find("</style>"));
  EXPECT_FALSE(std::regex_search(body, std::regex("<[^>]* style=")));
  EXPECT_FALSE(std::regex_search(body, std::regex("<[^>\"]* on[a-z]+=")));
  EXPECT_THAT(body, Not(HasSubstr("javascript:")));
  EXPECT_THAT(body, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(body, Not(HasSubstr("\u202e")));
  EXPECT_EQ(body.find('\0'), std::string::npos);
  EXPECT_THAT(body, Not(HasSubstr("/home/someone")));
}

TEST_F(ReportTest, HostileNamesAreTextEverywhere) {
  InventedRun hostile;
  hostile.hostile = true;
  const std::string page = to_html(load(hostile));
  EXPECT_THAT(page, HasSubstr("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt; &#39;&amp;"));
  // Only our own script elements: the data, the packed blocks, and the page's script.
  size_t scripts = 0;
  for (size_t at = page.find("<script"); at != std::string::npos; at = page.find("<script", at + 1))
    ++scripts;
  EXPECT_EQ(scripts, 4u);
}

TEST_F(ReportTest, OneModelHasNoPair) {
  InventedRun one = run_of(1);
  one.prices = one.timings = false;
  const ReportData data = load(one);
  EXPECT_FALSE(data.is_pair());
  const std::string page = to_html(data);
  for (const char* absent : {"id=\"differences\"", "id=\"tradeoffs\"", "id=\"slices\"", "id=\"speed\"",
                             "id=\"cost\"", "#differences", "k-large"}) {
    EXPECT_THAT(without_samples(page).substr(page.find("<body>")), Not(HasSubstr(absent)));
  }
  EXPECT_THAT(page, HasSubstr("id=\"hallucination\""));
  EXPECT_THAT(page, HasSubstr("Cost is unknown"));
  EXPECT_THAT(page, HasSubstr("Latency is measured one request at a time"));
  EXPECT_THAT(verdict_sentence(data), HasSubstr("Whether that is enough takes a second model"));
  EXPECT_TRUE(to_json(data)["models"]["large"].is_null());
}

TEST_F(ReportTest, WorkSaysWhatMemoryCostAndDraftsSaved) {
  ReportData data = load({});
  const Json work = to_json(data)["method"]["work"][0];
  EXPECT_EQ(work["tokens_recomputed"], 310);
  EXPECT_EQ(work["tokens_drafted"], 1200);
  EXPECT_EQ(work["tokens_accepted"], 820);
  EXPECT_EQ(work["accepted_per_step"], 820.0 / (4100 - 820));
  const std::string page = without_samples(to_html(data));
  EXPECT_THAT(page, HasSubstr("310 of them again for want of memory"));
  EXPECT_THAT(page, HasSubstr("4,100 generated (1,200 drafted, 820 accepted: 0.25 a step)"));
  for (ReportWork& one : data.work) one.tokens_recomputed = one.tokens_drafted = one.tokens_accepted = 0;
  EXPECT_TRUE(to_json(data)["method"]["work"][0]["accepted_per_step"].is_null());
  EXPECT_THAT(without_samples(to_html(data)), Not(HasSubstr(" drafted, ")));
}

TEST_F(ReportTest, UnknownCostIsNeverZero) {
  InventedRun run;
  run.prices = false;
  const ReportData data = load(run);
  EXPECT_TRUE(data.cost.empty());
  EXPECT_THAT(without_samples(to_html(data)), Not(HasSubstr("id=\"cost\"")));
  const Json json = to_json(data);
  for (const Json& row : json["leaderboard"]) EXPECT_TRUE(row["cost_per_1000"].is_null());
  EXPECT_THAT(verdict_sentence(data), Not(HasSubstr("costs")));
}

TEST_F(ReportTest, PartlyUnknownCostSaysUnknown) {
  ReportData data = load({});
  for (ReportCost& cost : data.cost) {
    if (cost.model == data.baseline) cost.per_1000 = cost.per_1000_correct = cost.total = std::nullopt;
  }
  for (ReportLeader& leader : data.leaderboard) {
    if (leader.model == data.baseline) leader.cost_per_1000 = std::nullopt;
  }
  const std::string page = without_samples(to_html(data));
  EXPECT_THAT(page, HasSubstr("the cost of large is unknown"));
  EXPECT_THAT(page, HasSubstr(">unknown</td>"));
  EXPECT_THAT(verdict_sentence(data), Not(HasSubstr("costs")));
}

TEST_F(ReportTest, NoTextLeavesTextsOutEverywhere) {
  ReportOptions options;
  options.no_text = true;
  const ReportData data = load({}, options);
  ASSERT_TRUE(write_csv(data, folder / "csv").has_value());
  for (const std::string& written :
       {to_html(data), to_json(data).dump(), *read_file(folder / "csv" / "samples.csv")}) {
    EXPECT_THAT(written, Not(HasSubstr("Choose the queue")));
    EXPECT_THAT(written, Not(HasSubstr("Turazo")));
  }
  EXPECT_THAT(to_html(data), Not(HasSubstr("id=\"samples-text-0\"")));
}

// Both read the store by ways of their own and may not differ.
TEST_F(ReportTest, TheVerdictAloneIsThatOfTheReport) {
  for (const int models : {1, 2, 3}) {
    const std::filesystem::path file = folder / fmt::format("{}.db", models);
    const Store store = make_invented_run(file, run_of(models));
    const ReportData whole = load_report(store, "", {}).value();
    const ReportData alone = load_verdict(store, "").value();
    EXPECT_EQ(verdict_sentence(alone), verdict_sentence(whole));
    EXPECT_EQ(ladder_sentences(alone), ladder_sentences(whole));
    EXPECT_EQ(to_json(alone)["differences"], to_json(whole)["differences"]);
    Json leaders = to_json(whole)["leaderboard"];
    for (Json& leader : leaders)
      leader["unusable"] = nullptr;  // what kinds of answers there are was not read
    EXPECT_EQ(to_json(alone)["leaderboard"], leaders);
    EXPECT_TRUE(alone.samples.empty());
  }
}

TEST_F(ReportTest, RedactMasksEveryText) {
  ReportOptions options;
  options.redact = {"Turazo GmbH", "department [0-9]+"};
  const ReportData data = load({}, options);
  size_t masked = 0;
  for (const ReportSample& sample : data.samples) {
    for (const std::string& text :
         {sample.input, sample.expected, sample.source, sample.candidate.text, sample.baseline.text}) {
      EXPECT_THAT(text, Not(HasSubstr("Turazo")));
      EXPECT_THAT(text, Not(HasSubstr("department 7")));
      masked += text.find("[redacted]") != std::string::npos ? 1 : 0;
    }
  }
  EXPECT_GT(masked, 100u);
  EXPECT_THAT(to_html(data), HasSubstr("Parts of the texts were masked"));
}

TEST_F(ReportTest, EvidencePointsAtTheClaim) {
  InventedRun run;
  const ReportData data = load(run);
  size_t spans = 0;
  for (const ReportSample& sample : data.samples) {
    for (const ReportEvidence& span : sample.candidate.evidence) {
      ++spans;
      // Every text of the fixture is in the basic plane but for the enemy's: units are bytes here or less.
      const std::string text = sample.candidate.text.substr(static_cast<size_t>(span.start),
                                                            static_cast<size_t>(span.end - span.start));
      EXPECT_TRUE(text.starts_with("The extension is 2") || text == "Acme Corp") << text;
    }
  }
  EXPECT_GT(spans, 5u);
}

TEST_F(ReportTest, HallucinationKindsStayApart) {
  const ReportData data = load({});
  std::vector<std::string> kinds;
  for (const ReportHallucination& kind : data.hallucination) {
    kinds.push_back(kind.sample_key);
    int64_t marked = 0;
    for (const ReportSample& sample : data.samples) {
      for (const std::string& key : sample.candidate.invented) marked += key == kind.sample_key ? 1 : 0;
    }
    EXPECT_EQ(marked, kind.models[static_cast<size_t>(data.candidate)].count) << kind.kind;
  }
  EXPECT_THAT(kinds,
              testing::UnorderedElementsAre("closed_book", "unsupported", "unanswerable", "fabricated"));
}

TEST_F(ReportTest, PercentilesWithoutEnoughQueriesAreNotPrinted) {
  const ReportData data = load({});
  const std::string page = without_samples(to_html(data));
  EXPECT_THAT(page, HasSubstr("not enough queries<small>138 of 662</small>"));  // p99: MLPerf's rule
  const Json json = to_json(data);
  for (const Json& row : json["latency"]["rows"]) {
    for (const Json& percentile : row["percentiles"]) {
      EXPECT_EQ(percentile["value"].is_null(), row["n"] < percentile["needed"]);
    }
  }
}

TEST_F(ReportTest, EveryTimeIsInOneBarOfItsHistogram) {
  const ReportData data = load({});
  size_t bars = 0;
  for (const ReportLatency& latency : data.latency) {
    int64_t requests = 0;
    for (const HistogramBar& bar : latency.histogram) requests += bar.count;
    EXPECT_EQ(requests, latency.n);
    bars += latency.histogram.size();
  }
  ASSERT_TRUE(write_csv(data, folder / "csv").has_value());
  const std::string table = read_whole(folder / "csv" / "latency_histogram.csv");
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), static_cast<std::ptrdiff_t>(1 + bars));
}

// The corners of the first thick line after a text of the page: x and y in percent of the plot, y from the
// top.
std::vector<std::pair<double, double>> line_after(const std::string& page, const std::string& text) {
  const std::string line = " w2\" d=\"M";
  const size_t from = page.find(line, page.find(text)) + line.size();
  std::string path = page.substr(from, page.find('"', from) - from);
  std::replace(path.begin(), path.end(), 'L', ' ');
  std::istringstream numbers(path);
  std::vector<std::pair<double, double>> corners;
  for (double x = 0.0, y = 0.0; numbers >> x >> y;) corners.emplace_back(x, y);
  return corners;
}

TEST_F(ReportTest, BarsOfTheHistogramAreAsHighAsTheirCounts) {
  const ReportData data = load({});
  const auto corners = line_after(to_html(data), "histogram of the time to the full answer");
  const auto shown = std::find_if(data.latency.begin(), data.latency.end(), [](const ReportLatency& latency) {
    return latency.quantity == "full answer";
  });
  ASSERT_NE(shown, data.latency.end());
  ASSERT_EQ(corners.size(), 2 * shown->histogram.size() + 2);
  const auto fullest =
      std::max_element(shown->histogram.begin(), shown->histogram.end(),
                       [](const HistogramBar& a, const HistogramBar& b) { return a.count < b.count; });
  ASSERT_GT(fullest->count, 1);
  const auto height = [&](size_t bar) { return 100.0 - corners[2 * bar + 1].second; };
  const double highest = height(static_cast<size_t>(fullest - shown->histogram.begin()));
  for (size_t bar = 0; bar < shown->histogram.size(); ++bar) {
    const HistogramBar& counted = shown->histogram[bar];
    EXPECT_NEAR(height(bar) / highest,
                static_cast<double>(counted.count) / static_cast<double>(fullest->count), 0.001);
    EXPECT_EQ(corners[2 * bar + 1].second, corners[2 * bar + 2].second) << "its top is level";
    // The axis is logarithmic and bars are as wide as each other there.
    EXPECT_NEAR(corners[2 * bar + 2].first - corners[2 * bar + 1].first, corners[2].first - corners[1].first,
                0.05);
  }
}

TEST_F(ReportTest, TimesAreShownInTheOrderInWhichTheyWereDue) {
  InventedRun what;
  what.scenario = "server:2.5";
  const ReportData data = load(what);
  EXPECT_EQ(data.latency_over_time.size(), 2u);
  for (const ReportTimeSeries& series : data.latency_over_time) {
    int64_t n = 0;
    for (size_t i = 0; i < series.stretches.size(); ++i) {
      const ReportStretch& stretch = series.stretches[i];
      n += stretch.n;
      EXPECT_LE(stretch.p50_ms, stretch.p90_ms);
      if (i == 0) continue;
      EXPECT_GT(stretch.seconds, series.stretches[i - 1].seconds);
    }
    const auto full = std::find_if(data.latency.begin(), data.latency.end(), [&](const ReportLatency& row) {
      return row.model == series.model && row.quantity == "full answer";
    });
    ASSERT_NE(full, data.latency.end());
    EXPECT_EQ(n, full->n) << "every request stands in one stretch";
  }
  EXPECT_THAT(without_samples(to_html(data)), HasSubstr("by when the request was due"));
  EXPECT_EQ(to_json(data)["latency"]["over_time"].size(), data.latency_over_time.size());

  what.without_due = true;  // as in timings of earlier versions
  const ReportData unknown = load(what);
  EXPECT_TRUE(unknown.latency_over_time.empty());
  EXPECT_THAT(without_samples(to_html(unknown)), Not(HasSubstr("by when the request was due")));
  EXPECT_TRUE(load({}).latency_over_time.empty()) << "one request at a time";
}

TEST_F(ReportTest, TimesSayUnderWhichLoadTheyWereTaken) {
  InventedRun what;
  what.scenario = "server:2.5";
  const ReportData data = load(what);
  EXPECT_EQ(data.latency_scenario, "server:2.5");
  const std::string page = without_samples(to_html(data));
  EXPECT_THAT(page, HasSubstr("2.5 requests a second arriving in the mean"));
  EXPECT_THAT(page, Not(HasSubstr("<i>single</i>")));
  EXPECT_THAT(page, HasSubstr("3.12"));  // correct goodput
  const Json latency = to_json(data)["latency"];
  EXPECT_EQ(latency["unit"], "ms, 95 % interval, scenario server:2.5");
  EXPECT_EQ(latency["load"].size(), 2 * data.tasks.size());
  EXPECT_EQ(latency["load"][0]["goodput"], 4.0);

  const ReportData alone = load({});
  EXPECT_TRUE(alone.load.empty());
  EXPECT_THAT(without_samples(to_html(alone)), HasSubstr("<i>single</i>: one request at a time"));
  EXPECT_THAT(without_samples(to_html(alone)), Not(HasSubstr("answers a second under load")));
}

TEST_F(ReportTest, ManySamplesKeepFlipsAndFailures) {
  ReportData data = load({});
  const std::vector<ReportSample> original = data.samples;
  while (data.samples.size() < 101'000)
    data.samples.insert(data.samples.end(), original.begin(), original.end());
  size_t wanted = 0;
  for (const ReportSample& sample : data.samples)
    wanted += sample.candidate.score != sample.baseline.score ? 1 : 0;
  size_t kept = 0;
  const std::vector<const ReportSample*> embedded = embedded_samples(data);
  for (const ReportSample* sample : embedded)
    kept += sample->candidate.score != sample->baseline.score ? 1 : 0;
  EXPECT_EQ(kept, wanted);
  EXPECT_EQ(embedded.size(), 100'000u);
}

TEST(VerdictSentence, HasFixedWordings) {
  ReportData data;
  data.models.resize(2);
  data.models[0].name = "mini";
  data.models[1].name = "maxi";
  data.baseline = 1;
  const auto add = [&](const char* name, double d, double lo, double hi, Verdict verdict,
                       std::optional<int64_t> more) {
    ReportTask task;
    task.name = name;
    task.margin = 0.02;
    data.tasks.push_back(task);
    ReportDifference difference;
    difference.task = static_cast<int>(data.tasks.size()) - 1;
    difference.result.verdict = verdict;
    difference.result.margin = 0.02;
    difference.result.more = more;
    difference.result.difference.difference = d;
    difference.result.difference.lo = lo;
    difference.result.difference.hi = hi;
    data.differences.push_back(difference);
  };
  // The numbers of the design prototype, whose sentence this is.
  add("routing", -0.008, -0.0194, 0.0026, Verdict::yes, {});
  EXPECT_EQ(verdict_sentence(data),
            "Against maxi: mini is good enough for routing (−0.8\u00a0pp, 95\u00a0% interval −1.9…+0.3, "
            "margin\u00a0"
            "2\u00a0pp).");
  add("extraction", -0.095, -0.1357, -0.0571, Verdict::no, {});
  add("passage", -0.0033, -0.0357, 0.0286, Verdict::not_enough_data, 1678);
  EXPECT_EQ(verdict_sentence(data),
            "Against maxi: mini is good enough for routing (−0.8\u00a0pp, 95\u00a0% interval −1.9…+0.3, "
            "margin\u00a0"
            "2\u00a0pp), not for extraction "
            "(−9.5\u00a0pp, −13.6…−5.7). For passage there is not enough data yet: about 1,678 more samples "
            "would decide.");
  data.differences.erase(data.differences.begin(), data.differences.begin() + 2);
  EXPECT_EQ(verdict_sentence(data),
            "Against maxi: There is not enough data yet to say whether mini is good enough for passage "
            "(−0.3\u00a0pp, 95\u00a0% interval "
            "−3.6…+2.9, margin\u00a0"
            "2\u00a0pp): about 1,678 more samples would decide.");
}

}  // namespace
}  // namespace sizeup
