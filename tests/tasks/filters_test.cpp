// Answer filters and exact_match on the traps of gsm8k's answer extraction (verdicts of CPython).
#include "tasks/filters.h"

#include "tasks/metrics/exact_match.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

FilterPipeline pipeline(const std::string& steps) {
  const TemporaryFolder folder;
  const Result<YamlNode> node = read_yaml(folder.write("f.yaml", "name: f\nfilter:\n" + steps));
  if (!node) throw std::runtime_error(describe(node.error()));
  Result<FilterPipeline> parsed = FilterPipeline::parse(*node);
  if (!parsed) throw std::runtime_error(describe(parsed.error()));
  return std::move(*parsed);
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
    return exact_match_text(strict.apply(text).text, ignore);
  };
  EXPECT_EQ(answer("The answer is 540."), "540");
  EXPECT_EQ(answer("The answer is 540.\n"), "540");
  EXPECT_EQ(answer("The answer is 540. So"), "540");
  EXPECT_EQ(answer("The answer is 540"), "54");  // backtracks at the end of the text, scored wrong there too
  EXPECT_TRUE(strict.apply("The answer is blue").no_answer);
  EXPECT_EQ(strict.apply("The answer is blue").text, "[invalid]");
}

TEST(Filters, FlexibleTakesTheLastNumber) {
  const FilterPipeline flexible = pipeline(
      "  - {function: regex, group_select: -1, regex_pattern: '(-?[$0-9.,]{2,})|(-?[0-9]+)'}\n  - {function: "
      "take_first}\n");
  EXPECT_EQ(flexible.apply("so 1,234.50. The total is $18.").text, "$18.");
  EXPECT_EQ(exact_match_text("$18.", gsm8k_parameters()), "18");
  EXPECT_EQ(exact_match_text("18.\n", gsm8k_parameters()),
            "18\n");  // \.$ also matches before a final newline
  EXPECT_FALSE(flexible.apply("7 is it").no_answer);
}

TEST(Filters, ReferenceIsReducedToTheNumberAfterTheMarks) {
  EXPECT_EQ(exact_match_text("Long.\nWay #### 1 #### 1,300.", gsm8k_parameters()), "1300");
}

TEST(Filters, NoMatchAtTheIndexIsNoAnswer) {
  const FilterPipeline second =
      pipeline("  - {function: regex, group_select: 1, regex_pattern: '[0-9]+', fallback: none}\n");
  EXPECT_EQ(second.apply("1 and 2").text, "2");
  EXPECT_TRUE(second.apply("only 1").no_answer);
  EXPECT_EQ(second.apply("only 1").text, "none");
}

TEST(Filters, CaseAndWhiteSpaceArePythons) {
  EXPECT_EQ(pipeline("  - {function: lowercase}\n").apply("İ ΟΔΟΣ ẞ").text, "i\u0307 οδος ß");
  EXPECT_EQ(pipeline("  - {function: uppercase}\n").apply("straße").text, "STRASSE");
  EXPECT_EQ(pipeline("  - {function: strip}\n").apply("\u00A0 a b\u2003\n").text, "a b");
  EXPECT_EQ(pipeline("  - {function: remove_whitespace}\n").apply(" a b ").text, "a b");
}

TEST(Filters, TableHasADescriptionForEachFilter) {
  const std::vector<FilterListing> table = filter_table();
  EXPECT_EQ(table.size(), 7U);
  for (const FilterListing& filter : table) EXPECT_FALSE(filter.description.empty()) << filter.name;
}

}  // namespace
}  // namespace sizeup
