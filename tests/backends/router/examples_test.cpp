// The examples of docs/route.md decide as sizeup does.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <sstream>

#include "backends/router/route_policy.h"
#include "core/json/json.h"
#include "core/random/counter_random.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

RouteFeature feature(const std::string& name) {
  return RouteFeature::parse(name).value();
}

// Every kind of feature, some of it unknown now and then.
struct Asked {
  std::map<std::string, std::string> slices;
  RouteFacts facts;
  Json line = Json::object();
};

void fill(Asked& asked, uint64_t i) {
  const auto chance = [&](uint64_t stream) { return uniform(99, stream, i); };
  if (chance(0) < 0.9) asked.line["confidence"] = asked.facts.confidence = chance(1);
  if (chance(2) < 0.9) asked.line["input_tokens"] = asked.facts.input_tokens = std::floor(400.0 * chance(3));
  asked.line["output_tokens"] = asked.facts.output_tokens = std::floor(40.0 * chance(4));
  asked.line["task"] = chance(5) < 0.5 ? "helpdesk" : "other";
  asked.facts.task = chance(5) < 0.5 ? "helpdesk" : "other";
  if (chance(6) < 0.9) {
    asked.slices["language"] = chance(7) < 0.5 ? "de" : "en";
    asked.line["slices"] = asked.slices;
    asked.facts.slices = &asked.slices;
  }
  asked.line["found"] = Json::array();
  for (size_t r = 0; r < kRejections.size(); ++r) {
    if (chance(8 + r) > 0.1) continue;
    asked.facts.rejections |= uint32_t{1} << r;
    asked.line["found"].push_back(std::string(kRejections[r]));
  }
}

std::vector<RoutePolicy> policies() {
  RoutePolicy simple;
  simple.scorer.weights = {{feature("confidence"), 1.0}};
  simple.threshold = 0.6;
  RoutePolicy learned;
  learned.scorer = {.logistic = true,
                    .intercept = 0.3,
                    .weights = {{feature("confidence_logit"), 0.8},
                                {feature("confidence_missing"), -1.0},
                                {feature("log_input_tokens"), -0.2},
                                {feature("log_output_tokens"), 0.1},
                                {feature("invalid"), -2.0},
                                {feature("task:helpdesk"), 0.7},
                                {feature("slice:language=de"), -0.9}}};
  learned.threshold = 0.5;
  learned.rejections = {find_rejection("truncated").value()};
  RoutePolicy everything = simple;
  everything.threshold = std::numeric_limits<double>::infinity();
  return {simple, learned, everything};
}

class PolicyExamples : public testing::TestWithParam<const char*> {};

TEST_P(PolicyExamples, DecideAsTheProgramDoes) {
  const std::string python = "python3 " + source_path("docs/examples/apply_policy.py").string();
  const std::string command = std::string(GetParam()) == "python" ? python : APPLY_POLICY;
  if (GetParam() == std::string("python") && std::system("python3 -c 0") != 0) GTEST_SKIP() << "no python3";
  const TemporaryFolder folder;
  std::vector<Asked> asked(300);
  std::string lines;
  for (uint64_t i = 0; i < asked.size(); ++i) {
    fill(asked[i], i);
    lines += to_line(asked[i].line) + "\n";
  }
  const auto input = folder.write("requests.jsonl", lines);
  for (const RoutePolicy& policy : policies()) {
    const auto file = folder.write("policy.json", to_route_policy_text(policy));
    const auto output = folder.path() / "decisions.txt";
    ASSERT_EQ(std::system(
                  (command + " " + file.string() + " < " + input.string() + " > " + output.string()).c_str()),
              0);
    std::istringstream decisions(read_whole(output));
    int large = 0;
    for (const Asked& one : asked) {
      std::string decision;
      ASSERT_TRUE(std::getline(decisions, decision));
      EXPECT_EQ(decision, policy.sends_on(one.facts) ? "large" : "small") << to_line(one.line);
      large += decision == "large" ? 1 : 0;
    }
    EXPECT_GT(large, 50);
    EXPECT_TRUE(large < 250 || std::isinf(policy.threshold)) << large;
  }
}

INSTANTIATE_TEST_SUITE_P(Languages, PolicyExamples, testing::Values("python", "cpp"),
                         [](const auto& language) { return std::string(language.param); });

}  // namespace
}  // namespace sizeup
