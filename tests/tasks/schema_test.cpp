// JSON Schemas against the jsonschema package (golden: tests/oracles/tasks_schema.py), and hostile values.
#include "tasks/schema.h"

#include "tests/tasks/support.h"

namespace sizeup {
namespace {

Schema parsed(const Json& written) {
  Result<Schema> schema = Schema::parse(test::yaml(to_line(written)));
  if (!schema) throw std::runtime_error(describe(schema.error()));
  return std::move(*schema);
}

TEST(Schema, AcceptsWhatTheStandardAccepts) {
  const Json golden = test::golden("schemas.json");
  for (const Json& row : golden["schemas"]) {
    const Schema schema = parsed(row["schema"]);
    const std::string fits = row["fits"];
    for (size_t i = 0; i < fits.size(); ++i) {
      EXPECT_EQ(schema.accepts(golden["values"][i]), fits[i] == '1')
          << to_line(row["schema"]) << " " << to_line(golden["values"][i]);
    }
  }
}

// A member may well be called x-type; the keyword is ours alone, at any depth.
TEST(Schema, OthersGetItWithoutOurKeyword) {
  const Schema schema = parsed(Json::parse(R"({
    "$defs": {"amount": {"type": "string", "x-type": "money"}},
    "properties": {"x-type": {"type": "string", "x-type": "date"}, "total": {"$ref": "#/$defs/amount"}},
    "anyOf": [{"items": {"x-type": "text"}}, true],
    "enum": [{"x-type": "money"}], "required": ["x-type"]})"));
  EXPECT_EQ(to_line(schema.standard()), to_line(Json::parse(R"({
    "$defs": {"amount": {"type": "string"}},
    "properties": {"x-type": {"type": "string"}, "total": {"$ref": "#/$defs/amount"}},
    "anyOf": [{"items": {}}, true],
    "enum": [{"x-type": "money"}], "required": ["x-type"]})")));
  EXPECT_EQ(schema.type_of({"total"}), ValueType::money) << "the schema itself stays";
}

TEST(Schema, TypesAreFoundThroughReferences) {
  const Schema schema = parsed(Json::parse(R"({
    "$defs": {"amount": {"type": "string", "x-type": "money"}},
    "properties": {
      "total": {"$ref": "#/$defs/amount"},
      "count": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
      "lines": {"items": {"allOf": [{"properties": {"price": {"$ref": "#/$defs/amount"}, "name": {}}}]}}}})"));
  EXPECT_EQ(schema.type_of({"total"}), ValueType::money);
  EXPECT_EQ(schema.type_of({"count"}), ValueType::number);
  EXPECT_EQ(schema.type_of({"lines", "3", "price"}), ValueType::money);
  EXPECT_EQ(schema.type_of({"lines", "0", "name"}), ValueType::text);
  EXPECT_EQ(schema.type_of({"other", "0"}), ValueType::text);
}

// What an answer of 128 KiB can hold: a long text for a pattern, deep nesting for a schema that refers to
// itself in two ways at once, many items to compare.
TEST(Schema, HostileValuesAreDecided) {
  EXPECT_TRUE(parsed({{"pattern", "^(a|b)*$"}}).accepts(std::string(1 << 17, 'a')));
  EXPECT_FALSE(parsed({{"pattern", "(a+)+$"}}).accepts(std::string(1 << 10, 'a') + "b"));
  const Json twice = Json::parse(
      R"({"anyOf": [{"type": "object", "additionalProperties": {"$ref": "#"}, "required": ["x"]},
                    {"type": "object", "additionalProperties": {"$ref": "#"}, "required": ["y"]}]})");
  Json deep = Json::object();
  for (int i = 0; i < 190; ++i) deep = Json{{"x", std::move(deep)}, {"y", 1}};
  EXPECT_FALSE(parsed(twice).accepts(deep));
  Json items = Json::array();
  for (int i = 0; i < 20'000; ++i) items.push_back(Json::array({i % 19'999}));
  EXPECT_FALSE(parsed({{"uniqueItems", true}}).accepts(items));
}

}  // namespace
}  // namespace sizeup
