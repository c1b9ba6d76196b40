// Every case of tests/golden/jinja, which Jinja2 itself made (tests/oracles/jinja_golden.py).
#include <gtest/gtest.h>

#include <sstream>

#include "core/jinja/template.h"
#include "core/json/json.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

Result<std::string> render(const Json& test, const Json& header) {
  const auto settings = test["chat"].get<bool>() ? TemplateSettings::chat(header["now"].get<std::string>())
                                                 : TemplateSettings::prompt();
  const auto parsed = Template::parse(test["template"].get<std::string>(), settings, "case");
  if (!parsed) return tl::unexpected<Error>(parsed.error());
  return parsed->render(header["variables"]);
}

void check(const Json& test, const Result<std::string>& text) {
  if (test.contains("expected")) {
    ASSERT_TRUE(text.has_value()) << describe(text.error());
    EXPECT_EQ(*text, test["expected"].get<std::string>());
    return;
  }
  ASSERT_FALSE(text.has_value()) << "gave " << *text << ", Jinja2 raises " << test["raises"];
  EXPECT_EQ(text.error().message.find("not supported yet"), std::string::npos) << text.error().message;
  if (test.contains("line")) {
    EXPECT_EQ(text.error().place, "case:" + std::to_string(test["line"].get<int>())) << text.error().message;
  }
}

int check_file(const std::string& name) {
  std::istringstream lines(read_whole(golden_folder() / "jinja" / name));
  std::string line;
  std::getline(lines, line);
  const Json header = Json::parse(line);
  int cases = 0;
  for (; std::getline(lines, line); ++cases) {
    const Json test = Json::parse(line);
    SCOPED_TRACE(name + ":" + std::to_string(cases + 2) + ": " + test["template"].get<std::string>());
    check(test, render(test, header));
  }
  return cases;
}

TEST(JinjaGolden, EveryWrittenTemplateGivesWhatJinja2Gives) {
  EXPECT_GT(check_file("cases.jsonl"), 1000);
}

TEST(JinjaGolden, RandomExpressionsGiveWhatJinja2Gives) {
  EXPECT_EQ(check_file("random.jsonl"), 2000);
}

}  // namespace
}  // namespace sizeup
