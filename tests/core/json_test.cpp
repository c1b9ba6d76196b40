#include "core/json/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sizeup {
namespace {

TEST(ParseJson, KeepsTheOrderOfKeys) {
  const auto value = parse_json(R"({"b": 1, "a": [true, null]})", "x.json");
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(to_line(*value), R"({"b":1,"a":[true,null]})");
  EXPECT_EQ(to_canonical(*value), R"({"a":[true,null],"b":1})");
}

TEST(ParseJson, NamesPlaceLineAndColumnOfAnError) {
  const auto value = parse_json("{\n  \"a\": 1,\n  oops\n}", "x.json");
  ASSERT_FALSE(value.has_value());
  EXPECT_EQ(value.error().place, "x.json");
  EXPECT_THAT(value.error().message, testing::HasSubstr("line 3, column 3"));
  EXPECT_THAT(parse_json("{\"a\": }", "x.jsonl:7").error().message, testing::HasSubstr("column 7"));
  EXPECT_FALSE(parse_json("", "x.json").has_value());
  EXPECT_FALSE(parse_json("{} {}", "x.json").has_value());
}

TEST(ParseJson, RefusesWhatWouldExhaustTheStack) {
  const std::string deep(100000, '[');
  EXPECT_THAT(parse_json(deep, "x.json").error().message, testing::HasSubstr("nested too deeply"));
  // Brackets inside a string are text, escaped quotes included.
  EXPECT_TRUE(
      parse_json("\"" + std::string(500, '[') + "\\\"" + std::string(500, '{') + "\"", "x").has_value());
}

TEST(ToLine, ReplacesInvalidUtf8) {
  EXPECT_EQ(to_line(Json("a\xff")), "\"a\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace sizeup
