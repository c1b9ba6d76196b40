// What a metric is: one row of the table in metrics/table.cpp, and a function from a sample's answer to
// scores.
#pragma once

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

// Metric options of a task file (regexes_to_ignore, ...).
struct MetricParameters {
  std::vector<PythonRegex> regexes_to_ignore;
  bool ignore_case = false;
  bool ignore_punctuation = false;
  bool ignore_numbers = false;
  std::vector<int> k;  // of pass@k
};

// What scoring needs to know about the task.
struct ScoringFacts {
  OutputType output_type = OutputType::generate_until;
  std::vector<std::string> labels;  // of a classification; empty if choices differ from document to document
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

// Where scores go. With several filter pipelines each name carries its pipeline's ("exact_match,strict").
class ScoreWriter {
 public:
  ScoreWriter(Scored& scored, std::string suffix) : scored_(scored), suffix_(std::move(suffix)) {}
  void score(const std::string& metric, double value) { scored_.scores[metric + suffix_] = value; }
  void detail(const std::string& name, std::string value) {
    scored_.details[name + suffix_] = std::move(value);
  }
  void number(const std::string& name, double value);
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
  ScoredSet(std::span<const Scored* const> samples, std::string suffix)
      : samples_(samples), suffix_(std::move(suffix)) {}
  std::span<const Scored* const> samples() const { return samples_; }
  const std::string* detail(const Scored& scored, const std::string& name) const;
  // The sum of a numeric detail over the samples that have it.
  double sum(const std::string& name) const;
  // How many samples have this detail with this value.
  int64_t count(const std::string& name, std::string_view value) const;

 private:
  std::span<const Scored* const> samples_;
  std::string suffix_;
};

// Needs of a metric beyond its output types: keys of the task file.
enum class Need { none, labels, schema, schema_and_grounding, grounding, unsafe_code };

struct MetricEntry {
  const char* name;
  const char* description;
  bool higher_is_better;
  std::vector<OutputType> output_types;
  Need need;
  // Writes the metric's score for one sample, or nothing if it does not apply to it.
  void (*score)(const ScoreInput& input, const MetricParameters& parameters, ScoreWriter& out);
  // The set formula; null: the mean of the scores.
  double (*aggregate)(const ScoredSet& set);
};

}  // namespace sizeup
