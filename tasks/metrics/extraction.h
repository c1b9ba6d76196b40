// Records taken from text: the answer is one JSON value, compared field by field with the expected record.
#pragma once

#include <optional>

#include "tasks/metrics/metric.h"

namespace sizeup {

enum class FieldVerdict {
  right,    // both have the field, with the same value
  wrong,    // the answer has another value, or a value where none is expected
  missing,  // expected, but absent or null in the answer
};

struct FieldComparison {
  std::string path;  // "vendor", "lines.0.total"
  std::optional<std::string> expected;
  std::optional<std::string> answered;
  FieldVerdict verdict = FieldVerdict::missing;
  bool fabricated = false;  // the answered value occurs nowhere in the source
  bool checkable = false;   // a source is known, and the value is one that a text can state (no true/false)
};

struct RecordComparison {
  bool is_json = false;
  bool is_valid = false;                // against the schema
  bool is_exact = false;                // every field right, none missing, none too many
  std::vector<FieldComparison> fields;  // those that are not null on both sides, by path
};

// Values are compared by their type in the schema: numbers and amounts by value, dates whatever their
// spelling, texts but for case and white space. An answer that is no JSON object, or longer than 128 KiB, has
// no fields.
RecordComparison compare_records(const Schema& schema, const std::string& expected, const std::string& answer,
                                 const std::string& source);

// Scores, and the details fields_right, fields_answered, fields_expected, fields_fabricated, fields_checkable
// and "fields" (what is not right, as JSON).
void score_json_valid(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_schema_valid(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_record_exact(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_fields(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_missing(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
void score_wrong(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);

double aggregate_field_precision(const ScoredSet& set);  // right / answered
double aggregate_field_recall(const ScoredSet& set);     // right / expected
double aggregate_field_f1(const ScoredSet& set);         // 2 right / (answered + expected)
double aggregate_fabricated_rate(const ScoredSet& set);  // fabricated / checkable

}  // namespace sizeup
