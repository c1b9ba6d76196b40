#include "harness/run/task_samples.h"

#include <gmock/gmock.h>

#include "fake_task.h"

namespace sizeup {
namespace {

// Counts how often it is read, and has other documents from some time on.
class ReadAgain : public FakeTask {
 public:
  explicit ReadAgain(int documents) : FakeTask("t", OutputType::generate_until, documents) {}

  std::vector<Sample> made_samples(int64_t limit) const override {
    ++readings;
    std::vector<Sample> samples = FakeTask::made_samples(limit);
    if (changed) samples[2].document_hash = "another";
    if (shorter) samples.resize(3);
    if (conversation && samples.size() > 1) samples[1].later_turns = {"Why?"};
    return samples;
  }

  mutable int readings = 0;
  bool changed = false;
  bool shorter = false;
  bool conversation = false;
};

TaskSamples read(const Task& task, size_t room, int64_t limit = 0) {
  BadRows none;
  return TaskSamples::read(task, limit, none, room).value();
}

std::vector<std::string> ids(const TaskSamples& samples, const std::vector<size_t>& places) {
  std::vector<std::string> out;
  for (const size_t place : places) out.push_back(samples[place].id);
  return out;
}

TEST(TaskSamples, OfASmallTaskAreReadOnce) {
  const ReadAgain task(5);
  TaskSamples samples = read(task, 5);
  EXPECT_TRUE(samples.kept());
  samples.release();
  ASSERT_TRUE(samples.hold(std::vector<size_t>{1}).has_value());
  EXPECT_EQ(ids(samples, {0, 4}), (std::vector<std::string>{"0", "4"}));
  EXPECT_EQ(task.readings, 1);
}

TEST(TaskSamples, OfALargeTaskAreReadOnFromPortionToPortion) {
  const ReadAgain task(6);
  TaskSamples samples = read(task, 5);
  EXPECT_FALSE(samples.kept());
  EXPECT_EQ(samples.size(), 6U);
  ASSERT_TRUE(samples.hold(std::vector<size_t>{0, 1}).has_value());
  EXPECT_EQ(ids(samples, {0, 1}), (std::vector<std::string>{"0", "1"}));
  ASSERT_TRUE(samples.hold(std::vector<size_t>{3, 5}).has_value());
  EXPECT_EQ(ids(samples, {3, 5}), (std::vector<std::string>{"3", "5"}));
  EXPECT_EQ(task.readings, 2) << "once to count them, once for both portions";
  ASSERT_TRUE(samples.hold(std::vector<size_t>{3, 5}).has_value());
  EXPECT_EQ(task.readings, 2);
  ASSERT_TRUE(samples.hold(std::vector<size_t>{2}).has_value());
  EXPECT_EQ(ids(samples, {2}), (std::vector<std::string>{"2"}));
  EXPECT_EQ(task.readings, 3);
}

TEST(TaskSamples, NoneIsHeldThatWasNotAskedFor) {
  const ReadAgain task(6);
  TaskSamples samples = read(task, 0);
  EXPECT_THROW(samples[0], InternalError);
  ASSERT_TRUE(samples.hold(std::vector<size_t>{1, 2}).has_value());
  EXPECT_THROW(samples[0], InternalError);
  samples.release();
  EXPECT_THROW(samples[1], InternalError);
}

TEST(TaskSamples, DataThatChangesMeanwhileIsAnError) {
  ReadAgain task(6);
  TaskSamples samples = read(task, 0);
  task.changed = true;
  EXPECT_TRUE(samples.hold(std::vector<size_t>{1}).has_value());
  const Result<void> changed = samples.hold(std::vector<size_t>{3});
  ASSERT_FALSE(changed.has_value()) << "also if the other document is only passed by";
  EXPECT_THAT(describe(changed.error()), testing::HasSubstr("sample 3 has changed"));

  ReadAgain cut(6);
  TaskSamples fewer = read(cut, 0);
  cut.shorter = true;
  EXPECT_FALSE(fewer.hold(std::vector<size_t>{4}).has_value());
}

TEST(TaskSamples, ConversationsAreFoundWhetherTheyAreKeptOrNot) {
  ReadAgain task(6);
  EXPECT_FALSE(read(task, 6).has_conversations());
  task.conversation = true;
  EXPECT_TRUE(read(task, 6).has_conversations());
  EXPECT_TRUE(read(task, 0).has_conversations());
  EXPECT_FALSE(read(task, 0, 1).has_conversations()) << "of the first document alone";
}

}  // namespace
}  // namespace sizeup
