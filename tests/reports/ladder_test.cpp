// The quantisation ladder of a report: order, differences, widening, rates, wording, and every form of it.
#include "reports/ladder_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/json/json.h"
#include "harness/statistics/percentile.h"
#include "harness/store/read.h"
#include "reports/report.h"
#include "tests/reports/invented_run.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;
using testing::Not;

InventedRun ladder_run() {
  InventedRun run;
  run.models = 3;
  run.ladder = true;
  return run;
}

class LadderTest : public testing::Test {
 protected:
  TemporaryFolder folder;
  Store store = make_invented_run(folder.path() / "store.db", ladder_run());

  ReportData load(const ReportOptions& options = {}) const {
    Result<ReportData> data = load_report(store, "", options);
    if (!data) throw std::runtime_error(describe(data.error()));
    return std::move(*data);
  }
  const EvaluationRow& evaluation(const std::string& model, const std::string& task,
                                  const std::string& scenario) {
    const RunRow run = find_run(store, "latest").value();
    evaluations_ = read_evaluations(store, run.id).value();
    for (const EvaluationRow& row : evaluations_) {
      if (row.model.name == model && row.task.name == task && row.scenario == scenario) return row;
    }
    throw std::runtime_error("no such evaluation");
  }
  std::map<int64_t, double> scores(const std::string& model, const std::string& task) {
    std::map<int64_t, double> out;
    const EvaluationRow& row = evaluation(model, task, "offline");
    const std::vector<AnswerRow> answers = read_answers(store, row.id).value();
    for (const AnswerRow& answer : answers) {
      out[answer.sample_id] = answer.scores.at(row.task.metrics[0].name);
    }
    return out;
  }

 private:
  std::vector<EvaluationRow> evaluations_;
};

TEST_F(LadderTest, GoesFromMostBytesToFewest) {
  const ReportData data = load();
  ASSERT_EQ(data.ladders.size(), 1u);
  const ReportLadder& ladder = data.ladders[0];
  std::vector<std::string> labels;
  for (const ReportRung& rung : ladder.rungs) labels.push_back(rung_label(data, ladder, rung));
  EXPECT_EQ(labels, (std::vector<std::string>{"F16", "Q8_0", "Q4_0"})) << "the run has Q8_0 first";
  EXPECT_DOUBLE_EQ(bits_per_weight(data.models[static_cast<size_t>(ladder.rungs[2].model)]), 4.5);
  EXPECT_EQ(data.large().weight_format, "F16") << "of equal models the pair is the largest and smallest file";
  EXPECT_EQ(data.small().weight_format, "Q4_0");
  EXPECT_TRUE(ladder.rungs[0].differences.empty());
}

// Recomputed from the store's scores: rung minus first, paired, widened over two rungs by four.
TEST_F(LadderTest, DifferencesArePairedAndWidenedOverAll) {
  const ReportData data = load();
  const ReportLadder& ladder = data.ladders[0];
  EXPECT_EQ(ladder.comparisons, 8);
  EXPECT_DOUBLE_EQ(ladder.confidence, 1.0 - 0.05 / 8);
  const std::vector<std::string> names = {"pocket-F16", "pocket-Q8_0", "pocket-Q4_0"};
  int first_loss = -1;
  for (size_t r = 1; r < 3; ++r) {
    std::vector<double> all;
    std::vector<double> all_base;
    ASSERT_EQ(ladder.rungs[r].differences.size(), 4u);
    for (const ReportDifference& difference : ladder.rungs[r].differences) {
      std::vector<double> rung;
      std::vector<double> base;
      if (difference.task < 0) {
        rung = all;
        base = all_base;
      } else {
        const std::string& task = data.tasks[static_cast<size_t>(difference.task)].name;
        const auto ours = scores(names[r], task);
        for (const auto& [sample, score] : scores(names[0], task)) {
          base.push_back(score);
          rung.push_back(ours.at(sample));
        }
        all.insert(all.end(), rung.begin(), rung.end());
        all_base.insert(all_base.end(), base.begin(), base.end());
      }
      const PairedDifference plain = paired_difference(rung, base);
      const PairedDifference wide = paired_difference(rung, base, ladder.confidence);
      EXPECT_DOUBLE_EQ(difference.result.difference.difference, plain.difference);
      EXPECT_DOUBLE_EQ(difference.result.difference.lo, plain.lo);
      EXPECT_DOUBLE_EQ(difference.widened.lo, wide.lo);
      EXPECT_DOUBLE_EQ(difference.widened.hi, wide.hi);
      EXPECT_LT(wide.lo, plain.lo);
      if (first_loss < 0 && wide.hi < 0.0) first_loss = static_cast<int>(r);
    }
  }
  EXPECT_GE(first_loss, 1) << "the fixture's smallest model is much worse";
  EXPECT_EQ(ladder.first_loss, first_loss);
}

TEST_F(LadderTest, SpeedsAreThoseOfTheRun) {
  const ReportData data = load();
  const ReportRung& rung = data.ladders[0].rungs[2];
  std::vector<double> prompt;
  std::vector<double> written;
  for (const char* task : {"helpdesk", "invoices", "handbook"}) {
    const std::vector<TimingRow> timings =
        read_timings(store, evaluation("pocket-Q4_0", task, "single").id).value();
    for (const TimingRow& t : timings) {
      prompt.push_back(1000.0 * t.prompt_tokens / t.ttft_ms);
      if (t.completion_tokens > 1) {
        written.push_back(1000.0 * (t.completion_tokens - 1) / (t.total_ms - t.ttft_ms));
      }
    }
  }
  EXPECT_NEAR(rung.prompt_rate.value, percentile(prompt, 50), 1e-9);
  EXPECT_EQ(rung.prompt_rate.n, static_cast<int64_t>(prompt.size()));
  EXPECT_NEAR(rung.generation_rate.value, percentile(written, 50), 1e-9);
  EXPECT_NEAR(rung.offline_rate, 61890.0 / 14.0, 1e-9);
  ASSERT_TRUE(rung.cost_per_1000.has_value());
  EXPECT_NEAR(*rung.cost_per_1000, 0.03, 1e-12);
}

TEST_F(LadderTest, IsInEveryFormOfTheReport) {
  const ReportData data = load();
  const std::string sentence = ladder_sentences(data).at(0);
  const std::string page = to_html(data);
  EXPECT_THAT(page, HasSubstr("<section id=\"ladder\""));
  EXPECT_THAT(page, HasSubstr(sentence));
  const Json json = to_json(data)["ladders"][0];
  EXPECT_EQ(json["finding"], sentence);
  EXPECT_EQ(json["rungs"][2]["format"], "Q4_0");
  EXPECT_EQ(json["rungs"][2]["packed_bytes"], 36'000'000 * 9 / 16 + 4096);
  EXPECT_TRUE(json["rungs"][0]["differences"].empty());
  ASSERT_TRUE(write_csv(data, folder.path() / "csv").has_value());
  const std::string table = read_whole(folder.path() / "csv" / "ladder.csv");
  size_t lines = 0;
  size_t commas = 0;
  for (const char c : table) {
    lines += c == '\n' ? 1 : 0;
    commas += c == ',' ? 1 : 0;
  }
  EXPECT_EQ(lines, 1u + 3 * 4) << "three models on three tasks and on all";
  EXPECT_EQ(commas, lines * 27) << "every row has every column";
}

TEST_F(LadderTest, IsNamedOrLeftOut) {
  ReportOptions options;
  options.ladder = {"pocket-Q4_0", "pocket-F16", "pocket-F16"};
  const ReportData named = load(options);
  ASSERT_EQ(named.ladders.size(), 1u);
  EXPECT_EQ(named.ladders[0].rungs.size(), 2u);
  EXPECT_EQ(named.ladders[0].comparisons, 4);
  options.ladder = {"pocket-Q4_0"};
  EXPECT_EQ(load_report(store, "", options).error().kind, ErrorKind::usage);
  options.ladder = {"pocket-Q4_0", "nobody"};
  EXPECT_THAT(load_report(store, "", options).error().message, HasSubstr("nobody"));
  const Store other = make_invented_run(folder.path() / "other.db", {});
  const ReportData pair = load_report(other, "", {}).value();
  EXPECT_TRUE(pair.ladders.empty()) << "other weights";
  EXPECT_THAT(to_html(pair), Not(HasSubstr("id=\"ladder\"")));
  EXPECT_FALSE(to_json(pair).contains("ladders"));
}

// Two rungs and invented differences, so that the wordings can be read here.
class LadderWording : public testing::Test {
 protected:
  ReportData data;
  ReportLadder ladder;

  void SetUp() override {
    data.models.resize(2);
    data.models[0].weight_format = "F16";
    data.models[1].weight_format = "Q4_0";
    data.tasks.resize(2);
    data.tasks[0].name = "routing";
    data.tasks[1].name = "facts";
    ladder.rungs.resize(2);
    ladder.rungs[1].model = 1;
    ladder.comparisons = 3;
    add(0, -0.004, {-0.019, 0.011});
    add(1, -0.021, {-0.043, 0.001});
    add(-1, -0.012, {-0.024, 0.0004});
  }
  void add(int task, double difference, Interval widened) {
    ReportDifference added;
    added.task = task;
    added.result.margin = 0.05;
    added.result.difference.difference = difference;
    added.widened = widened;
    ladder.rungs[1].differences.push_back(added);
  }
};

TEST_F(LadderWording, NoStepCosts) {
  EXPECT_EQ(
      ladder_sentence(data, ladder),
      "No step down from F16 costs accuracy beyond noise: the interval that goes lowest reaches −4.3\u00a0pp "
      "(Q4_0, facts); 3 comparisons, intervals widened so that all hold together with 95\u00a0%.");
}

TEST_F(LadderWording, TheFirstStepThatCosts) {
  ladder.rungs[1].differences[1].widened = {-0.043, -0.001};
  ladder.first_loss = 1;
  EXPECT_EQ(ladder_sentence(data, ladder),
            "Q4_0 is the first step down from F16 that costs accuracy beyond noise: facts −2.1\u00a0pp "
            "(−4.3…−0.1); 3 comparisons, intervals widened so that all hold together with 95\u00a0%.");
}

TEST_F(LadderWording, NothingToCompare) {
  ladder.rungs[1].differences.clear();
  ladder.comparisons = 0;
  EXPECT_EQ(ladder_finding(data, ladder), "What each precision takes");
  EXPECT_THAT(ladder_sentence(data, ladder), HasSubstr("nothing is said of accuracy"));
}

TEST_F(LadderWording, LabelsTellRungsApart) {
  data.models[1].weight_format = "F16";
  data.models[0].precision = "float32";
  data.models[1].precision = "bfloat16";
  data.models[1].name = "second";
  EXPECT_EQ(rung_label(data, ladder, ladder.rungs[1]), "F16 in bfloat16");
  data.models[0].precision = "bfloat16";
  EXPECT_EQ(rung_label(data, ladder, ladder.rungs[1]), "F16 (second)");
}

TEST_F(LadderWording, TheMarginsVerdictFollowsFromTheWidenedInterval) {
  ReportDifference& difference = ladder.rungs[1].differences[0];
  difference.widened = {-0.049, 0.01};
  EXPECT_EQ(ladder_verdict(data, difference), Verdict::yes);
  difference.widened = {-0.05, 0.01};
  EXPECT_EQ(ladder_verdict(data, difference), Verdict::not_enough_data);
  difference.widened = {-0.09, -0.051};
  EXPECT_EQ(ladder_verdict(data, difference), Verdict::no);
}

}  // namespace
}  // namespace sizeup
