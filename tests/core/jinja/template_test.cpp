// What the golden file cannot hold: errors' places, limits against hostile templates, 64-bit integers,
// threads.
#include "core/jinja/template.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "core/json/json.h"

namespace sizeup {
namespace {

Result<std::string> render(std::string_view source, const Json& variables = Json::object(),
                           TemplateSettings settings = TemplateSettings::chat("2026-01-15T09:30:00")) {
  auto parsed = Template::parse(source, settings, "page");
  if (!parsed) return tl::unexpected<Error>(parsed.error());
  return parsed->render(variables);
}

std::string message_of(std::string_view source, const Json& variables = Json::object()) {
  const auto text = render(source, variables);
  return text ? "rendered: " + *text : text.error().message;
}

TEST(TemplateErrors, NameFileAndLine) {
  const auto syntax = Template::parse("a\nb\n{{ 1 + }}\n", TemplateSettings::prompt(), "task.yaml");
  ASSERT_FALSE(syntax.has_value());
  EXPECT_EQ(syntax.error().place, "task.yaml:3");
  EXPECT_EQ(syntax.error().kind, ErrorKind::bad_input);
  const auto missing = render("a\n{{ ok }}\n\n{{ wrong.deep }}", Json{{"ok", 1}});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().place, "page:4");
  EXPECT_EQ(missing.error().message, "'wrong' is undefined");
}

TEST(TemplateErrors, WhatIsMissingIsSaid) {
  for (const char* source :
       {"{% include 'x' %}", "{{ 'a' | urlize }}", "{{ lipsum() }}", "{{ 'a'.translate({}) }}"}) {
    EXPECT_NE(message_of(source).find("not supported yet"), std::string::npos)
        << source << message_of(source);
  }
}

TEST(TemplateErrors, PythonsMessages) {
  EXPECT_EQ(message_of("{{ x.a.b }}", Json{{"x", Json::object()}}), "'dict object' has no attribute 'a'");
  EXPECT_EQ(message_of("{{ [1][5].b }}"), "list object has no element 5");
  EXPECT_EQ(message_of("{{ 1 + 'a' }}"), "unsupported operand type(s) for +: 'int' and 'str'");
  EXPECT_EQ(message_of("{{ raise_exception('roles must alternate') }}"), "roles must alternate");
}

TEST(TemplateIntegers, OverflowIsAnError) {
  EXPECT_EQ(render("{{ 9223372036854775807 }}").value(), "9223372036854775807");
  EXPECT_EQ(render("{{ -9223372036854775807 - 1 }}").value(), "-9223372036854775808");
  for (const char* source : {"{{ 9223372036854775807 + 1 }}", "{{ 9223372036854775808 }}", "{{ 2 ** 63 }}",
                             "{{ (-9223372036854775807 - 1) // -1 }}", "{{ -(-9223372036854775807 - 1) }}",
                             "{{ (-9223372036854775807 - 1) | abs }}", "{{ '9223372036854775808' | int }}",
                             "{{ 1e19 | int }}", "{{ 3037000500 * 3037000500 }}"}) {
    EXPECT_NE(message_of(source).find("64 bits"), std::string::npos) << source << ": " << message_of(source);
  }
  EXPECT_EQ(render("{{ (-9223372036854775807 - 1) % -1 }}").value(), "0");
  EXPECT_FALSE(render("{{ x }}", Json{{"x", 18446744073709551615ull}}).has_value());
}

TEST(TemplateSettingsTest, PromptsKeepTheFinalNewlineAndAreStrict) {
  EXPECT_EQ(render("a\n", Json::object(), TemplateSettings::prompt()).value(), "a\n");
  EXPECT_EQ(render("a\n").value(), "a");
  EXPECT_FALSE(render("{{ x }}", Json::object(), TemplateSettings::prompt()).has_value());
  EXPECT_EQ(render("{{ x }}").value(), "");
}

TEST(TemplateTime, ComesFromTheSettings) {
  EXPECT_EQ(render("{{ strftime_now('%d %b %Y') }}").value(), "15 Jan 2026");
  EXPECT_FALSE(
      render("{{ strftime_now('%Y') }}", Json::object(), TemplateSettings::chat("yesterday")).has_value());
  EXPECT_FALSE(
      render("{{ strftime_now('%Y') }}", Json::object(), TemplateSettings::chat("2026-13-01")).has_value());
  EXPECT_EQ(
      render("{{ strftime_now('%H%M%S') }}", Json::object(), TemplateSettings::chat("2026-01-15")).value(),
      "000000");
}

// Each of these would exhaust memory, time or the stack without a limit.
TEST(TemplateLimits, HostileTemplatesAreRefused) {
  const char* sources[] = {
      "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
      "{{ 'a' * 1000000000000 }}",
      "{{ [1] * 1000000000000 }}",
      "{{ 'a' * 9223372036854775807 * 2 }}",
      "{{ '%1000000000d' % 1 }}",
      "{{ '%.1000000000f' % 1.5 }}",
      "{{ 'a' | center(100000000000) }}",
      "{{ 'a'.rjust(9223372036854775807, '\u00e9') }}",
      "{{ 'a'.zfill(100000000000) }}",
      "{{ ('\t' * 100000).expandtabs(100000) }}",
      "{{ 'a' | indent(100000000000, true) }}",
      "{{ [1] | tojson(indent=100000000000) }}",
      "{{ 'a' | batch(100000000000, 'x') | list }}",
      "{{ range(100001) }}",
      "{{ ('a' * 1000000) | replace('', 'b' * 1000000) }}",
      "{{ ['a'] * 100000 | join('b' * 100000) }}",
      "{{ (['a'] * 100000) | join('b' * 100000) }}",
      "{% set ns = namespace(s='a') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
      // Small in memory, exponentially large when walked.
      "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ "
      "ns.s }}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ "
      "ns.s | tojson }}",
      "{% set a = namespace(s=[1]) %}{% set b = namespace(s=[1]) %}{% for i in range(100) %}{% set a.s = "
      "[a.s, a.s] %}"
      "{% set b.s = [b.s, b.s] %}{% endfor %}{{ a.s == b.s }}",
      // Deep.
      "{% set ns = namespace(s=[]) %}{% for i in range(100000) %}{% set ns.s = [ns.s] %}{% endfor %}",
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% for x in [[]] recursive %}{{ loop([x]) }}{% endfor %}",
      "{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}",
  };
  TemplateSettings settings = TemplateSettings::chat("");
  settings.max_steps = 1'000'000;  // as refused as with more, only sooner
  for (const char* source : sources) {
    EXPECT_FALSE(render(source, Json::object(), settings).has_value()) << source;
  }
}

TEST(TemplateLimits, DeepSourcesAreRefused) {
  const auto repeated = [](std::string_view part, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += part;
    return out;
  };
  constexpr int kTimes = 100'000;
  EXPECT_FALSE(render("{{ " + repeated("(", kTimes) + "1" + repeated(")", kTimes) + " }}").has_value());
  EXPECT_FALSE(render("{{ " + repeated("[", kTimes) + repeated("]", kTimes) + " }}").has_value());
  EXPECT_FALSE(render("{{ " + repeated("not ", kTimes) + "1 }}").has_value());
  EXPECT_FALSE(render("{{ " + repeated("-", kTimes) + "1 }}").has_value());
  EXPECT_FALSE(render("{{ 1" + repeated(" + 1", kTimes) + " }}").has_value());
  EXPECT_FALSE(render("{{ a" + repeated(".a", kTimes) + " }}").has_value());
  EXPECT_FALSE(render("{{ a" + repeated(" | upper", kTimes) + " }}").has_value());
  EXPECT_FALSE(render("{{ a" + repeated(" is defined", kTimes) + " }}").has_value());
  EXPECT_FALSE(render("{{ a" + repeated(" if a else a", kTimes) + " }}").has_value());
  EXPECT_FALSE(render(repeated("{% if 1 %}", kTimes) + repeated("{% endif %}", kTimes)).has_value());
  EXPECT_FALSE(
      render("{% for " + repeated("(", kTimes) + "a" + repeated(")", kTimes) + " in b %}{% endfor %}")
          .has_value());
  EXPECT_FALSE(
      render("{% set " + repeated("(", kTimes) + "a" + repeated(",)", kTimes) + " = 1 %}").has_value());
  EXPECT_EQ(render("{{ 1" + repeated(" ~ 1", 1000) + " }}").value().size(), 1001u);  // a list, not a tree
}

// A chain of namespaces is as long as a template likes; freeing it must not recurse.
TEST(TemplateLimits, LongChainsOfNamespacesAreFreed) {
  EXPECT_EQ(
      render(
          "{% set ns = namespace() %}{% for i in range(100000) %}{% set ns.next = namespace(old=ns.next) %}"
          "{% endfor %}done")
          .value(),
      "done");
}

TEST(TemplateLimits, StepsAndOutputAreBoundedBySettings) {
  TemplateSettings settings = TemplateSettings::chat("");
  settings.max_steps = 1000;
  EXPECT_TRUE(render("{% for i in range(100) %}x{% endfor %}", Json::object(), settings).has_value());
  EXPECT_FALSE(render("{% for i in range(1000) %}x{% endfor %}", Json::object(), settings).has_value());
  settings = TemplateSettings::chat("");
  settings.max_output_bytes = 10;
  EXPECT_TRUE(render("0123456789", Json::object(), settings).has_value());
  EXPECT_FALSE(render("0123456789a", Json::object(), settings).has_value());
}

TEST(TemplateInput, InvalidUtf8AndNonObjectsAreRefused) {
  EXPECT_FALSE(render("\xff").has_value());
  EXPECT_FALSE(render("x", Json::array()).has_value());
}

TEST(TemplateThreads, RenderIsSafeFromSeveralThreads) {
  const auto parsed = Template::parse(
      "{% macro m(x) %}{{ x }}{% endmacro %}{% for i in range(50) %}{{ m(i) }}{% endfor %}{{ n }}",
      TemplateSettings::prompt(), "page");
  ASSERT_TRUE(parsed.has_value());
  std::vector<std::string> texts(4);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 50; ++round)
        texts[static_cast<size_t>(i)] = parsed->render(Json{{"n", i}}).value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(texts[i].ends_with("4849" + std::to_string(i))) << texts[i];
}

}  // namespace
}  // namespace sizeup
