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

TEST(ParseJson, RefusesNumbersThatNoDoubleHolds) {
  EXPECT_THAT(parse_json("[1e999]", "x.json").error().message, testing::HasSubstr("out of range"));
  EXPECT_THAT(parse_json("{\"a\": -1e999}", "x.json").error().message, testing::HasSubstr("out of range"));
}

TEST(ParseJson, RefusesObjectsThatWouldTakeQuadraticTime) {
  const auto object_of = [](int members) {
    std::string text = "{\"k\": [1,2,3]";
    for (int i = 1; i < members; ++i) text += ",\"" + std::to_string(i) + "\":0";
    return text + "}";
  };
  EXPECT_TRUE(parse_json(object_of(10'000), "x.json").has_value());
  EXPECT_THAT(parse_json(object_of(10'001), "x.json").error().message, testing::HasSubstr("10001 members"));
  std::string list = "[0";
  for (int i = 1; i < 20'000; ++i) list += ",0";
  EXPECT_TRUE(parse_json(list + "]", "x.json").has_value()) << "lists may be long";
}

TEST(ToLine, ReplacesInvalidUtf8) {
  EXPECT_EQ(to_line(Json("a\xff")), "\"a\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace sizeup
