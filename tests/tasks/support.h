// Shared by the tests of tasks/.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "core/json/json.h"
#include "tasks/task.h"
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

inline Scored score_text(const Task& task, const Sample& sample, const std::string& text) {
  Reply reply;
  reply.text = text;
  return task.score(sample, {reply});
}

inline double aggregate(const Task& task, const std::string& metric, const std::vector<Scored>& scored) {
  std::vector<const Scored*> pointers;
  for (const Scored& one : scored) pointers.push_back(&one);
  return task.aggregate(metric, pointers);
}

}  // namespace sizeup::test
