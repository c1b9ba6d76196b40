#include "harness/judge/verdict.h"

#include <gtest/gtest.h>

namespace sizeup {
namespace {

const JudgeQuestion kOnScale;
const JudgeQuestion kCorrect{.form = VerdictForm::correct};
const JudgeQuestion kClosedBook{.form = VerdictForm::closed_book};
const JudgeQuestion kClaims{.form = VerdictForm::claims};
const JudgeQuestion kOfPair{.form = VerdictForm::pair};

TEST(ReadVerdict, TakesTheLastLine) {
  EXPECT_EQ(read_verdict(kOnScale, "Good.\nVerdict: 4"), 0.75);
  EXPECT_EQ(read_verdict(kOnScale, "Verdict: 1\nOn second thoughts:\nverdict:5\n\n"), 1.0);
  EXPECT_EQ(read_verdict(kOnScale, "**Verdict:** 3"), 0.5);
  EXPECT_EQ(read_verdict(kOnScale, "**Verdict**: **3/5**."), 0.5);
  EXPECT_EQ(read_verdict(kCorrect, "Verdict: Correct."), 1.0);
  EXPECT_EQ(read_verdict(kCorrect, "VERDICT: incorrect"), 0.0);
  EXPECT_EQ(read_verdict(kOfPair, "Verdict: A"), 1.0);
  EXPECT_EQ(read_verdict(kOfPair, "Verdict: Answer B"), 0.0);
  EXPECT_EQ(read_verdict(kOfPair, "Verdict: Tie"), 0.5);
  const JudgeQuestion wide{.lowest = -10, .highest = 10};
  EXPECT_EQ(read_verdict(wide, "Verdict: -5"), 0.25);
}

// A guess would be a score that nobody gave.
TEST(ReadVerdict, AnythingElseIsUnparsed) {
  for (const char* reply :
       {"", "4", "Verdict: 6", "Verdict: 0", "Verdict: 3.5", "Verdict: 4 or 5", "Verdict: four", "Verdict 4",
        "Verdict: 4\nI hope this helps!", "The verdict: 4", "Verdict:", "Verdict: 99999999999999999999"}) {
    EXPECT_EQ(read_verdict(kOnScale, reply), std::nullopt) << reply;
  }
  EXPECT_EQ(read_verdict(kCorrect, "Verdict: mostly correct"), std::nullopt);
  EXPECT_EQ(read_verdict(kOfPair, "Verdict: AB"), std::nullopt);
}

// As a server with structured output sends it.
TEST(ReadVerdict, OfJsonIsTheObjectsVerdict) {
  const JudgeQuestion scale{.as_json = true};
  const JudgeQuestion correct{.form = VerdictForm::correct, .as_json = true};
  const JudgeQuestion pair{.form = VerdictForm::pair, .as_json = true};
  EXPECT_EQ(read_verdict(scale, R"({"reasons": "It says\nVerdict: 5", "verdict": 2})"), 0.25);
  EXPECT_EQ(read_verdict(scale, "```json\n{\"verdict\": \"4\"}\n```"), 0.75);
  EXPECT_EQ(read_verdict(correct, R"({"verdict": "Incorrect"})"), 0.0);
  EXPECT_EQ(read_verdict(pair, R"( {"verdict": "tie", "reasons": ""} )"), 0.5);
  for (const char* reply : {"", "Verdict: 4", R"({"verdict": 6})", R"({"verdict": 4.5})",
                            R"({"verdict": [4]})", R"({"score": 4})", R"([4])", R"({"verdict": 4} and more)",
                            "{\"reasons\": \"cut off, and the answer says\nVerdict: 5"}) {
    EXPECT_EQ(read_verdict(scale, reply), std::nullopt) << reply;
  }
}

TEST(ReadVerdict, ClosedBookHasThree) {
  EXPECT_EQ(read_verdict(kClosedBook, "Verdict: correct"), 1.0);
  EXPECT_EQ(read_verdict(kClosedBook, "Verdict: Incorrect"), 0.0);
  EXPECT_EQ(read_verdict(kClosedBook, "Verdict: NOT_ATTEMPTED"), kNotAttempted);
  EXPECT_EQ(read_verdict(kClosedBook, "**Verdict: not attempted.**"), kNotAttempted);
  EXPECT_EQ(read_verdict(kClosedBook, "Verdict: attempted"), std::nullopt);
  EXPECT_EQ(read_verdict(kCorrect, "Verdict: not attempted"), std::nullopt);
}

TEST(ReadClaimVerdicts, TakesOneLastLineForEach) {
  using Scores = std::vector<double>;
  EXPECT_EQ(read_claim_verdicts(kClaims, 1, "Claim 1: supported"), Scores({1.0}));
  EXPECT_EQ(read_claim_verdicts(kClaims, 3,
                                "Claim 2 is odd.\n\n- **Claim 1:** supported\n* Claim 2: Unsupported.\n\n"
                                "`claim 3`: supported\n"),
            Scores({1.0, 0.0, 1.0}));
  // Of more lines the last ones count, so a list that was corrected is read as corrected.
  EXPECT_EQ(read_claim_verdicts(kClaims, 1, "Claim 1: supported\nOr rather:\nClaim 1: unsupported"),
            Scores({0.0}));
}

// Which claim a line is of must be sure.
TEST(ReadClaimVerdicts, AnythingElseIsUnparsed) {
  for (const char* reply :
       {"", "Claim 1: supported", "Claim 2: supported", "Claim 2: supported\nClaim 1: supported",
        "Claim 1: supported\nClaim 2: partly", "Claim 1: supported\nClaim 2: supported\nClaim 3: supported",
        "Claim 1: supported\nClaim 2: supported\nI hope this helps!", "supported\nsupported",
        "Claim 1: supported, Claim 2: supported", "Claim 1: supported\nClaim 12: supported"}) {
    EXPECT_EQ(read_claim_verdicts(kClaims, 2, reply), std::nullopt) << reply;
  }
}

TEST(ReadClaimVerdicts, OfJsonAreTheObjectsList) {
  const JudgeQuestion json{.form = VerdictForm::claims, .as_json = true};
  EXPECT_EQ(read_claim_verdicts(json, 2, R"({"reasons": "", "verdicts": ["supported", "Unsupported"]})"),
            std::vector<double>({1.0, 0.0}));
  for (const char* reply :
       {"Claim 1: supported\nClaim 2: supported", R"({"verdicts": ["supported"]})",
        R"({"verdicts": ["supported", "supported", "supported"]})", R"({"verdicts": ["supported", 1]})",
        R"({"verdicts": "supported"})", R"({"verdict": ["supported", "supported"]})"}) {
    EXPECT_EQ(read_claim_verdicts(json, 2, reply), std::nullopt) << reply;
  }
}

TEST(VerdictText, SaysWhatTheScoreStandsFor) {
  EXPECT_EQ(verdict_text(kOnScale, 0.75), "4");
  EXPECT_EQ(verdict_text(kCorrect, 0.0), "incorrect");
  EXPECT_EQ(verdict_text(kOfPair, 0.5), "tie");
  EXPECT_EQ(verdict_text(kClosedBook, kNotAttempted), "not attempted");
  EXPECT_EQ(verdict_text(kOfPair, std::nullopt), "unparsed");
}

}  // namespace
}  // namespace sizeup
