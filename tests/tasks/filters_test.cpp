// Answer filters and exact_match on the traps of gsm8k's answer extraction (verdicts of CPython).
#include "tasks/filters.h"

#include "tasks/metrics/exact_match.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

// The steps as the items of a YAML list.
FilterPipeline pipeline(const std::string& steps, int responses = 1) {
  Result<FilterPipeline> parsed = FilterPipeline::parse(test::yaml("name: f\nfilter:\n" + steps), responses);
  if (!parsed) throw std::runtime_error(describe(parsed.error()));
  return std::move(*parsed);
}

Filtered filtered(const FilterPipeline& pipeline, const std::string& text) {
  return pipeline.apply({text}).front();
}

// One step as JSON, which is YAML, too.
FilterPipeline step(const std::string& function, Json options, int responses = 1) {
  options["function"] = function;
  return pipeline("  - " + to_line(options) + "\n", responses);
}

std::vector<std::string> texts_of(const std::vector<Filtered>& responses) {
  std::vector<std::string> texts;
  for (const Filtered& response : responses) texts.push_back(response.text);
  return texts;
}

MetricParameters gsm8k_parameters() {
  MetricParameters parameters;
  for (const char* pattern : {",", "\\$", "(?s).*#### ", "\\.$"}) {
    parameters.regexes_to_ignore.push_back(std::move(*PythonRegex::compile(pattern, "test")));
  }
  parameters.ignore_case = true;
  return parameters;
}

TEST(Filters, StrictCotConsumesACharacterAfterTheNumber) {
  const FilterPipeline strict =
      pipeline("  - {function: regex, regex_pattern: 'The answer is (\\-?[0-9\\.\\,]+).'}\n");
  const MetricParameters ignore = gsm8k_parameters();
  const auto answer = [&](const std::string& text) {
    return exact_match_text(filtered(strict, text).text, ignore);
  };
  EXPECT_EQ(answer("The answer is 540."), "540");
  EXPECT_EQ(answer("The answer is 540.\n"), "540");
  EXPECT_EQ(answer("The answer is 540. So"), "540");
  EXPECT_EQ(answer("The answer is 540"), "54");  // backtracks at the end of the text, scored wrong there too
  EXPECT_TRUE(filtered(strict, "The answer is blue").no_answer);
  EXPECT_EQ(filtered(strict, "The answer is blue").text, "[invalid]");
}

TEST(Filters, FlexibleTakesTheLastNumber) {
  const FilterPipeline flexible = pipeline(
      "  - {function: regex, group_select: -1, regex_pattern: '(-?[$0-9.,]{2,})|(-?[0-9]+)'}\n  - {function: "
      "take_first}\n");
  EXPECT_EQ(filtered(flexible, "so 1,234.50. The total is $18.").text, "$18.");
  EXPECT_EQ(exact_match_text("$18.", gsm8k_parameters()), "18");
  EXPECT_EQ(exact_match_text("18.\n", gsm8k_parameters()),
            "18\n");  // \.$ also matches before a final newline
  EXPECT_FALSE(filtered(flexible, "7 is it").no_answer);
}

TEST(Filters, ReferenceIsReducedToTheNumberAfterTheMarks) {
  EXPECT_EQ(exact_match_text("Long.\nWay #### 1 #### 1,300.", gsm8k_parameters()), "1300");
}

TEST(Filters, NoMatchAtTheIndexIsNoAnswer) {
  const FilterPipeline second =
      pipeline("  - {function: regex, group_select: 1, regex_pattern: '[0-9]+', fallback: none}\n");
  EXPECT_EQ(filtered(second, "1 and 2").text, "2");
  EXPECT_TRUE(filtered(second, "only 1").no_answer);
  EXPECT_EQ(filtered(second, "only 1").text, "none");
}

TEST(Filters, CaseAndWhiteSpaceArePythons) {
  EXPECT_EQ(filtered(pipeline("  - {function: lowercase}\n"), "İ ΟΔΟΣ ẞ").text, "i\u0307 οδος ß");
  EXPECT_EQ(filtered(pipeline("  - {function: uppercase}\n"), "straße").text, "STRASSE");
  EXPECT_EQ(filtered(pipeline("  - {function: strip}\n"), "\u00A0 a b\u2003\n").text, "a b");
  EXPECT_EQ(filtered(pipeline("  - {function: remove_whitespace}\n"), " a b ").text, "a b");
}

// Against lm-evaluation-harness's filters (golden: tests/oracles/tasks_filters.py).
TEST(Filters, MultiChoiceFindsWhatTheHarnessFinds) {
  for (const Json file = test::golden("filters.json"); const Json& expected : file.at("multi_choice_regex")) {
    const FilterPipeline filter = step("multi_choice_regex", expected["options"]);
    EXPECT_TRUE(filter.needs_choices());
    const auto choices = expected["choices"].get<std::vector<std::string>>();
    for (size_t i = 0; i < expected["texts"].size(); ++i) {
      SCOPED_TRACE(to_line(expected["options"]) + to_line(expected["choices"]) +
                   to_line(expected["texts"][i]));
      const Filtered found = filter.apply({expected["texts"][i].get<std::string>()}, choices).front();
      // Where the harness ends with an IndexError a search found nothing, and the next one goes on.
      if (!expected["filtered"][i].is_null()) {
        EXPECT_EQ(found.text, expected["filtered"][i].get<std::string>());
      }
    }
  }
}

TEST(Filters, MultiChoiceSaysWhereItFoundNothing) {
  const FilterPipeline filter = step("multi_choice_regex", {{"fallback", "none"}});
  const std::vector<std::string> choices = {"red", "blue"};
  const Filtered found = filter.apply({"It is blue."}, choices).front();
  EXPECT_EQ(found.text, "(B)");
  EXPECT_FALSE(found.no_answer);
  EXPECT_EQ(filter.apply({"green"}, choices).front().text, "none");
  EXPECT_TRUE(filter.apply({"green"}, choices).front().no_answer);
}

TEST(Filters, SpansAreThoseOfTheHarness) {
  const FilterPipeline filter = step("format_span", Json::object());
  for (const Json file = test::golden("filters.json"); const Json& expected : file.at("format_span"))
    EXPECT_EQ(filtered(filter, expected["text"].get<std::string>()).text,
              expected["filtered"].get<std::string>())
        << expected["text"];
}

TEST(Filters, TagsAreThoseOfTheHarness) {
  for (const Json file = test::golden("filters.json"); const Json& expected : file.at("regex_pos")) {
    const Filtered found =
        filtered(step("regex_pos", expected["options"]), expected["text"].get<std::string>());
    EXPECT_EQ(found.text, expected["filtered"].get<std::string>()) << expected;
  }
  EXPECT_TRUE(filtered(step("regex_pos", Json::object()), "no pairs").no_answer);
  EXPECT_FALSE(filtered(step("regex_pos", Json::object()), "('a', 'B')").no_answer);
}

TEST(Filters, WhatIsCodeIsRefusedWithWhatToWriteInstead) {
  for (const auto& [name, hint] :
       {std::pair{"custom", "regex, map"}, std::pair{"decontaminate", "tasks check"}}) {
    const auto refused =
        FilterPipeline::parse(test::yaml(std::string("name: f\nfilter: [{function: ") + name + "}]\n"), 1);
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().hint, testing::HasSubstr(hint));
  }
}

TEST(Filters, ResponsesAreChosenAsInTheHarness) {
  for (const Json file = test::golden("filters.json"); const Json& expected : file.at("lists")) {
    const auto responses = expected["responses"].get<std::vector<std::string>>();
    const auto count = static_cast<int>(responses.size());
    SCOPED_TRACE(to_line(expected["responses"]));
    const FilterPipeline vote = step("majority_vote", Json::object(), count);
    EXPECT_EQ(vote.responses(), 1);
    EXPECT_EQ(texts_of(vote.apply(responses)), expected["majority_vote"].get<std::vector<std::string>>());
    EXPECT_EQ(texts_of(step("take_first", Json::object(), count).apply(responses)),
              expected["take_first"].get<std::vector<std::string>>());
    for (int k = 1; k <= count; ++k) {
      const FilterPipeline first = step("take_first_k", {{"k", k}}, count);
      EXPECT_EQ(first.responses(), k);
      EXPECT_EQ(texts_of(first.apply(responses)),
                expected["take_first_k"][static_cast<size_t>(k) - 1].get<std::vector<std::string>>());
    }
  }
}

TEST(Filters, MapTakesWholeResponses) {
  const Json mapping = {{"Yes", "A"}, {"no", "B"}, {"", "empty"}, {"İ ß", "ok"}};
  const FilterPipeline filter = step("map", {{"mapping_dict", mapping}, {"default_value", "?"}});
  for (const Json file = test::golden("filters.json"); const Json& expected : file.at("map"))
    EXPECT_EQ(filtered(filter, expected["text"].get<std::string>()).text,
              expected["filtered"].get<std::string>())
        << expected["text"];
  EXPECT_TRUE(filtered(filter, "maybe").no_answer);
  EXPECT_FALSE(filtered(filter, "no").no_answer);
  EXPECT_EQ(filtered(step("map", {{"mapping_dict", mapping}}), "maybe").text, "");
}

TEST(Filters, OneMegabyteIsFiltered) {
  const std::vector<std::string> choices = {"red", "aab", "b"};
  for (const std::string& text :
       {std::string(1 << 20, 'a'), std::string(1 << 20, ':'), std::string(1 << 20, '$'),
        std::string(1 << 20, ','), std::string(1 << 20, '\0')}) {
    EXPECT_TRUE(step("multi_choice_regex", Json::object()).apply({text}, choices).front().no_answer);
    EXPECT_EQ(step("format_span", Json::object()).apply({text}).front().text, "");
  }
}

TEST(Filters, TableHasADescriptionForEachFilter) {
  const std::vector<FilterListing> table = filter_table();
  EXPECT_EQ(table.size(), 13U);
  for (const FilterListing& filter : table) EXPECT_FALSE(filter.description.empty()) << filter.name;
}

}  // namespace
}  // namespace sizeup
