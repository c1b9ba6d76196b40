#include "harness/load/scenario.h"

#include <gmock/gmock.h>

namespace sizeup {
namespace {

using Kind = Scenario::Kind;

TEST(Scenario, TextsAreReadAndWrittenAlike) {
  for (const char* text :
       {"offline", "single", "concurrent:1", "concurrent:64", "server:2.5", "server:0.01", "server:3:0.25"}) {
    const Result<Scenario> scenario = parse_scenario(text);
    ASSERT_TRUE(scenario.has_value()) << text;
    EXPECT_EQ(name_of(*scenario), text);
  }
  EXPECT_EQ(*parse_scenario("server:2:3"), (Scenario{.kind = Kind::server, .qps = 2, .burstiness = 3}));
  EXPECT_EQ(*parse_scenario("concurrent:8"), (Scenario{.kind = Kind::concurrent, .streams = 8}));
  EXPECT_EQ(parse_scenario("server:4:1").value(), parse_scenario("server:4").value());
}

TEST(Scenario, OtherTextsAreErrorsThatSayWhatThereIs) {
  for (const char* text : {"",
                           "Single",
                           "single:1",
                           "offline:2",
                           "concurrent",
                           "concurrent:",
                           "concurrent:0",
                           "concurrent:-1",
                           "concurrent:2.5",
                           "concurrent:8x",
                           "concurrent:99999999999",
                           "server",
                           "server:",
                           "server:0",
                           "server:-1",
                           "server:nan",
                           "server:inf",
                           "server:1:",
                           "server:1:0",
                           "server:1:2:3",
                           "server:2 "}) {
    const Result<Scenario> scenario = parse_scenario(text);
    ASSERT_FALSE(scenario.has_value()) << text;
    EXPECT_EQ(scenario.error().kind, ErrorKind::usage);
    EXPECT_THAT(describe(scenario.error()), testing::HasSubstr("concurrent:STREAMS"));
  }
}

}  // namespace
}  // namespace sizeup
