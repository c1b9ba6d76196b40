// sizeup quant-loss through the program itself, against transformers: tests/oracles/quant_loss_golden.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

const std::filesystem::path kGolden = golden_folder() / "quant_loss";
const std::string kText = (kGolden / "text.txt").string();
const std::string kBase = (kGolden / "tiny_f16.gguf").string();
const std::string kVariant = (kGolden / "tiny_q8_0.gguf").string();

void expect_near(const Json& ours, const Json& theirs, double bound, const std::string& what) {
  EXPECT_NEAR(ours.get<double>(), theirs.get<double>(), bound) << what;
}

void expect_mean(const Json& ours, const Json& expected, double bound, const std::string& what) {
  expect_near(ours["value"], expected["value"], bound, what);
  expect_near(ours["standard_error"], expected["standard_error"], bound, what + ", error");
  expect_near(ours["lo"], expected["interval"][0], bound, what + ", lower end");
  expect_near(ours["hi"], expected["interval"][1], bound, what + ", upper end");
  if (expected["by_window"].is_null()) return;
  // Few windows have a large quantile of t.
  expect_near(ours["window_lo"], expected["by_window"][0], 5 * bound, what + ", lower end by window");
  expect_near(ours["window_hi"], expected["by_window"][1], 5 * bound, what + ", upper end by window");
}

// Both sides compute in float32, log-probabilities agree to about 1e-6 on these models (2e-4 is promised). A
// divergence is of second order in what it compares: an error e of a log-probability moves it by e times the
// difference of the two distributions, here less than a tenth.
void expect_loss(const Json& report, const Json& expected) {
  constexpr double kLogprob = 2e-5;
  constexpr double kDivergence = 2e-6;
  EXPECT_EQ(report["positions"], expected["positions"]);
  EXPECT_EQ(report["windows"], expected["windows"]);
  expect_mean(report["divergence"], expected["divergence"], kDivergence, "divergence");
  const char* const percentiles[] = {"median", "p90", "p95", "p99"};
  for (size_t i = 0; i < 4; ++i) {
    expect_near(report["divergence"][percentiles[i]], expected["percentiles"][i], kDivergence,
                percentiles[i]);
  }
  expect_near(report["divergence"]["maximum"], expected["maximum"], 5 * kDivergence, "maximum");
  expect_mean(report["same_top"], expected["same_top"], 1e-9, "same top");
  expect_mean(report["log_ratio"], expected["log_ratio"], kLogprob, "log ratio");
  expect_mean(report["absolute"], expected["absolute"], kLogprob, "absolute");
  expect_near(report["absolute"]["maximum"], expected["absolute_maximum"], 5 * kLogprob,
              "largest difference");
  for (const char* side : {"base", "variant"}) {
    const Json& perplexity = expected[std::string(side) + "_perplexity"];
    const double value = perplexity["value"].get<double>();
    expect_near(report[side]["perplexity"]["value"], value, kLogprob * value, side);
    expect_near(report[side]["perplexity"]["hi"], perplexity["interval"][1],
                kLogprob * perplexity["interval"][1].get<double>(), side);
  }
}

TEST(QuantLoss, AgreesWithTransformers) {
  const Json golden = Json::parse(read_whole(kGolden / "expected.json"));
  int compared = 0;
  for (const Json& pair : golden["models"]) {
    const bool shared = pair["in"] == "shared";
    const std::filesystem::path folder = shared ? shared_folder() / "models" : kGolden;
    if (shared && !std::filesystem::exists(folder)) continue;
    const auto file = [&](const char* side) { return (folder / pair[side].get<std::string>()).string(); };
    SCOPED_TRACE(file("base"));
    const Finished finished =
        run_program({"quant-loss", file("base") + "?dtype=float32", file("variant") + "?dtype=float32",
                     "--text", kText, "--context", to_line(pair["context"]), "--json"});
    ASSERT_EQ(finished.status, 0) << finished.errors;
    const Json report = Json::parse(finished.output);
    EXPECT_EQ(report["tokens"].get<size_t>(), pair["ids"].size());
    expect_loss(report, pair["expected"]);
    ++compared;
  }
  EXPECT_GE(compared, 1);
}

TEST(QuantLoss, SaysWhatWasComparedAndUnderWhichConditions) {
  const Finished finished = run_program({"quant-loss", kBase, kVariant, "--text", kText, "--limit", "2"});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  for (const char* said :
       {"weights F16", "weights Q8_0", "2 windows of 128", "the second half of each scored", "126 positions",
        "KL divergence", "same most probable token", "by window"}) {
    EXPECT_THAT(finished.output, HasSubstr(said));
  }
  EXPECT_THAT(run_program({"quant-loss", "--help"}).output, HasSubstr("second half of a window is scored"));
}

// One file serves both sides; what cannot be rounded as asked (rows of 64 have no Q4_K) is said.
TEST(QuantLoss, RoundsTheVariantWhenItIsLoaded) {
  const Finished same =
      run_program({"quant-loss", kVariant, kBase + "?quant=q8_0", "--text", kText, "--json"});
  ASSERT_EQ(same.status, 0) << same.errors;
  const Json report = Json::parse(same.output);
  EXPECT_EQ(report["variant"]["weight_format"], "Q8_0");
  EXPECT_EQ(report["variant"]["bytes"], report["base"]["bytes"]);
  EXPECT_LT(report["divergence"]["value"].get<double>(), 0.005) << "two ways of rounding to one format";
  const Finished other = run_program({"quant-loss", kBase, kBase + "?quant=q4_k", "--text", kText});
  ASSERT_EQ(other.status, 0) << other.errors;
  EXPECT_THAT(other.output, HasSubstr("note:"));
}

TEST(QuantLoss, AModelLosesNothingAgainstItself) {
  const Finished finished =
      run_program({"quant-loss", kVariant, kVariant, "--text", kText, "--context", "64", "--json"});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  const Json report = Json::parse(finished.output);
  EXPECT_EQ(report["divergence"]["maximum"], 0.0);
  EXPECT_EQ(report["same_top"]["value"], 1.0);
  EXPECT_EQ(report["log_ratio"]["hi"], 0.0);
}

TEST(QuantLoss, BitsDoNotDependOnThreads) {
  const auto compare = [](const char* threads) {
    Json report = Json::parse(
        run_program({"quant-loss", kBase, kVariant, "--text", kText, "--threads", threads, "--json"}).output);
    report.erase("threads");
    return report;
  };
  EXPECT_EQ(compare("1"), compare("3"));
}

TEST(QuantLoss, RefusesWhatCannotBeCompared) {
  const std::string pocket = source_path("models/pocket/pocket-small.gguf").string();
  const Finished other = run_program({"quant-loss", kBase, pocket, "--text", kText});
  EXPECT_EQ(other.status, 3);
  EXPECT_THAT(other.errors, HasSubstr("token 0"));
  EXPECT_THAT(other.errors, HasSubstr("pocket-small.gguf"));
  const Finished longer = run_program({"quant-loss", kBase, kVariant, "--text", kText, "--context", "129"});
  EXPECT_EQ(longer.status, 2) << "the context is 128";
  EXPECT_EQ(run_program({"quant-loss", kBase, kVariant, "--text", kText, "--context", "3"}).status, 2);
  EXPECT_EQ(run_program({"quant-loss", kBase, kVariant}).status, 2);
  EXPECT_EQ(run_program({"quant-loss", kBase, kVariant, "--text", "no/such/file"}).status, 3);
  const TemporaryFolder folder;
  const Finished empty =
      run_program({"quant-loss", kBase, kVariant, "--text", folder.write("t", "ab").string()});
  EXPECT_EQ(empty.status, 3);
  EXPECT_THAT(empty.errors, HasSubstr("at least one window of 128"));
}

}  // namespace
}  // namespace sizeup
