// Shared by the tests of tasks/.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "core/io/file.h"
#include "core/json/json.h"
#include "tasks/task.h"

namespace sizeup::test {

inline std::filesystem::path source_path(const std::string& name) {
  return std::filesystem::path(SIZEUP_SOURCE_DIR) / name;
}

inline Json golden(const std::string& name) {
  const Result<std::string> text = read_file(source_path("tests/golden/tasks/" + name));
  if (!text) throw std::runtime_error(describe(text.error()));
  return Json::parse(*text);
}

// A folder that is removed with the test; write() puts a file into it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string("sizeup-") + info->test_suite_name() + "-" + info->name() + "-" +
                       std::to_string(getpid());
    for (char& c : name) c = c == '/' ? '-' : c;
    path_ = std::filesystem::temp_directory_path() / name;
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

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
