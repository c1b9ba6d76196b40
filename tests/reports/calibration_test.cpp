#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/json/json.h"
#include "reports/calibration_text.h"
#include "reports/format.h"
#include "reports/load/load_parts.h"
#include "reports/report.h"
#include "tests/reports/invented_run.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;
using testing::Not;

class CalibrationReport : public testing::Test {
 protected:
  TemporaryFolder own;

  ReportData load(const InventedRun& what = {}) const {
    return load_report(make_invented_run(own.path() / "store.db", what), "", {}).value();
  }
};

// Every answer of one side with a score and a confidence, from the report's own samples.
std::vector<StatedAnswer> stated(const ReportData& data, std::string_view kind, bool candidate) {
  std::vector<StatedAnswer> out;
  for (const ReportSample& sample : data.samples) {
    const bool scored_choice = data.tasks[static_cast<size_t>(sample.task)].output_type == "multiple_choice";
    if (scored_choice != (kind == kOptionProbability)) continue;
    const ReportAnswer& answer = candidate ? sample.candidate : sample.baseline;
    if (answer.score && answer.confidence) out.push_back({*answer.confidence, answer.right(), 0});
  }
  return out;
}

double naive_area(const std::vector<StatedAnswer>& answers) {
  double wins = 0.0;
  double pairs = 0.0;
  for (const StatedAnswer& right : answers) {
    for (const StatedAnswer& wrong : answers) {
      if (!right.right || wrong.right) continue;
      wins += right.confidence > wrong.confidence ? 1.0 : right.confidence == wrong.confidence ? 0.5 : 0.0;
      ++pairs;
    }
  }
  return wins / pairs;
}

TEST_F(CalibrationReport, FollowsFromTheSamples) {
  const ReportData data = load();
  for (const std::string_view kind : {kOptionProbability, kMeanTokenProbability}) {
    for (const int model : {data.candidate, data.baseline}) {
      const ReportCalibration* entry = calibration_of(data, kind, model);
      ASSERT_NE(entry, nullptr) << kind;
      const std::vector<StatedAnswer> answers = stated(data, kind, model == data.candidate);
      EXPECT_EQ(entry->n, static_cast<int64_t>(answers.size()));
      double confidence = 0.0;
      int64_t right = 0;
      for (const StatedAnswer& answer : answers) {
        confidence += answer.confidence / static_cast<double>(answers.size());
        right += answer.right ? 1 : 0;
      }
      EXPECT_EQ(entry->right, right);
      EXPECT_NEAR(entry->confidence, confidence, 1e-12);
      EXPECT_NEAR(entry->overconfidence.value, confidence - entry->share_right(), 1e-12);
      EXPECT_NEAR(entry->auroc.value, naive_area(answers), 1e-12);
      int64_t in_bins = 0;
      for (const ReliabilityBin& bin : entry->bins) in_bins += bin.n;
      EXPECT_EQ(in_bins, entry->n);
      EXPECT_EQ(entry->curve.back().answered, entry->n);
      EXPECT_EQ(entry->curve.back().wrong, entry->n - right);
    }
  }
  EXPECT_EQ(data.calibration.front().kind, kOptionProbability);
}

TEST_F(CalibrationReport, TasksStandAfterAllOfThemWhereThereAreSeveral) {
  const ReportData data = load();
  for (const ReportCalibration& entry : data.calibration) {
    if (entry.task < 0) continue;
    // One task has options and needs no row of its own; handbook's 90 samples are too few.
    EXPECT_EQ(entry.kind, kMeanTokenProbability);
    EXPECT_EQ(data.tasks[static_cast<size_t>(entry.task)].name, "invoices");
    EXPECT_EQ(entry.n, 100);
    EXPECT_TRUE(entry.curve.empty());
  }
  ASSERT_EQ(data.calibration.size(), 6u);
  EXPECT_EQ(data.calibration[3].task, 1);
  EXPECT_EQ(data.calibration[5].task, 1);
}

TEST_F(CalibrationReport, PageJsonCsvAndMarkdownSayTheSame) {
  const ReportData data = load();
  const std::string page = to_html(data);
  const Json json = to_json(data)["calibration"];
  const std::string markdown = to_markdown(data);
  ASSERT_TRUE(write_csv(data, own.path() / "csv").has_value());
  std::istringstream table(read_whole(own.path() / "csv" / "calibration.csv"));
  std::string line;
  std::getline(table, line);
  ASSERT_EQ(json["rows"].size(), data.calibration.size());
  for (size_t i = 0; i < data.calibration.size(); ++i) {
    const ReportCalibration& entry = data.calibration[i];
    const Json& row = json["rows"][i];
    EXPECT_EQ(row["ece"].get<double>(), entry.ece.value);
    EXPECT_EQ(row["auroc_interval"][0].get<double>(), entry.auroc.lo);
    EXPECT_EQ(row["bins"].size(), entry.bins.size());
    EXPECT_NEAR(row["bins"][0][1].get<double>(), entry.bins[0].share_right(), 1e-5);
    EXPECT_EQ(row["model"], data.models[static_cast<size_t>(entry.model)].name);
    EXPECT_EQ(row.contains("risk_coverage"), entry.task < 0);
    ASSERT_TRUE(std::getline(table, line));
    std::vector<std::string> cells;
    std::istringstream fields(line);
    for (std::string cell; std::getline(fields, cell, ',');) cells.push_back(cell);
    ASSERT_EQ(cells.size(), 25u);
    EXPECT_EQ(cells[1], entry.kind);
    EXPECT_EQ(std::stoll(cells[3]), entry.n);
    EXPECT_EQ(std::stod(cells[6]), row["overconfidence"].get<double>());
    EXPECT_EQ(std::stod(cells[9]), row["ece"].get<double>());
    EXPECT_EQ(std::stod(cells[14]), row["brier"].get<double>());
    EXPECT_EQ(std::stod(cells[18]), row["auroc"].get<double>());
    EXPECT_EQ(std::stod(cells[21]), row["temperature"].get<double>());
    const Estimate& over = entry.overconfidence;
    EXPECT_THAT(page, HasSubstr(format_points(over.value) + "<small>" +
                                format_points_range(over.lo, over.hi, 0.0) + "</small>"));
    EXPECT_THAT(page, HasSubstr(format_percent(entry.ece.value) + "<small>" +
                                format_percent_range(entry.ece.lo, entry.ece.hi) + "</small>"));
    if (entry.task >= 0) continue;
    EXPECT_THAT(markdown,
                HasSubstr(format_percent(entry.ece.value) + " (" + format_percent(entry.chance_ece) + ")"));
    for (const ReliabilityBin& bin : entry.bins) {
      EXPECT_THAT(page, HasSubstr(format_percent(bin.share_right()) + " right (" +
                                  format_percent_range(bin.interval.lo, bin.interval.hi) +
                                  "), n = " + format_count(bin.n)));
    }
  }
  // The contract's members are those of the small model's first kind.
  EXPECT_EQ(json["confidence"], kOptionProbability);
  for (const char* member : {"bins", "ece", "brier", "auroc", "temperature"})
    EXPECT_EQ(json[member], json["rows"][0][member]);
  EXPECT_THAT(read_whole(own.path() / "csv" / "risk_coverage.csv"),
              HasSubstr("pocket-small,option probability,,1,"));
  EXPECT_THAT(read_whole(own.path() / "csv" / "calibration_bins.csv"),
              HasSubstr("pocket-large,mean token probability,,10,19,"));
}

TEST_F(CalibrationReport, SectionHasPlotsTablesAndConditions) {
  const std::string page = to_html(load());
  const size_t begin = page.find("<section id=\"confidence\"");
  ASSERT_NE(begin, std::string::npos);
  const std::string section = page.substr(begin, page.find("</section>", begin) - begin);
  EXPECT_THAT(section, HasSubstr("aria-label=\"share right against stated confidence, option probability\""));
  EXPECT_THAT(
      section,
      HasSubstr("aria-label=\"share wrong against share answered, surest first, mean token probability\""));
  EXPECT_THAT(section, HasSubstr("<h3>Confidence as option probability: Small is "));
  EXPECT_THAT(section, HasSubstr("Table behind this: calibration bins, option probability"));
  EXPECT_THAT(section, HasSubstr("Table behind this: risk and coverage, mean token probability"));
  for (const char* word : {"ece", "brier", "auroc", "temperature"}) {
    EXPECT_THAT(section, HasSubstr("href=\"#g-" + std::string(word) + "\""));
    EXPECT_THAT(page, HasSubstr("<dt id=\"g-" + std::string(word) + "\""));
  }
  EXPECT_THAT(page, HasSubstr("<a href=\"#confidence\">Confidence</a>"));
  EXPECT_LT(page.find("id=\"hallucination\""), begin);
  EXPECT_GT(page.find("id=\"speed\""), begin);
}

TEST_F(CalibrationReport, OneModelIsCalledTheModel) {
  InventedRun one;
  one.models = 1;
  const ReportData data = load(one);
  EXPECT_EQ(as_safe_as_large(data, kOptionProbability), nullptr);
  const std::string page = to_html(data);
  EXPECT_THAT(page, HasSubstr("Confidence as option probability: The model is "));
  EXPECT_THAT(page, Not(HasSubstr("If small gave only")));
}

TEST_F(CalibrationReport, AnEnemysNamesAreText) {
  InventedRun hostile;
  hostile.hostile = true;
  const ReportData data = load(hostile);
  EXPECT_FALSE(data.calibration.empty());
  EXPECT_THAT(to_markdown(data), Not(HasSubstr("<script>")));
}

// One task of one model, by hand.
class ByHand : public testing::Test {
 protected:
  TemporaryFolder folder;
  RunContent content;
  ReportData data;

  void SetUp() override {
    data.models.emplace_back();
    data.tasks.emplace_back();
    data.tasks[0].output_type = "multiple_choice";
    data.tasks[0].pair_metric = "acc";
    content.tasks.emplace_back();
    content.cells.assign(1, std::vector<Cell>(1));
    content.cells[0][0].present = true;
    content.samples.emplace_back();
  }

  void measure(ReportData& out) {
    const Store store = Store::open(folder.path() / "store.db", StoreAccess::write).value();
    content.tasks[0].metrics = {{data.tasks[0].pair_metric, "", true, true}};
    content.pair_metrics.clear();
    ASSERT_TRUE(read_pair_scores(store, Rows::whole, content).has_value());
    measure_calibration(content, out);
  }

  void add(double confidence, double score, const std::string& document = {}) {
    SampleRow sample;
    sample.id = static_cast<int64_t>(content.samples[0].size()) + 1;
    sample.document_hash = document;
    AnswerRow answer;
    answer.sample_id = sample.id;
    answer.confidence = confidence;
    answer.scores["acc"] = score;
    content.samples[0].push_back(sample);
    content.cells[0][0].answers.push_back(answer);
  }
};

TEST_F(ByHand, PartialCreditIsRightFromAHalfOn) {
  for (int i = 0; i < 100; ++i) add(0.5 + 0.004 * i, i % 4 == 0 ? 0.49 : i % 4 == 1 ? 0.5 : 1.0);
  measure(data);
  ASSERT_EQ(data.calibration.size(), 1u);
  EXPECT_EQ(data.calibration[0].n, 100);
  EXPECT_EQ(data.calibration[0].right, 75);
  EXPECT_TRUE(data.missing.empty());
}

TEST_F(ByHand, AnswersWithoutConfidenceOrScoreDoNotCount) {
  for (int i = 0; i < 110; ++i) add(0.5 + 0.004 * i, i % 2);
  content.cells[0][0].answers[0].confidence = kNoNumber;
  content.cells[0][0].answers[1].confidence = 1.5;
  content.cells[0][0].answers[2].scores["acc"] = kNoNumber;
  content.cells[0][0].answers[3].scores.clear();
  content.cells[0][0].answers[4].error = "no reply";
  measure(data);
  ASSERT_EQ(data.calibration.size(), 1u);
  EXPECT_EQ(data.calibration[0].n, 105);
}

TEST_F(ByHand, MajoritiesAreAsSureAsTheyAreLarge) {
  data.tasks[0].output_type = "generate_until";
  data.tasks[0].pair_metric = "maj@5,strict";
  for (int i = 0; i < 150; ++i) {
    add(0.99, 0.0);  // the first answer's probability says nothing of a majority
    AnswerRow& answer = content.cells[0][0].answers.back();
    answer.scores["maj@5,strict"] = i % 3 == 0 ? 0.0 : 1.0;
    answer.details["agreement@5,strict"] = i % 3 == 0 ? "0.4" : "0.8";
  }
  content.cells[0][0].answers[0].details.clear();
  content.cells[0][0].answers[1].details["agreement@5,strict"] = "many";
  measure(data);
  ASSERT_EQ(data.calibration.size(), 1u);
  EXPECT_EQ(data.calibration[0].kind, kAgreementOfSamples);
  EXPECT_EQ(data.calibration[0].n, 148);
  ASSERT_EQ(data.calibration[0].bins.size(), 2u);
  EXPECT_DOUBLE_EQ(data.calibration[0].bins[0].confidence, 0.4);
  EXPECT_EQ(data.calibration[0].auroc.value, 1.0);
}

TEST_F(ByHand, WhatIsStatedInWordsIsAKindOfItsOwn) {
  data.tasks[0].output_type = "generate_until";
  data.tasks[0].verbal_confidence = true;
  for (int i = 0; i < 150; ++i) add(i % 3 == 0 ? 0.6 : 0.9, i % 3 == 0 ? 0.0 : 1.0);
  for (int i = 0; i < 20; ++i) add(kNoNumber, 1.0);  // these say nothing
  measure(data);
  ASSERT_EQ(data.calibration.size(), 1u);
  EXPECT_EQ(data.calibration[0].kind, kStatedInWords);
  EXPECT_EQ(data.calibration[0].n, 150);
  EXPECT_EQ(data.calibration[0].auroc.value, 1.0);
}

TEST_F(ByHand, TooFewAreNamed) {
  for (int i = 0; i < 99; ++i) add(0.8, i % 2);
  measure(data);
  EXPECT_TRUE(data.calibration.empty());
  ASSERT_EQ(data.missing.size(), 1u);
  EXPECT_THAT(data.missing[0], HasSubstr("Calibration needs 100 answers with a confidence"));
  EXPECT_THAT(data.missing[0], HasSubstr("there are 99"));
}

TEST_F(ByHand, AllRightHasNoCalibration) {
  for (int i = 0; i < 200; ++i) add(0.9, 1.0);
  measure(data);
  EXPECT_TRUE(data.calibration.empty());
  EXPECT_EQ(data.missing.size(), 1u);
}

TEST_F(ByHand, NoConfidenceAtAllSaysHowToGetIt) {
  for (int i = 0; i < 200; ++i) add(kNoNumber, i % 2);
  measure(data);
  ASSERT_EQ(data.missing.size(), 1u);
  EXPECT_THAT(data.missing[0], HasSubstr("--protocol likelihood"));
}

TEST_F(ByHand, RepeatsOfADocumentWidenTheInterval) {
  for (int i = 0; i < 200; ++i) add(0.7 + 0.001 * (i / 4), (i / 4) % 3 == 0 ? 0.0 : 1.0);
  measure(data);
  ReportData repeated = data;
  repeated.calibration.clear();
  for (size_t i = 0; i < content.samples[0].size(); ++i)
    content.samples[0][i].document_hash = std::to_string(i / 4);
  measure(repeated);
  const Estimate& alone = data.calibration[0].overconfidence;
  const Estimate& together = repeated.calibration[0].overconfidence;
  EXPECT_EQ(together.value, alone.value);
  EXPECT_NEAR(together.hi - together.lo, 2.0 * (alone.hi - alone.lo), 0.1 * (alone.hi - alone.lo));
}

class CalibrationWording : public testing::Test {
 protected:
  ReportData data;
  ReportCalibration entry;

  void SetUp() override {
    data.models.resize(2);
    data.baseline = 1;
    entry.kind = kOptionProbability;
    entry.n = 2000;
    entry.right = 1700;
    entry.overconfidence = {0.07, 0.05, 0.09, 2000};
    entry.auroc = {0.84, 0.81, 0.87, 2000};
  }
};

TEST_F(CalibrationWording, ClaimsWhatTheIntervalsExclude) {
  EXPECT_EQ(calibration_finding(data, entry),
            "Small is surer than it is right, by 7.0\u00a0pp, yet its confidence sorts right from wrong");
  entry.model = 1;
  entry.overconfidence = {-0.032, -0.05, -0.01, 2000};
  EXPECT_EQ(calibration_finding(data, entry),
            "Large is less sure than it is right, by 3.2\u00a0pp, yet its confidence sorts right from wrong");
  entry.auroc = {0.3, 0.2, 0.4, 2000};
  EXPECT_THAT(calibration_finding(data, entry), HasSubstr(", and it is surer where it is wrong"));
}

TEST_F(CalibrationWording, ClaimsNothingElse) {
  entry.overconfidence = {0.02, -0.001, 0.041, 2000};
  entry.auroc = {0.55, 0.499, 0.6, 2000};
  EXPECT_EQ(calibration_finding(data, entry),
            "Small is on average as sure as it is right, as far as 2,000 answers can tell; its confidence is "
            "not shown to sort right from wrong");
  entry.auroc = {0.9, kNoNumber, kNoNumber, 2000};
  EXPECT_THAT(calibration_finding(data, entry), HasSubstr("not shown to sort"));
}

TEST_F(CalibrationWording, AsSafeAsLargeIsTheMostThatIs) {
  entry.curve = {{0.9, 1000, 50}, {0.8, 1500, 149}, {0.7, 1800, 181}, {0.1, 2000, 300}};
  ReportCalibration large = entry;
  large.model = 1;
  large.right = 1800;  // wrong 10 %
  data.calibration = {entry, large};
  EXPECT_EQ(as_safe_as_large(data, entry.kind)->answered, 1500);
  data.calibration[1].right = 1700;  // no better than small
  EXPECT_EQ(as_safe_as_large(data, entry.kind), nullptr);
  data.calibration[1].right = 1999;  // never so rarely wrong
  EXPECT_EQ(as_safe_as_large(data, entry.kind), nullptr);
  EXPECT_EQ(temperature_text(1.3), "1.30");
  EXPECT_EQ(temperature_text(kMostTemperature), "over 100");
}

}  // namespace
}  // namespace sizeup
