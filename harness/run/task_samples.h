// The samples of a task, of which no more are held than are asked for together.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/errors/result.h"
#include "tasks/task.h"

namespace sizeup {

// Samples are named by their place, from 0 in the order of the data. A task that is small enough is read once
// and held; a larger one is read again, and must be the same again.
class TaskSamples {
 public:
  // Reads all of them once, counts the bad rows among them, and keeps them if there are `room` at most.
  // `task` must outlive this.
  static Result<TaskSamples> read(const Task& task, int64_t limit, BadRows& bad_rows, size_t room);

  size_t size() const { return hashes_.size(); }
  bool kept() const { return kept_; }
  bool has_conversations() const { return has_conversations_; }

  // From now on, until the next call, exactly the samples at these places (ascending) are held, or all where
  // they are kept. Cheapest if places ascend from call to call. An error: the data has changed meanwhile.
  Result<void> hold(std::span<const size_t> places);
  void release();  // holds none that is not kept

  const Sample& operator[](size_t place) const;  // one that is held

 private:
  explicit TaskSamples(const Task& task, int64_t limit) : task_(&task), limit_(limit) {}

  Result<Sample> read_next();

  const Task* task_;
  int64_t limit_;
  std::vector<uint64_t> hashes_;  // of the samples' documents: whether they are what they were
  bool kept_ = false;
  bool has_conversations_ = false;
  std::vector<size_t> places_;  // of held_
  std::vector<Sample> held_;
  // Behind pointers, so that this can be moved while reading.
  std::unique_ptr<BadRows> known_bad_rows_;
  std::unique_ptr<SampleReader> reader_;
  size_t next_ = 0;  // what reader_ gives next
};

}  // namespace sizeup
