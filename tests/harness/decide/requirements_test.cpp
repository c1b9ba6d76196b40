#include "harness/decide/requirements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sizeup {
namespace {

using testing::HasSubstr;

TEST(Requirements, AllOfIt) {
  const Requirements r = parse_requirements(
                             "margin: {helpdesk: 0.02}\n"
                             "minimum: 0.85\n"
                             "p95_ms: 800\n"
                             "cost: {per_month: 500, currency: EUR, requests_per_month: 1e5}\n"
                             "memory: 8 GB\n"
                             "local_only: true\n"
                             "prefer: fastest\n",
                             "job.yaml")
                             .value();
  EXPECT_EQ(r.source, "job.yaml");
  EXPECT_FALSE(r.margin.has_value());
  EXPECT_EQ(r.margins.at("helpdesk"), 0.02);
  EXPECT_EQ(r.minimum, 0.85);
  EXPECT_EQ(r.p95_ms, 800.0);
  EXPECT_EQ(r.budget->amount, 500.0);
  EXPECT_EQ(r.budget->currency, "EUR");
  EXPECT_EQ(r.budget->requests, 100'000.0);
  EXPECT_EQ(r.memory_bytes, 8'000'000'000);
  EXPECT_TRUE(r.local_only);
  EXPECT_EQ(r.prefer, Preference::fastest);
}

TEST(Requirements, SizesOfMemory) {
  const auto memory = [](const std::string& text) {
    return parse_requirements("memory: " + text, "r.yaml").value().memory_bytes;
  };
  EXPECT_EQ(memory("512MB"), 512'000'000);
  EXPECT_EQ(memory("1.5 GB"), 1'500'000'000);
  EXPECT_EQ(memory("4096"), 4096);
}

struct Mistake {
  const char* text;
  const char* place;
  const char* words;
};

TEST(Requirements, MistakesAreNamedWithTheirLine) {
  for (const Mistake& c : std::vector<Mistake>{
           {"p95_ms: 800\nmemroy: 8 GB\n", "r.yaml:2", "did you mean 'memory'"},
           {"speed: 1\n", "r.yaml:1", "one of margin, minimum, p95_ms"},
           {"margin: 2\n", "r.yaml:1", "from 1e-06 to 1"},
           {"margin: {a: yes}\n", "r.yaml:1", "'a' is 'yes'"},
           {"memory: 8 GiB\n", "r.yaml:1", "8 GB or 512 MB"},
           {"memory: .GB\n", "r.yaml:1", "8 GB or 512 MB"},
           {"memory: [1]\n", "r.yaml:1", "no size"},
           {"cost: {per_month: 5}\n", "r.yaml:1", "has no currency"},
           {"cost: {per_month: .nan, currency: EUR, requests_per_month: 1}\n", "r.yaml:1", "'per_month' is"},
           {"local_only: 3\n", "r.yaml:1", "true or false"},
           {"prefer: best\n", "r.yaml:1", "smallest, cheapest or fastest"},
           {"- margin\n", "r.yaml:1", "no mapping"},
           {"", "r.yaml", "empty"},
       }) {
    SCOPED_TRACE(c.text);
    const Result<Requirements> r = parse_requirements(c.text, "r.yaml");
    ASSERT_FALSE(r.has_value());
    EXPECT_EQ(r.error().kind, ErrorKind::bad_input);
    EXPECT_THAT(describe(r.error()), HasSubstr(c.place));
    EXPECT_THAT(describe(r.error()), HasSubstr(c.words));
  }
}

}  // namespace
}  // namespace sizeup
