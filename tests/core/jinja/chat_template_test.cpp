// Published chat templates against texts that transformers' settings of Jinja2 gave for them.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "core/jinja/template.h"
#include "core/json/json.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

constexpr const char* kNow = "2026-01-15T09:30:00";  // when the texts were made

// The templates that must render exactly: a name a line.
std::set<std::string> complete_templates() {
  std::istringstream lines(read_whole(golden_folder() / "jinja/chat_templates.txt"));
  std::set<std::string> names;
  for (std::string name; std::getline(lines, name);) names.insert(name);
  return names;
}

// What apply_chat_template was given; what was null was not passed.
Json variables_of(const Json& test) {
  Json variables = Json::object();
  for (const char* name : {"messages", "tools", "add_generation_prompt", "bos_token", "eos_token"}) {
    if (test.contains(name) && !test[name].is_null()) variables[name] = test[name];
  }
  return variables;
}

void check_case(const Template& chat_template, const Json& test, bool must_be_exact,
                const std::string& label) {
  const auto text = chat_template.render(variables_of(test));
  if (!text && text.error().message.find("not supported yet") != std::string::npos) {
    EXPECT_FALSE(must_be_exact) << label << ": " << describe(text.error());
    return;
  }
  if (test.contains("expected")) {
    ASSERT_TRUE(text.has_value()) << label << ": " << describe(text.error());
    EXPECT_EQ(*text, test["expected"].get<std::string>()) << label;
  } else {
    EXPECT_FALSE(text.has_value()) << label << " must be refused: " << test["raises"];
  }
}

TEST(ChatTemplates, PublishedOnesRenderExactlyOrSayWhatIsMissing) {
  const auto folder = shared_folder() / "chat_templates";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder;
  std::set<std::string> complete = complete_templates();
  ASSERT_FALSE(complete.empty());
  for (const auto& entry : std::filesystem::directory_iterator(folder / "rendered")) {
    const std::string name = entry.path().stem().string();
    const bool must_be_exact = complete.erase(name) > 0;
    const auto source = read_file(folder / "templates" / (name + ".jinja"));
    ASSERT_TRUE(source.has_value()) << name;
    const auto parsed = Template::parse(*source, TemplateSettings::chat(kNow), name);
    if (!parsed) {
      EXPECT_FALSE(must_be_exact) << describe(parsed.error());
      EXPECT_NE(parsed.error().message.find("not supported yet"), std::string::npos)
          << describe(parsed.error());
      continue;
    }
    const auto tests = parse_json(read_file(entry.path()).value(), name);
    ASSERT_TRUE(tests.has_value());
    ASSERT_FALSE(tests->empty()) << name;
    for (const Json& test : *tests)
      check_case(*parsed, test, must_be_exact, name + " " + test["id"].get<std::string>());
  }
  EXPECT_TRUE(complete.empty()) << *complete.begin() << " is listed but has no rendered texts";
}

// The texts that llama.cpp publishes beside its templates, as Python's Jinja2 renders them.
TEST(ChatTemplates, LlamaCppCasesMatchJinja2) {
  const auto file = shared_folder() / "chat_templates" / "llama_cpp_cases.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file;
  const auto tests = parse_json(read_file(file).value(), "llama_cpp_cases.json");
  ASSERT_TRUE(tests.has_value());
  for (const Json& test : *tests) {
    const auto name = test["name"].get<std::string>();
    const auto parsed =
        Template::parse(test["template"].get<std::string>(), TemplateSettings::chat(kNow), name);
    ASSERT_TRUE(parsed.has_value()) << describe(parsed.error());
    const auto text = parsed->render(variables_of(test));
    if (!test["jinja2_python"].is_string()) {
      EXPECT_FALSE(text.has_value()) << name;
    } else {
      ASSERT_TRUE(text.has_value()) << describe(text.error());
      EXPECT_EQ(*text, test["jinja2_python"].get<std::string>()) << name;
    }
  }
}

}  // namespace
}  // namespace sizeup
