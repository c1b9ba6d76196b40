// Python's re, random and literals, against CPython (golden: tests/oracles/tasks_python.py).
#include "tasks/text/nearest.h"
#include "tasks/text/python_literal.h"
#include "tasks/text/python_random.h"
#include "tasks/text/python_regex.h"
#include "tests/tasks/support.h"

namespace sizeup {
namespace {

PythonRegex compiled(const std::string& pattern) {
  Result<PythonRegex> regex = PythonRegex::compile(pattern, "test");
  if (!regex) throw std::runtime_error(describe(regex.error()));
  return std::move(*regex);
}

std::vector<std::string> groups(const Json& found) {
  if (found.is_string()) return {found.get<std::string>()};
  return found.get<std::vector<std::string>>();
}

TEST(PythonRegex, FindsAndRemovesWhatPythonDoes) {
  for (const Json& expected : test::golden("python_regex.json")) {
    SCOPED_TRACE(expected.dump());
    const PythonRegex regex = compiled(expected["pattern"]);
    const std::string text = expected["text"];
    const Json& all = expected["findall"];
    const int count = static_cast<int>(all.size());
    for (int i = 0; i < count; ++i) {
      EXPECT_EQ(regex.find(text, i), groups(all[static_cast<size_t>(i)]));
      EXPECT_EQ(regex.find(text, i - count), groups(all[static_cast<size_t>(i)]));
    }
    EXPECT_EQ(regex.find(text, count), std::nullopt);
    EXPECT_EQ(regex.find(text, -count - 1), std::nullopt);
    EXPECT_EQ(regex.remove_from(text), expected["sub"].get<std::string>());
    std::vector<PythonRegex::Found> found;
    for (const Json& match : all) found.push_back(groups(match));
    EXPECT_EQ(regex.find_all(text), found);
  }
}

TEST(PythonRegex, RefusesWhatPythonDoesNotKnow) {
  for (const char* pattern : {"(", "[a", "a\\Kb", "\\Qx\\E", "(?R)", "(*LIMIT_MATCH=1)a", "(?|a|b)", "(?C1)a",
                              "\\R", "*a", "\\", "\\u12", "\\x4", "(?P>x)", "(?&x)", "\\g{1}", "(?1)"}) {
    const Result<PythonRegex> regex = PythonRegex::compile(pattern, "task.yaml:7");
    ASSERT_FALSE(regex) << pattern;
    EXPECT_EQ(regex.error().place, "task.yaml:7");
    EXPECT_NE(regex.error().message.find("the pattern '"), std::string::npos) << regex.error().message;
  }
  EXPECT_FALSE(PythonRegex::compile(std::string(100'000, '('), "x"));
  EXPECT_FALSE(PythonRegex::compile(std::string(5'000, '('), "x"));
}

// Each of these takes hours without a limit. The long one is quadratic over start positions, which the match
// limit of PCRE2 alone does not see.
TEST(PythonRegex, GivesUpOnHostilePatternsAndTexts) {
  EXPECT_EQ(compiled("(a+)+$").find(std::string(60, 'a') + "b", 0), std::nullopt);
  EXPECT_EQ(compiled("(?:a|aa)+$").find(std::string(200, 'a') + "b", 0), std::nullopt);
  EXPECT_EQ(compiled("[a-z ]*x1").find(std::string(1'000'000, 'a'), 0), std::nullopt);
  EXPECT_EQ(compiled("\\d*x").find(std::string(1'000'000, '7'), 0), std::nullopt);
  const std::string text = std::string(60, 'a') + "b";
  EXPECT_EQ(compiled("(a+)+$").remove_from(text), text);
}

TEST(PythonRegex, LongHonestTextsAreWithinTheLimit) {
  const std::string text = std::string(200'000, 'x') + "\n#### 42";
  EXPECT_EQ(compiled(R"(#### (\-?[0-9\.\,]+))").find(text, 0), PythonRegex::Found{"42"});
  EXPECT_EQ(compiled("(?s).*#### ").remove_from(text), "42");
  std::string numbers;
  for (int i = 0; i < 20'000; ++i) numbers += std::to_string(i) + " and ";
  EXPECT_EQ(compiled("(-?[$0-9.,]{2,})|(-?[0-9]+)").find(numbers, -1), (PythonRegex::Found{"19999", ""}));
}

TEST(PythonRegex, ReplacementsStandForThemselves) {
  EXPECT_EQ(compiled("(a)b?").replace_in("ab, a, b", "\\1$1"), "\\1$1, \\1$1, b");
  EXPECT_EQ(compiled("x*").replace_in("axb", "-"), "-a--b-");
}

TEST(PythonRandom, DrawsWhatPythonDraws) {
  for (const Json& expected : test::golden("python_random.json")) {
    PythonRandom random(1234);
    for (const Json& draw : expected["draws"]) {
      EXPECT_EQ(random.sample(expected["population"], expected["count"]), draw.get<std::vector<size_t>>())
          << expected["population"];
    }
  }
}

TEST(PythonLiteral, ReadsWhatPythonReads) {
  const Json golden = test::golden("python_literals.json");
  for (const Json& expected : golden["values"]) {
    const std::optional<Json> value = parse_python_literal(expected["text"].get<std::string>());
    ASSERT_TRUE(value) << expected["text"];
    EXPECT_EQ(*value, expected["value"]) << expected["text"];
  }
  for (const Json& text : golden["refused"])
    EXPECT_FALSE(parse_python_literal(text.get<std::string>())) << text;
  EXPECT_FALSE(parse_python_literal(std::string(100'000, '[')));
}

TEST(NearestName, FindsTyposAndNothingElse) {
  const std::vector<std::string> known = {"doc_to_text", "doc_to_target", "task"};
  EXPECT_EQ(nearest_name("doc_to_txt", known), "doc_to_text");
  EXPECT_EQ(nearest_name("tsk", known), "task");
  EXPECT_EQ(nearest_name("completely_else", known), "");
  EXPECT_EQ(nearest_name(std::string(1'000'000, 'x'), known), "");
}

}  // namespace
}  // namespace sizeup
