// A task file as plain data: every key read, checked and typed, `include` resolved. No template is compiled
// and no data file opened here.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"
#include "datasets/readers/text_rows.h"
#include "tasks/data_files.h"
#include "tasks/task.h"
#include "tasks/yaml.h"

namespace sizeup {

// What the examples of a prompt do differently from its question (keys of fewshot_config).
struct ExampleText {
  std::optional<YamlNode> doc_to_text, doc_to_target, doc_to_choice, gen_prefix;
  std::optional<std::string> target_delimiter, fewshot_delimiter;
  // With a fewshot_split: how its documents are processed; null: not at all. Nothing: as the task's.
  std::optional<YamlNode> process_docs;
};

enum class FewshotSampler {
  random,   // lm-evaluation-harness's default: random.Random(1234).sample, document after document
  first_n,  // the first documents of the split
};

struct Definition {
  std::filesystem::path file;
  std::string name;     // key `task`
  std::string about;    // metadata.description: one line for `sizeup list tasks`
  std::string version;  // metadata.version
  OutputType output_type = OutputType::generate_until;

  std::map<std::string, std::vector<DataFile>> data_files;  // by split
  std::filesystem::path data_dir;                           // of the official files among them
  const HubSettings* hub = nullptr;                         // as TaskOptions has it
  std::vector<std::string> column_names;                    // of CSV files without a header row
  TextRows text_rows = TextRows::lines;                     // of plain text files (key sample_by)
  std::string rows_field;                // of the one object that a JSON file is: where its rows are
  std::optional<YamlNode> process_docs;  // see tasks/process_docs.h
  std::optional<std::string> training_split, validation_split, test_split, fewshot_split;

  std::optional<YamlNode> description, doc_to_text, doc_to_target, doc_to_choice;
  std::optional<YamlNode> gen_prefix;     // how the answer begins: the model goes on from there
  std::optional<YamlNode> answer_prefix;  // put before the filtered answer: what is scored is both
  std::string target_delimiter = " ";
  std::string fewshot_delimiter = "\n\n";

  int num_fewshot = 0;
  FewshotSampler sampler = FewshotSampler::random;
  std::optional<YamlNode> fewshot_samples;  // examples written in the task file
  ExampleText examples;

  std::string system_instruction;
  bool fewshot_as_multiturn = false;
  bool conversation = false;  // output_type multi_turn: generate_until, turn after turn
  std::vector<int64_t> rows;  // of the documents to ask; empty: all

  AskGenerate generation;
  int repeats = 1;  // answers for each document
  Truncation truncation = Truncation::left;

  std::vector<YamlNode> filters;  // pipelines {name, filter: [{function, ...}, ...]}
  std::vector<YamlNode> metrics;  // {metric, ...}; empty: the output type's default

  std::vector<std::string> slices;
  std::optional<YamlNode> schema;
  std::optional<std::string> grounding;  // a field of the documents
  std::string grounding_place;
  std::optional<std::string> counted_text;  // rolling: the field whose words and bytes are counted
  std::string counted_text_place;
  // The word before the confidence that an answer states, which is taken off it.
  std::optional<std::string> verbal_confidence;
  std::vector<std::string> refusals;         // empty: the built-in list
  bool unsafe_code = false;                  // generated code may be run, in the sandbox
  std::vector<std::string> labels;           // what a written answer may be, for classification
  std::map<std::string, double> miss_costs;  // label -> cost_of_miss, where one is stated

  std::optional<YamlNode> judge;  // how answers are judged, see judge_rule.h

  std::string hash;  // SHA-256 of the canonical JSON of all keys after includes and options
};

Result<Definition> read_definition(const std::filesystem::path& file, const TaskOptions& options);

}  // namespace sizeup
