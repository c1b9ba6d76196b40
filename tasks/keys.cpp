#include "tasks/keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "tasks/text/nearest.h"

namespace sizeup {
namespace {

enum class Support { read, harmless, not_yet };

struct TaskKey {
  std::string_view name;
  Support support;
  std::string_view instead;  // of Python code (`!function`), or of a key that is not supported yet
};

constexpr std::string_view kTemplate = "a Jinja template over the document's fields, or a field's name";

constexpr std::array kTaskKeys = {
    TaskKey{"task", Support::read, "the task's name"},
    TaskKey{"include", Support::read, "the name of another task file"},
    TaskKey{"description", Support::read, kTemplate},
    TaskKey{"dataset_path", Support::read,
            "json, csv, text or parquet with dataset_kwargs.data_files, a path, or Org/Name of the hub"},
    TaskKey{"dataset_name", Support::read, "a text, for {dataset_name} in data_files"},
    TaskKey{"dataset_kwargs", Support::read, "data_files: a file for each split"},
    TaskKey{"training_split", Support::read, "a split's name"},
    TaskKey{"validation_split", Support::read, "a split's name"},
    TaskKey{"test_split", Support::read, "a split's name"},
    TaskKey{"fewshot_split", Support::read, "a split's name"},
    TaskKey{"fewshot_config", Support::read,
            "samples: a list of documents; process_docs: the name of a built-in step"},
    TaskKey{"num_fewshot", Support::read, "a number"},
    TaskKey{"doc_to_text", Support::read, kTemplate},
    TaskKey{"doc_to_target", Support::read, kTemplate},
    TaskKey{"doc_to_choice", Support::read,
            "a list of texts, a field's name, or a Jinja template that gives a list"},
    TaskKey{"target_delimiter", Support::read, "a text"},
    TaskKey{"fewshot_delimiter", Support::read, "a text"},
    TaskKey{"output_type", Support::read,
            "multiple_choice, loglikelihood, loglikelihood_rolling, generate_until or multi_turn"},
    TaskKey{"generation_kwargs", Support::read, "until, max_gen_toks, temperature, ..."},
    TaskKey{"repeats", Support::read, "a number: answers asked for each document"},
    TaskKey{"gen_prefix", Support::read, kTemplate},
    TaskKey{"answer_prefix", Support::read, kTemplate},
    TaskKey{"unsafe_code", Support::read, "true"},
    TaskKey{"filter_list", Support::read, "filters by name: regex, take_first, lowercase, ..."},
    TaskKey{"metric_list", Support::read, "metrics by name: see `sizeup list metrics`"},
    TaskKey{"metadata", Support::read, "version: 1.0"},
    TaskKey{"slices", Support::read, "a list of fields"},
    TaskKey{"truncate", Support::read, "left or error"},
    TaskKey{"schema", Support::read, "a JSON Schema"},
    TaskKey{"grounding", Support::read, "the field that holds the source text"},
    TaskKey{"verbal_confidence", Support::read, "the word before the confidence that an answer states"},
    TaskKey{"counted_text", Support::read, "the field whose words and bytes are counted"},
    TaskKey{"refusals", Support::read, "a list of phrases"},
    TaskKey{"labels", Support::read, "a list of labels, or of {name, cost_of_miss}"},
    TaskKey{"judge", Support::read, "rubric, verdict, scale, reference, repeats, temperature, max_tokens"},
    TaskKey{"tag", Support::read, "a text, or a list of texts"},
    TaskKey{"group", Support::read, "a text"},
    TaskKey{"group_alias", Support::harmless, "a text"},
    TaskKey{"aggregate_metric_list", Support::read, "a list of {metric, weight_by_size}"},
    TaskKey{"task_alias", Support::harmless, "a text"},
    TaskKey{"should_decontaminate", Support::harmless, "false"},
    TaskKey{"doc_to_decontamination_query", Support::harmless, kTemplate},
    TaskKey{"custom_dataset", Support::not_yet, "give the files in dataset_kwargs.data_files"},
    TaskKey{"process_docs", Support::read,
            "the name of a built-in step (docs/add-a-task.md), or process the documents beforehand"},
    TaskKey{"process_results", Support::not_yet, "use metrics of metric_list: see `sizeup list metrics`"},
    TaskKey{"use_prompt", Support::not_yet, "write the prompt in doc_to_text"},
    TaskKey{"doc_to_image", Support::not_yet, ""},
    TaskKey{"doc_to_audio", Support::not_yet, ""},
};

const TaskKey* find_key(std::string_view name) {
  const auto found =
      std::find_if(kTaskKeys.begin(), kTaskKeys.end(), [&](const TaskKey& key) { return key.name == name; });
  return found == kTaskKeys.end() ? nullptr : &*found;
}

tl::unexpected<Error> unknown_key(const YamlNode& value, const std::string& key, const std::string& what,
                                  const std::vector<std::string>& known) {
  const std::string hint = did_you_mean(key, known);
  return bad_input(value.place, fmt::format("unknown key '{}' in {}", key, what),
                   hint.empty() ? fmt::format("one of {}", fmt::join(known, ", ")) : std::string(), hint);
}

// The first tag below a value: Python code, or something no task file knows.
const YamlNode* tagged(const YamlNode& node) {
  if (!node.tag.empty()) return &node;
  for (const YamlNode& item : node.items) {
    if (const YamlNode* found = tagged(item)) return found;
  }
  for (const auto& [key, value] : node.entries) {
    if (const YamlNode* found = tagged(value)) return found;
  }
  return nullptr;
}

Result<void> check_tags(const std::string& key, const YamlNode& value, std::string_view instead) {
  const YamlNode* found = tagged(value);
  if (found == nullptr) return {};
  if (found->tag == "!function") {
    return bad_input(
        found->place,
        fmt::format("'{}' names the Python function '{}', and sizeup runs no Python", key, found->text), "",
        instead.empty() ? std::string() : fmt::format("replace '{}' by: {}", key, instead));
  }
  return bad_input(found->place, fmt::format("'{}' has the unknown tag {}", key, found->tag), "plain YAML");
}

}  // namespace

Result<void> check_task_keys(const YamlNode& root) {
  for (const auto& [key, value] : root.entries) {
    const TaskKey* known = find_key(key);
    if (known == nullptr) {
      std::vector<std::string> names;
      for (const TaskKey& candidate : kTaskKeys) {
        if (candidate.support == Support::read) names.emplace_back(candidate.name);
      }
      return unknown_key(value, key, "a task file", names);
    }
    if (Result<void> tags = check_tags(key, value, known->instead); !tags) return tags;
    if (known->support == Support::not_yet) {
      return bad_input(value.place, fmt::format("'{}' is not supported yet", key), "",
                       std::string(known->instead));
    }
  }
  return {};
}

Result<void> check_keys(const YamlNode& map, const std::string& what, const std::vector<std::string>& known) {
  if (map.kind != YamlNode::Kind::map)
    return bad_input(map.place, fmt::format("'{}' is not a map", what), "key: value");
  for (const auto& [key, value] : map.entries) {
    if (std::find(known.begin(), known.end(), key) == known.end())
      return unknown_key(value, key, what, known);
  }
  return {};
}

}  // namespace sizeup
