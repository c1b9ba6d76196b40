// Steps of process_docs that make several documents of one row.
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kRest =
    "\noutput_type: generate_until\ndoc_to_text: \"{{passage}}|{{question}}\"\ndoc_to_target: "
    "\"{{answers}}\"\n"
    "grounding: passage\nrefusals: [not stated]\nslices: [given]\nmetric_list: [{metric: exact_match}]\n";
constexpr const char* kStep =
    "process_docs: {function: passage_test, passage: passage, answers: answers, declined: not stated, "
    "label: given}";

Json row(const std::string& id, const std::string& passage, const Json& answers) {
  return {{"id", id}, {"question", id + "?"}, {"passage", passage}, {"answers", answers}};
}

std::vector<std::string> prompts(const Json& rows) {
  std::vector<std::string> out;
  for (const Sample& sample : test::samples_of(*test::task_over(rows, std::string(kStep) + kRest)))
    out.push_back(sample.prompt.user);
  return out;
}

TEST(PassageTest, AsksEachQuestionThreeTimes) {
  const auto task =
      test::task_over({row("a", "It is red.", {"red"}), row("b", "It is blue.", {"blue", "azure"})},
                      std::string(kStep) + kRest);
  const std::vector<Sample> samples = test::samples_of(*task);
  std::vector<std::string> asked;
  std::vector<std::string> given;
  std::vector<std::vector<std::string>> accepted;
  std::vector<std::string> sources;
  for (size_t i = 0; i < 3; ++i) {
    asked.push_back(samples[i].prompt.user);
    given.push_back(samples[i].slices.at("given"));
    accepted.push_back(samples[i].accepted);
    sources.push_back(samples[i].source);
  }
  EXPECT_EQ(samples.size(), 6u);
  EXPECT_THAT(asked, ElementsAre("It is red.|a?", "|a?", "It is blue.|a?"));
  EXPECT_THAT(given, ElementsAre("with", "without", "wrong"));
  EXPECT_THAT(accepted, ElementsAre(ElementsAre("red"), ElementsAre("red"), ElementsAre("not stated")));
  EXPECT_THAT(sources, ElementsAre("It is red.", "", "It is blue.")) << "what is unsupported is judged by it";
  EXPECT_THAT(samples[3].accepted, ElementsAre("blue", "azure"));
}

// A passage that holds the answer is not a wrong one.
TEST(PassageTest, AWrongPassageDoesNotHoldTheAnswer) {
  const std::vector<std::string> asked =
      prompts({row("a", "It is red.", {"red"}), row("b", "Once it was RED.", {"once"}),
               row("c", "It is red.", {"red"}), row("d", "It is blue.", {"blue"})});
  EXPECT_EQ(asked[2], "It is blue.|a?");
  EXPECT_EQ(asked[5], "It is red.|b?") << "the next one";
  EXPECT_EQ(asked[8], "It is blue.|c?");
  EXPECT_EQ(asked[11], "It is red.|d?") << "from the front again";
}

TEST(PassageTest, WhereEveryPassageHoldsTheAnswerTheNextOneIsTaken) {
  const std::vector<std::string> asked =
      prompts({row("a", "Yes.", {"yes"}), row("b", "Yes.", {"yes"}), row("c", "Yes, indeed.", {"yes"})});
  EXPECT_EQ(asked[2], "Yes, indeed.|a?");
}

std::string refusal(const std::string& step) {
  try {
    test::task_over({{{"a", "x"}, {"b", 3}, {"answers", {"y"}}}},
                    "process_docs: " + step +
                        "\noutput_type: generate_until\ndoc_to_text: \"{{t}}\"\ndoc_to_target: l\n"
                        "metric_list: [{metric: exact_match}]\n");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

TEST(EachField, MistakesAreNamed) {
  EXPECT_EQ(refusal("{function: each_field, fields: {a: one}, text: t, label: l}"), "");
  EXPECT_THAT(refusal("each_field"), HasSubstr("does not say which fields"));
  EXPECT_THAT(refusal("{function: each_field, fields: {a: one}, text: t}"), HasSubstr("lacks its 'label'"));
  EXPECT_THAT(refusal("{function: each_field, fields: [a], text: t, label: l}"),
              HasSubstr("lacks its 'fields'"));
  EXPECT_THAT(refusal("{function: each_field, fields: {a: [one]}, text: t, label: l}"),
              HasSubstr("what 'a' stands for"));
  EXPECT_THAT(refusal("{function: each_field, fields: {b: one}, text: t, label: l}"),
              HasSubstr("the field 'b' is no text"));
  EXPECT_THAT(refusal("{function: each_field, fields: {c: one}, text: t, label: l}"), HasSubstr("'c'"));
  EXPECT_THAT(refusal("{function: each_field, names: {a: one}, text: t, label: l}"), HasSubstr("names"));
}

TEST(PassageTest, MistakesAreNamed) {
  const auto wrong = [](const Json& rows) {
    try {
      test::task_over(rows, std::string(kStep) + kRest);
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(wrong({row("a", "P", {"x"}), row("b", " ", {"y"})}),
              testing::AllOf(HasSubstr("d.jsonl:2"), HasSubstr("'passage' is empty")));
  EXPECT_THAT(wrong({row("a", "P", "x"), row("b", "Q", {"y"})}), HasSubstr("'answers' is no list"));
  EXPECT_THAT(wrong({row("a", "P", {"x"}), row("b", "P", {"y"})}), HasSubstr("the same passage"));
  EXPECT_THAT(refusal("passage_test"), HasSubstr("does not say which fields"));
  EXPECT_THAT(refusal("{function: passage_test, passage: a, answers: answers, label: l}"),
              HasSubstr("lacks its 'declined'"));
  EXPECT_THAT(refusal("{function: passage_test, passage: b, answers: answers, declined: no, label: l}"),
              HasSubstr("'b' is no text"));
}

}  // namespace
}  // namespace sizeup
