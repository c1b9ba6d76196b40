// Kinds of hallucination by a judge: closed book, and the claims of answers from a source.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "core/json/json.h"
#include "harness/judge/judging.h"
#include "harness/judge/summary.h"
#include "reports/json/judging_json.h"
#include "reports/judging_text.h"
#include "run_fixture.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kSource = "The office opens at nine on 3 May. Ann Lee runs it.";

struct Question {
  std::string source;
  std::string target;
  std::string answer;
};

class AskedTask : public FakeTask {
 public:
  explicit AskedTask(std::vector<Question> questions)
      : FakeTask("ask", OutputType::generate_until, static_cast<int>(questions.size())),
        questions_(std::move(questions)) {}
  std::vector<Sample> made_samples(int64_t limit) const override {
    std::vector<Sample> samples = FakeTask::made_samples(limit);
    for (size_t i = 0; i < samples.size(); ++i) {
      samples[i].source = questions_[i].source;
      samples[i].target = questions_[i].target;
    }
    return samples;
  }

 private:
  std::vector<Question> questions_;
};

class JudgedKinds : public RunFixture {
 protected:
  JudgingRequest request;

  // The model answers; the judge "wise" is to say this.
  void answered(const std::vector<Question>& questions, VerdictForm form,
                std::function<std::string(const Request&)> says) {
    tasks["ask"] = [questions] { return std::make_unique<AskedTask>(questions); };
    models["small"].writes = [questions](const Request& asked) {
      return questions[static_cast<size_t>(asked.asked_for.row)].answer;
    };
    settings.tasks = {"ask"};
    settings.name = "judged";
    done();
    add_judge("wise", std::move(says));
    request.candidate = "small";
    request.rule.verdict = form;
    request.run.db = settings.db;
  }

  void add_judge(const std::string& name, std::function<std::string(const Request&)> says) {
    models["judge-" + name] = {.name = name, .fingerprint = name};
    models["judge-" + name].writes = std::move(says);
    request.run.models.push_back("./" + name + ".gguf");
  }

  Judging judged() {
    Result<JudgingDone> out = run_judging(request, environment(), progress, stop.get_token());
    EXPECT_TRUE(out.has_value()) << describe(out.error());
    return out ? out->judging : Judging{};
  }

  std::vector<std::string> stored(const Judging& judging, const std::string& metric) {
    return query("SELECT printf('%.4f', value) FROM results WHERE run = '" + judging.run +
                 "' AND metric = '" + metric + "' AND slice_field = ''");
  }
};

// Supported is what names the hour or Ann.
std::string judge_of_claims(const Request& asked) {
  const std::string prompt = text_of(asked);
  std::string out = "I compared them.";
  for (int claim = 1;; ++claim) {
    const size_t at = prompt.find(fmt::format("\nClaim {}:\n=====", claim));
    if (at == std::string::npos) return out;
    const size_t begin = prompt.find('\n', at + fmt::format("\nClaim {}:\n", claim).size()) + 1;
    const std::string text = prompt.substr(begin, prompt.find("\n=====", begin) - begin);
    const bool supported = text.find("nine") != std::string::npos || text.find("Ann") != std::string::npos;
    out += fmt::format("\nClaim {}: {}", claim, supported ? "supported" : "unsupported");
  }
}

const std::vector<Question>& questions_with_a_source() {
  static const std::vector<Question> kQuestions = {
      {kSource, "nine", "The office opens at nine. Bob Stone runs it."},
      {kSource, "Ann Lee", "I don't know."},
      {kSource, "Ann Lee", "Ann Lee runs the office."},
      {"", "four", "Two and two is four."}};
  return kQuestions;
}

TEST_F(JudgedKinds, EachClaimOfAnAnswerCounts) {
  answered(questions_with_a_source(), VerdictForm::claims, judge_of_claims);
  const Judging out = judged();
  std::vector<std::string> ids;
  for (const JudgedDocument& document : out.documents) ids.push_back(document.id);
  ASSERT_THAT(ids, ElementsAre("0#1", "0#2", "2#1"));
  EXPECT_EQ(out.documents[0].cluster, out.documents[1].cluster) << "claims of one answer";
  EXPECT_NE(out.documents[0].cluster, out.documents[2].cluster);
  EXPECT_EQ(out.documents[1].cells[0].scores, std::vector<double>{0.0});
  EXPECT_EQ(out.left_out, 2) << "one declines, one has no source";
  EXPECT_EQ(out.judges[0].verdicts, 2);
  EXPECT_DOUBLE_EQ(summarize(out).mean.mean.value, 2.0 / 3.0);
  // Claims without support of all claims, not the mean over answers, which is 0.25.
  EXPECT_THAT(stored(out, "judge_unsupported_rate"), ElementsAre("0.3333"));
  EXPECT_THAT(judging_sentences(out, summarize(out)),
              Contains(AllOf(HasSubstr("unsupported claims: 0.333"), HasSubstr("over 3 claims"))));
  EXPECT_THAT(logs["judge-wise"].asked.front(), AllOf(HasSubstr(kSource), Not(HasSubstr("expected answer"))));
}

TEST_F(JudgedKinds, JudgesMayDisagreeOnAClaim) {
  answered(questions_with_a_source(), VerdictForm::claims, judge_of_claims);
  add_judge("kind", [](const Request& asked) {
    return asked.asked_for.row == 0 ? "Claim 1: supported\nClaim 2: supported" : "Claim 1: supported";
  });
  const Judging out = judged();
  const JudgingSummary summary = summarize(out);
  EXPECT_DOUBLE_EQ(summary.mean.mean.value, (1.0 + 0.5 + 1.0) / 3.0);
  EXPECT_DOUBLE_EQ(summary.judges[1].mean.mean.value, 1.0);
  // Units (1, 1), (0, 1), (1, 1): Krippendorff's alpha is 1 - 5 * 2 / (2 * 5 * 1) = 0.
  EXPECT_NEAR(summary.among_judges.value, 0.0, 1e-12);
}

TEST_F(JudgedKinds, AReplyThatSkipsAClaimIsUnparsed) {
  answered(questions_with_a_source(), VerdictForm::claims,
           [](const Request&) { return "Claim 1: supported"; });
  const Judging out = judged();
  EXPECT_EQ(out.judges[0].verdicts, 1);
  EXPECT_EQ(out.judges[0].unparsed, 1);
  EXPECT_EQ(summarize(out).mean.mean.n, 1);
  EXPECT_EQ(summarize(out).mean.without_score, 1);
}

TEST_F(JudgedKinds, ClosedBookTellsWrongFromDeclined) {
  std::vector<Question> questions(6, {"", "Paris", "it is Paris"});
  questions.push_back({"", "I don't know", "it is Rome"});
  questions.push_back({kSource, "Ann", "it is Ann"});
  answered(questions, VerdictForm::closed_book, [](const Request& asked) {
    constexpr std::array kVerdicts = {"correct", "incorrect", "Not_attempted"};
    return fmt::format("Verdict: {}", kVerdicts[static_cast<size_t>(asked.asked_for.row % 3)]);
  });
  const Judging out = judged();
  EXPECT_EQ(out.left_out, 2) << "one can't be known, one has a source";
  EXPECT_THAT(logs["judge-wise"].asked.front(), HasSubstr("The expected answer:"));
  const JudgingSummary summary = summarize(out);
  ASSERT_TRUE(summary.closed_book.has_value());
  EXPECT_DOUBLE_EQ(summary.mean.mean.value, 1.0 / 3.0) << "what was not attempted is not half right";
  EXPECT_DOUBLE_EQ(summary.closed_book->incorrect.mean.value, 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(summary.closed_book->not_attempted.mean.value, 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(summary.closed_book->accuracy_given_attempted, 0.5);
  EXPECT_DOUBLE_EQ(summary.closed_book->f_score, 0.4);
  EXPECT_THAT(stored(out, "judge_correct"), ElementsAre("0.3333"));
  EXPECT_THAT(stored(out, "judge_hallucination_rate"), ElementsAre("0.3333"));
  EXPECT_THAT(stored(out, "judge_attempted"), ElementsAre("0.6667"));
  EXPECT_THAT(judging_sentences(out, summary), Contains(HasSubstr("hallucination rate: 0.333")));
  EXPECT_EQ(judging_json(out, summary)["closed_book"]["f_score"], summary.closed_book->f_score);
}

// The model that wrote them scores its answers with their source and without it.
TEST_F(JudgedKinds, LikelihoodComparesThePromptWithItselfWithoutTheSource) {
  answered({{"of ask", "1", "an answer"}, {"elsewhere", "1", "another"}, {"", "1", "a third"}},
           VerdictForm::likelihood, {});
  const Judging out = judged();
  ASSERT_EQ(out.documents.size(), 1u);
  EXPECT_EQ(out.left_out, 2) << "one source is not in its prompt, one is none";
  ASSERT_THAT(logs["judge-wise"].asked, ElementsAre("question 0 of ask|an answer", "question 0 |an answer"));
  const double gain =
      (opinion("wise", "question 0 |an answer") - opinion("wise", "question 0 of ask|an answer")) / 16.0;
  EXPECT_DOUBLE_EQ(summarize(out).mean.mean.value, gain);
  EXPECT_EQ(stored(out, "judge_source_gain"), std::vector<std::string>{fmt::format("{:.4f}", gain)});
  EXPECT_THAT(judging_sentences(out, summarize(out)),
              ElementsAre(HasSubstr("source gain, nats a token"), HasSubstr("2 documents were not judged")));
  request.rule.repeats = 3;
  request.rule.temperature = 0.7;
  EXPECT_FALSE(run_judging(request, environment(), progress, stop.get_token()).has_value());
}

// The same from the store alone, as the report reads it.
TEST_F(JudgedKinds, AreReadBack) {
  answered(questions_with_a_source(), VerdictForm::claims, judge_of_claims);
  const Judging out = judged();
  const Store file = store();
  const std::optional<Judging> found = find_judging(file, find_run(file, out.run).value()).value();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(judging_json(*found, summarize(*found)), judging_json(out, summarize(out)));
}

TEST_F(JudgedKinds, SayWhereTheyDoNotApply) {
  answered({{"", "four", "Two and two is four."}}, VerdictForm::claims, judge_of_claims);
  Result<JudgingDone> out = run_judging(request, environment(), progress, stop.get_token());
  ASSERT_FALSE(out.has_value());
  EXPECT_THAT(describe(out.error()), HasSubstr("grounding"));
  request.rule.verdict = VerdictForm::closed_book;
  EXPECT_TRUE(run_judging(request, environment(), progress, stop.get_token()).has_value());
}

}  // namespace
}  // namespace sizeup
