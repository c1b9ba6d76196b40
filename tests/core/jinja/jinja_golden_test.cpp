// Every case of tests/golden/jinja/cases.jsonl, which Jinja2 itself made (tests/oracles/jinja_golden.py).
#include <gtest/gtest.h>

#include <sstream>

#include "core/io/file.h"
#include "core/jinja/template.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

TEST(JinjaGolden, EveryCaseGivesWhatJinja2Gives) {
  const auto content = read_file(SIZEUP_SOURCE_DIR "/tests/golden/jinja/cases.jsonl");
  ASSERT_TRUE(content.has_value());
  std::istringstream lines(*content);
  std::string line;
  std::getline(lines, line);
  const auto header = parse_json(line, "cases.jsonl:1");
  ASSERT_TRUE(header.has_value());
  int cases = 0;
  for (int number = 2; std::getline(lines, line); ++number, ++cases) {
    const auto test = parse_json(line, "cases.jsonl");
    ASSERT_TRUE(test.has_value()) << number;
    const auto settings = (*test)["chat"].get<bool>()
                              ? TemplateSettings::chat((*header)["now"].get<std::string>())
                              : TemplateSettings::prompt();
    const auto source = (*test)["template"].get<std::string>();
    const auto parsed = Template::parse(source, settings, "case");
    Result<std::string> text = std::string();
    if (parsed) {
      text = parsed->render((*header)["variables"]);
    } else {
      text = tl::unexpected<Error>(parsed.error());
    }
    if (test->contains("raises")) {
      EXPECT_FALSE(text.has_value()) << "line " << number << ": " << source << "\ngave "
                                     << (text ? *text : "");
      if (text) continue;
      EXPECT_EQ(text.error().message.find("not supported yet"), std::string::npos) << source;
    } else {
      ASSERT_TRUE(text.has_value()) << "line " << number << ": " << source << "\n" << describe(text.error());
      EXPECT_EQ(*text, (*test)["expected"].get<std::string>()) << "line " << number << ": " << source;
    }
  }
  EXPECT_GT(cases, 1000);
}

}  // namespace
}  // namespace sizeup
