// What a metric is: one row of the table (label_rows.cpp, text_rows.cpp), and a function from a sample's
// answer to scores.
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tasks/metrics/refusal.h"
#include "tasks/sandbox/sandbox.h"
#include "tasks/schema.h"
#include "tasks/task.h"
#include "tasks/text/python_regex.h"

namespace sizeup {

// What an edit distance counts.
enum class TextUnit { characters, words };

// Metric options of a task file (regexes_to_ignore, ...).
struct MetricParameters {
  std::vector<PythonRegex> regexes_to_ignore;
  bool ignore_case = false;
  bool ignore_punctuation = false;
  bool ignore_numbers = false;
  std::vector<int> k;               // of pass@k, maj@k and pass^k
  std::string label;                // of the metrics of one class (key `class`)
  double tolerance = 0.0;           // of numeric_match: how far off an answer may be
  double relative_tolerance = 0.0;  // the same as a share of the expected number
  TextUnit unit = TextUnit::characters;
  bool leaves_out_nan = false;  // aggregation: nanmean
};

// What scoring needs to know about the task.
struct ScoringFacts {
  OutputType output_type = OutputType::generate_until;
  std::vector<std::string> labels;  // of a classification; empty if choices differ from document to document
  std::map<std::string, double> miss_costs;  // label -> what it costs not to see it (key `cost_of_miss`)
  std::optional<Schema> schema;
  bool has_grounding = false;
  bool verbal_confidence = false;  // answers state one in words
  RefusalPhrases refusals;
  bool unsafe_code = false;
  int repeats = 1;
  std::shared_ptr<SandboxPool> sandbox;  // where a metric of the task runs code
};

// One sample with the answers that one filter pipeline took from its replies.
struct ScoreInput {
  const ScoringFacts& facts;
  const Sample& sample;
  std::span<const Reply> replies;
  std::string answer;                // the first one
  std::vector<std::string> answers;  // of all repeats
  // That the first one states in words; NaN: none.
  double verbal_confidence = std::numeric_limits<double>::quiet_NaN();
};

// The largest value of a comparison (a number or a verdict) over the accepted answers; 0 if there is none.
template <class Compare>
double best_of(const ScoreInput& input, Compare&& compare) {
  double best = 0.0;
  for (const std::string& accepted : input.sample.accepted) {
    best = std::max(best, static_cast<double>(compare(accepted)));
  }
  return best;
}

// Where scores go. With several filter pipelines each name carries its pipeline's ("exact_match,strict").
class ScoreWriter {
 public:
  ScoreWriter(Scored& scored, std::string suffix) : scored_(scored), suffix_(std::move(suffix)) {}
  void score(const std::string& metric, double value) { scored_.scores[metric + suffix_] = value; }
  void detail(const std::string& name, std::string value) {
    scored_.details[name + suffix_] = std::move(value);
  }
  void number(const std::string& name, double value);
  void numbers(const std::string& name, std::span<const int64_t> values);
  void mark_invalid() { scored_.invalid = true; }
  // The sample could not be judged, for a reason that is not the answer's.
  void fail(const Error& error) { scored_.error = describe(error); }

 private:
  Scored& scored_;
  std::string suffix_;
};

// Details of many samples as written under one suffix; samples with the same ones are one row, so that a
// formula of a few labels costs the same for a hundred samples and for a million.
class DetailTable {
 public:
  // `names`: the details that count; a sample may lack some.
  DetailTable(std::span<const Scored* const> samples, const std::string& suffix,
              std::span<const std::string> names);
  size_t rows() const { return counts_.size(); }
  // How many of the samples each row stands for.
  std::span<const int64_t> counts() const { return counts_; }
  const std::optional<std::string>& text(size_t row, std::string_view name) const;
  // The text's numbers, as ScoreWriter::number and numbers write them, up to the first that is none.
  std::span<const double> numbers(size_t row, std::string_view name) const;

 private:
  struct Detail {
    std::optional<std::string> text;
    std::vector<double> numbers;
  };
  const Detail& at(size_t row, std::string_view name) const;

  std::vector<std::string> names_;
  std::vector<int64_t> counts_;
  std::vector<Detail> details_;  // row by row, in the order of names_
};

// What a set metric is computed from: a table in which row i counts counts[i] times.
class ScoredSet {
 public:
  // `label`: the class that a metric of one class is about. Table and counts must outlive the set.
  ScoredSet(const DetailTable& table, std::span<const int64_t> counts, std::string_view label = {})
      : table_(table), counts_(counts), label_(label) {}
  std::string_view label() const { return label_; }
  size_t rows() const { return table_.rows(); }
  // How often a row counts; 0 in some of a bootstrap's resamples.
  int64_t count(size_t row) const { return counts_[row]; }
  const std::optional<std::string>& detail(size_t row, std::string_view name) const {
    return table_.text(row, name);
  }
  // The number of samples.
  int64_t size() const;
  // The sum of a numeric detail over the samples that have it.
  double sum(std::string_view name) const;
  // The sums of a detail that is a row of `count` whole numbers (ScoreWriter::numbers).
  std::vector<double> sums(std::string_view name, size_t count) const;
  // How many samples have this detail, or have it with this value.
  int64_t with(std::string_view name) const;
  int64_t with(std::string_view name, std::string_view value) const;

 private:
  const DetailTable& table_;
  std::span<const int64_t> counts_;
  std::string_view label_;
};

// Needs of a metric beyond its output types: keys of the task file.
enum class Need {
  none,
  labels,
  label_sets,  // labels, of which a document may have none or several
  miss_costs,
  schema,
  schema_and_grounding,
  grounding,
  repeats,
  unsafe_code,
  verbal_confidence,
};

struct MetricEntry {
  const char* name;
  const char* description;
  const char* example;  // the keys of a task file that uses it, in YAML's flow style
  bool higher_is_better;
  std::vector<OutputType> output_types;
  Need need;
  // Writes the metric's score for one sample, or nothing if it does not apply to it.
  void (*score)(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
  // The set formula; null: the mean of the scores.
  double (*aggregate)(const ScoredSet& set);
  // The details that the set formula reads.
  std::vector<std::string> details = {};
  // Of a set formula that is a share of some of the samples; null elsewhere.
  ShareCount (*share)(const ScoredSet& set) = nullptr;
};

}  // namespace sizeup
