// What a metric is: one row of the table (label_rows.cpp, text_rows.cpp), and a function from a sample's
// answer to scores.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

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
  std::vector<std::string> refusals;
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

// What a set metric is computed from: the details of many samples, as written under the same suffix.
class ScoredSet {
 public:
  // `label`: the class that a metric of one class is about.
  ScoredSet(std::span<const Scored* const> samples, std::string suffix, std::string label = {})
      : samples_(samples), suffix_(std::move(suffix)), label_(std::move(label)) {}
  std::span<const Scored* const> samples() const { return samples_; }
  const std::string& label() const { return label_; }
  const std::string* detail(const Scored& scored, const std::string& name) const;
  // The sum of a numeric detail over the samples that have it.
  double sum(const std::string& name) const;
  // The sums of a detail that is a row of `count` whole numbers (ScoreWriter::numbers).
  std::vector<double> sums(const std::string& name, size_t count) const;
  // How many samples have this detail with this value.
  int64_t count(const std::string& name, std::string_view value) const;

 private:
  std::span<const Scored* const> samples_;
  std::string suffix_;
  std::string label_;
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
};

}  // namespace sizeup
