// Shared by the tests of tasks/.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "core/json/json.h"
#include "tasks/task.h"
#include "tasks/yaml.h"
#include "tests/support/files.h"

namespace sizeup::test {

inline Json golden(const std::string& name) {
  return Json::parse(read_whole(golden_folder() / "tasks" / name));
}

inline std::unique_ptr<Task> load(const std::filesystem::path& file, const TaskOptions& options = {}) {
  Result<std::unique_ptr<Task>> task = load_task(file, options);
  if (!task) throw std::runtime_error(describe(task.error()));
  return std::move(*task);
}

inline std::vector<Sample> samples_of(const Task& task, int64_t limit = 0) {
  Result<std::vector<Sample>> samples = task.samples(limit);
  if (!samples) throw std::runtime_error(describe(samples.error()));
  return std::move(*samples);
}

inline YamlNode yaml(const std::string& text) {
  Result<YamlNode> node = parse_yaml(text, "test.yaml");
  if (!node) throw std::runtime_error(describe(node.error()));
  return std::move(*node);
}

// The repeats' answers to one sample.
inline Scored score_texts(const Task& task, const Sample& sample, const std::vector<std::string>& texts) {
  std::vector<Reply> replies(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) replies[i].text = texts[i];
  return task.score(sample, replies);
}

inline Scored score_text(const Task& task, const Sample& sample, const std::string& text) {
  return score_texts(task, sample, {text});
}

inline double aggregate(const Task& task, const std::string& metric, const std::vector<Scored>& scored) {
  std::vector<const Scored*> pointers;
  for (const Scored& one : scored) pointers.push_back(&one);
  return task.aggregate(metric, pointers);
}

// A task over these documents; `keys` is the rest of its file.
inline std::unique_ptr<Task> task_over(const Json& documents, const std::string& keys) {
  const TemporaryFolder folder;
  std::string rows;
  for (const Json& document : documents) rows += to_line(document) + "\n";
  folder.write("d.jsonl", rows);
  return load(folder.write(
      "t.yaml",
      "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ntest_split: test\n" +
          keys));
}

// A task over the targets (each a text or a list), with these metrics.
inline std::unique_ptr<Task> task_with(const std::string& metrics, const Json& targets,
                                       const std::string& more = "") {
  Json documents = Json::array();
  for (const Json& target : targets) documents.push_back(Json{{"q", "x"}, {"a", target}});
  return task_over(documents,
                   "output_type: generate_until\ndoc_to_text: q\ndoc_to_target: a\nmetric_list: [" + metrics +
                       "]\n" + more);
}

inline std::vector<Scored> scored(const Task& task, const Json& answers) {
  const std::vector<Sample> samples = samples_of(task);
  std::vector<Scored> out;
  for (size_t i = 0; i < samples.size(); ++i) out.push_back(score_text(task, samples[i], answers[i]));
  return out;
}

// What one answer to this target scores.
inline double one(const std::string& metric, const Json& target, const std::string& answer,
                  const std::string& options = "") {
  const auto task = task_with("{metric: " + metric + options + "}", Json::array({target}));
  return aggregate(*task, metric, scored(*task, Json::array({answer})));
}

}  // namespace sizeup::test
