// Records compared field by field.
#include "tasks/metrics/extraction.h"

#include <cmath>

#include "tests/tasks/support.h"

namespace sizeup {
namespace {

constexpr const char* kSchema = R"(type: object
additionalProperties: false
required: [vendor, total, date]
properties:
  vendor: {type: [string, "null"]}
  total: {type: [string, number, "null"], x-type: money}
  date: {type: [string, "null"], x-type: date}
  count: {type: [integer, "null"]}
  paid: {type: boolean}
  currency: {type: [string, "null"], enum: [EUR, USD, null]}
  lines: {type: array, items: {type: object, properties: {price: {type: number}}}}
)";

Schema schema() {
  Result<Schema> parsed = Schema::parse(test::yaml(kSchema));
  if (!parsed) throw std::runtime_error(describe(parsed.error()));
  return std::move(*parsed);
}

const FieldComparison* field(const RecordComparison& record, const std::string& path) {
  for (const FieldComparison& one : record.fields) {
    if (one.path == path) return &one;
  }
  return nullptr;
}

TEST(Extraction, ValuesAreComparedByTheirType) {
  const RecordComparison record = compare_records(
      schema(), R"({"vendor":"Linroton Metals","total":"7364.26","date":"2026-04-02","count":3})",
      R"({"date":"April 2, 2026","vendor":"  linroton METALS","total":7364.260,"count":"3.0"})", "");
  EXPECT_TRUE(record.is_exact);
  EXPECT_FALSE(record.is_valid);  // count is a text there
  EXPECT_EQ(record.fields.size(), 4U);
}

TEST(Extraction, MissingWrongAndExtraFields) {
  const RecordComparison record =
      compare_records(schema(), R"({"vendor":"A","total":"5","date":null,"paid":true})",
                      R"({"vendor":"B","total":null,"date":"2026-01-01","paid":"true","new":1})", "");
  EXPECT_EQ(field(record, "vendor")->verdict, FieldVerdict::wrong);
  EXPECT_EQ(field(record, "total")->verdict, FieldVerdict::missing);
  EXPECT_EQ(field(record, "date")->verdict, FieldVerdict::wrong);  // a value where none is expected
  EXPECT_EQ(field(record, "paid")->verdict, FieldVerdict::wrong);  // the text is no truth value
  EXPECT_EQ(field(record, "new")->verdict, FieldVerdict::wrong);
  EXPECT_FALSE(record.is_exact);
  EXPECT_FALSE(record.is_valid);
}

TEST(Extraction, NullEqualsAbsentButTheSchemaMayRequireTheKey) {
  const RecordComparison record =
      compare_records(schema(), R"({"vendor":"A","total":null,"date":null})", R"({"vendor":"A"})", "");
  EXPECT_TRUE(record.is_exact);
  EXPECT_FALSE(record.is_valid);
}

TEST(Extraction, NestedValuesHavePaths) {
  const RecordComparison record = compare_records(schema(), R"({"lines":[{"price":1.5},{"price":2}]})",
                                                  R"({"lines":[{"price":"1,50"},{"price":3}]})", "");
  EXPECT_EQ(field(record, "lines.0.price")->verdict, FieldVerdict::right);
  EXPECT_EQ(field(record, "lines.1.price")->verdict, FieldVerdict::wrong);
}

TEST(Extraction, FabricatedIsWhatTheSourceNeverSays) {
  const std::string source = "On April 2, 2026 Linroton Metals asked for € 7,364.26.";
  const RecordComparison record = compare_records(
      schema(), R"({"vendor":"Linroton Metals","total":"7364.26","date":"2026-04-02","currency":"EUR"})",
      R"({"vendor":"Linroton Ltd","total":"7364.26","date":"2026-04-03","currency":"EUR","paid":true})",
      source);
  EXPECT_TRUE(field(record, "vendor")->fabricated);
  EXPECT_FALSE(field(record, "total")->fabricated);
  EXPECT_TRUE(field(record, "date")->fabricated);
  EXPECT_FALSE(field(record, "currency")->fabricated);  // written as its sign
  EXPECT_FALSE(field(record, "paid")->checkable);       // a text cannot state true or false
  // Wrong is not fabricated: the value is in the source, only not as this field.
  const RecordComparison swapped =
      compare_records(schema(), R"({"vendor":"Linroton Metals"})", R"({"vendor":"April"})", source);
  EXPECT_EQ(field(swapped, "vendor")->verdict, FieldVerdict::wrong);
  EXPECT_FALSE(field(swapped, "vendor")->fabricated);
}

TEST(Extraction, OtherAnswersHaveNoFields) {
  for (const char* answer :
       {"", "no", "{\"vendor\":", "[]", "3", "null", "{\"vendor\":\"A\"} and more", "\"\\ud800\""}) {
    const RecordComparison record = compare_records(schema(), R"({"vendor":"A"})", answer, "A");
    EXPECT_FALSE(record.is_exact) << answer;
    ASSERT_EQ(record.fields.size(), 1U) << answer;
    EXPECT_EQ(record.fields[0].verdict, FieldVerdict::missing) << answer;
  }
}

// A number that no double holds is refused by the parser in another way than bad syntax.
TEST(Extraction, NumbersThatOverflowAreNoRecord) {
  for (const char* answer : {"1e999", "{\"total\":1e999}", "{\"total\":-1e999}"}) {
    EXPECT_FALSE(compare_records(schema(), R"({"total":"5"})", answer, "").is_exact) << answer;
  }
}

TEST(Extraction, HostileAnswersEnd) {
  std::string deep;
  for (int i = 0; i < 150; ++i) deep += "{\"a\":[";
  for (const std::string& answer :
       {std::string(1 << 20, '['), std::string(1 << 20, '{'), deep, "\"" + std::string(1 << 20, 'x') + "\"",
        "{\"vendor\":\"" + std::string(1 << 20, 'a') + "\"}"}) {
    EXPECT_FALSE(compare_records(schema(), R"({"vendor":"A"})", answer, std::string(1000, 'a')).is_exact);
  }
  std::string wide = "{";
  for (int i = 0; i < 100'000; ++i) wide += "\"k" + std::to_string(i) + "\":1,";
  wide += "\"z\":1}";
  EXPECT_LE(compare_records(schema(), R"({"vendor":"A"})", wide, "A 1").fields.size(), 10'001U);
}

TEST(Extraction, SchemaAcceptsWhatItSays) {
  const Schema checked = schema();
  const auto accepts = [&](const char* text) { return checked.accepts(Json::parse(text)); };
  EXPECT_TRUE(accepts(R"({"vendor":null,"total":1,"date":"x"})"));
  EXPECT_TRUE(accepts(R"({"vendor":null,"total":1,"date":"x","currency":null,"count":3.0})"));
  EXPECT_FALSE(accepts(R"({"vendor":null,"total":1,"date":"x","currency":"GBP"})"));
  EXPECT_FALSE(accepts(R"({"vendor":null,"total":1,"date":"x","count":3.5})"));
  EXPECT_FALSE(accepts(R"({"vendor":null,"total":1})"));
  EXPECT_FALSE(accepts(R"({"vendor":null,"total":1,"date":"x","more":1})"));
  EXPECT_FALSE(accepts(R"({"vendor":true,"total":1,"date":"x"})"));
  EXPECT_FALSE(accepts(R"([])"));
  EXPECT_FALSE(accepts(R"({"vendor":null,"total":1,"date":"x","lines":[{"price":"1"}]})"));
}

// 2 right of 3 answered, 3 expected; then 1 of 1 answered, 2 expected: micro over fields, not a mean of
// samples.
TEST(Extraction, AggregatesAreOverFields) {
  const TemporaryFolder folder;
  folder.write(
      "d.jsonl",
      R"({"text":"Acme 5 of 2026-01-01","gold":"{\"vendor\":\"Acme\",\"total\":\"5\",\"date\":\"2026-01-01\"}"})"
      "\n"
      R"({"text":"Bolt 7","gold":"{\"vendor\":\"Bolt\",\"total\":\"7\",\"date\":null}"})"
      "\n");
  std::string yaml =
      "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ntest_split: "
      "test\noutput_type: generate_until\n"
      "doc_to_text: text\ndoc_to_target: gold\ngrounding: text\n"
      "metric_list: [{metric: record_exact}, {metric: field_precision}, {metric: field_recall}, {metric: "
      "field_f1}, {metric: json_valid},\n"
      "  {metric: schema_valid}, {metric: fabricated_rate}, {metric: missing_fields}, {metric: "
      "wrong_fields}]\nschema:\n";
  std::istringstream lines(kSchema);
  for (std::string line; std::getline(lines, line);) yaml += "  " + line + "\n";
  const auto task = test::load(folder.write("t.yaml", yaml));
  const std::vector<Sample> samples = test::samples_of(*task);
  const std::vector<Scored> scored = {
      test::score_text(*task, samples[0], R"({"vendor":"Acme","total":"5.00","date":"2027-01-01"})"),
      test::score_text(*task, samples[1], R"({"vendor":"BOLT","total":null,"date":null})")};
  const auto value = [&](const char* metric) { return test::aggregate(*task, metric, scored); };
  EXPECT_DOUBLE_EQ(value("field_precision"), 3.0 / 4.0);
  EXPECT_DOUBLE_EQ(value("field_recall"), 3.0 / 5.0);
  EXPECT_DOUBLE_EQ(value("field_f1"), 6.0 / 9.0);
  EXPECT_DOUBLE_EQ(value("record_exact"), 0.0);
  EXPECT_DOUBLE_EQ(value("json_valid"), 1.0);
  EXPECT_DOUBLE_EQ(value("schema_valid"), 1.0);
  EXPECT_DOUBLE_EQ(value("fabricated_rate"), 1.0 / 4.0);
  EXPECT_DOUBLE_EQ(value("missing_fields"), 0.5);
  EXPECT_DOUBLE_EQ(value("wrong_fields"), 0.5);
  const Json evidence = Json::parse(scored[0].details.at("fields"));
  EXPECT_EQ(evidence["date"]["verdict"], "wrong");
  EXPECT_EQ(evidence["date"]["fabricated"], true);
  EXPECT_FALSE(evidence.contains("vendor"));
  EXPECT_TRUE(std::isnan(test::aggregate(*task, "field_f1", {})));
}

}  // namespace
}  // namespace sizeup
