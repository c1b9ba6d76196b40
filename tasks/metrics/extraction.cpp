#include "tasks/metrics/extraction.h"

#include <algorithm>
#include <limits>
#include <map>

#include "core/json/json.h"
#include "core/text/utf8.h"
#include "tasks/expression.h"
#include "tasks/text/unicode.h"
#include "tasks/values/source_text.h"

namespace sizeup {
namespace {

constexpr size_t kMostFields = 10'000;  // of a record; more are not compared
// A longer answer is no record: reading a hundred thousand keys takes seconds, and no task asks for that.
constexpr size_t kMostRecordBytes = 128u << 10;
constexpr size_t kShownValueBytes = 200;  // of a wrong value, in the details

struct Field {
  std::vector<std::string> path;
  Json value;
};
using Fields = std::map<std::string, Field>;  // by dotted path

// The scalars of a value that are not null. parse_json limits the depth.
void flatten(const Json& value, std::vector<std::string>& path, Fields& fields) {
  if (fields.size() >= kMostFields || value.is_null()) return;
  if (!value.is_structured()) {
    std::string name;
    for (const std::string& step : path) name += (name.empty() ? "" : ".") + step;
    fields.emplace(std::move(name), Field{path, value});
    return;
  }
  size_t index = 0;
  for (const auto& item : value.items()) {
    path.push_back(value.is_array() ? std::to_string(index++) : item.key());
    flatten(item.value(), path, fields);
    path.pop_back();
  }
}

Fields fields_of(const Json& record) {
  Fields fields;
  std::vector<std::string> path;
  if (record.is_object()) flatten(record, path, fields);
  return fields;
}

bool same_value(const Json& expected, const Json& answered, ValueType type) {
  if (expected.is_boolean() || answered.is_boolean()) return expected == answered;
  const std::string a = python_text(expected);
  const std::string b = python_text(answered);
  switch (type) {
    case ValueType::text:
      break;
    case ValueType::number:
      if (const auto number = read_number(a); !number.empty()) return share_reading(number, read_number(b));
      break;
    case ValueType::money:
      if (const Money money = read_money(a); !money.amount.empty()) return same_money(money, read_money(b));
      break;
    case ValueType::date:
      if (const auto date = read_date(a); !date.empty()) return share_reading(date, read_date(b));
      break;
  }
  return fold_text(a) == fold_text(b);
}

// A value occurs in the source in any spelling of its type; a currency's code also by its sign or name.
bool occurs(const Json& value, ValueType type, const SourceText& source) {
  const std::string text = python_text(value);
  if (source.find_text(text)) return true;
  if (type == ValueType::number && source.find_number(read_number(text))) return true;
  if (type == ValueType::money && source.find_number(read_money(text).amount)) return true;
  if (type == ValueType::date && source.find_date(read_date(text))) return true;
  const std::vector<std::string> spellings = currency_spellings(text);
  return std::any_of(spellings.begin(), spellings.end(),
                     [&](const std::string& spelling) { return source.find_text(spelling).has_value(); });
}

FieldComparison compare_field(const std::string& path, const Field* expected, const Field* answered,
                              const Schema& schema, const SourceText* source) {
  FieldComparison field;
  field.path = path;
  if (expected != nullptr) field.expected = python_text(expected->value);
  if (answered == nullptr) return field;
  field.answered = python_text(answered->value);
  const ValueType type = schema.type_of(answered->path);
  const bool same = expected != nullptr && same_value(expected->value, answered->value, type);
  field.verdict = same ? FieldVerdict::right : FieldVerdict::wrong;
  field.checkable = source != nullptr && !answered->value.is_boolean();
  field.fabricated = field.checkable && !occurs(answered->value, type, *source);
  return field;
}

RecordComparison compare(const ScoreInput& input) {
  return compare_records(*input.facts.schema, input.sample.accepted.at(0), input.answer, input.sample.source);
}

int64_t count(const RecordComparison& record, FieldVerdict verdict) {
  return std::count_if(record.fields.begin(), record.fields.end(),
                       [&](const FieldComparison& field) { return field.verdict == verdict; });
}

std::string shown(const std::string& value) {
  return replace_invalid_utf8(std::string_view(value).substr(0, kShownValueBytes));
}

// What is not right or not in the source, for reports.
std::string evidence(const RecordComparison& record) {
  constexpr size_t kMostShown = 50;
  Json out = Json::object();
  for (const FieldComparison& field : record.fields) {
    if (field.verdict == FieldVerdict::right && !field.fabricated) continue;
    if (out.size() == kMostShown) break;
    Json entry = Json::object();
    entry["verdict"] = field.verdict == FieldVerdict::right     ? "right"
                       : field.verdict == FieldVerdict::missing ? "missing"
                                                                : "wrong";
    if (field.expected) entry["expected"] = shown(*field.expected);
    if (field.answered) entry["answered"] = shown(*field.answered);
    if (field.fabricated) entry["fabricated"] = true;
    out[shown(field.path)] = std::move(entry);
  }
  return to_line(out);
}

double rate(double part, double whole) {
  return whole == 0.0 ? std::numeric_limits<double>::quiet_NaN() : part / whole;
}

}  // namespace

RecordComparison compare_records(const Schema& schema, const std::string& expected, const std::string& answer,
                                 const std::string& source) {
  RecordComparison record;
  const Result<Json> gold = parse_json(expected, "target");
  const Result<Json> value = answer.size() > kMostRecordBytes ? bad_input("answer", "too long for a record")
                                                              : parse_json(answer, "answer");
  record.is_json = value.has_value();
  record.is_valid = record.is_json && schema.accepts(*value);
  const Fields wanted = gold ? fields_of(*gold) : Fields{};
  const Fields given = value ? fields_of(*value) : Fields{};
  std::optional<SourceText> source_text;
  if (!source.empty() && !given.empty()) source_text.emplace(source);
  const SourceText* known_source = source_text ? &*source_text : nullptr;
  for (const auto& [path, field] : wanted) {
    const auto other = given.find(path);
    record.fields.push_back(
        compare_field(path, &field, other == given.end() ? nullptr : &other->second, schema, known_source));
  }
  for (const auto& [path, field] : given) {
    if (!wanted.contains(path))
      record.fields.push_back(compare_field(path, nullptr, &field, schema, known_source));
  }
  record.is_exact = record.is_json && value->is_object() &&
                    std::all_of(record.fields.begin(), record.fields.end(), [](const FieldComparison& field) {
                      return field.verdict == FieldVerdict::right;
                    });
  return record;
}

void score_json_valid(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  out.score("json_valid", compare(input).is_json ? 1.0 : 0.0);
}

void score_schema_valid(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  out.score("schema_valid", compare(input).is_valid ? 1.0 : 0.0);
}

void score_record_exact(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  const RecordComparison record = compare(input);
  out.score("record_exact", record.is_exact ? 1.0 : 0.0);
  out.detail("fields", evidence(record));
}

void score_fields(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  const RecordComparison record = compare(input);
  int64_t answered = 0;
  int64_t expected = 0;
  int64_t fabricated = 0;
  int64_t checkable = 0;
  for (const FieldComparison& field : record.fields) {
    answered += field.answered ? 1 : 0;
    expected += field.expected ? 1 : 0;
    fabricated += field.fabricated ? 1 : 0;
    checkable += field.checkable ? 1 : 0;
  }
  out.detail("fields_right", std::to_string(count(record, FieldVerdict::right)));
  out.detail("fields_answered", std::to_string(answered));
  out.detail("fields_expected", std::to_string(expected));
  out.detail("fields_fabricated", std::to_string(fabricated));
  out.detail("fields_checkable", std::to_string(checkable));
  out.detail("fields", evidence(record));
}

void score_missing(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  out.score("missing_fields", static_cast<double>(count(compare(input), FieldVerdict::missing)));
}

void score_wrong(const ScoreInput& input, const MetricParameters&, ScoreWriter& out) {
  out.score("wrong_fields", static_cast<double>(count(compare(input), FieldVerdict::wrong)));
}

double aggregate_field_precision(const ScoredSet& set) {
  return rate(set.sum("fields_right"), set.sum("fields_answered"));
}
double aggregate_field_recall(const ScoredSet& set) {
  return rate(set.sum("fields_right"), set.sum("fields_expected"));
}
double aggregate_field_f1(const ScoredSet& set) {
  return rate(2.0 * set.sum("fields_right"), set.sum("fields_answered") + set.sum("fields_expected"));
}
double aggregate_fabricated_rate(const ScoredSet& set) {
  return rate(set.sum("fields_fabricated"), set.sum("fields_checkable"));
}

}  // namespace sizeup
