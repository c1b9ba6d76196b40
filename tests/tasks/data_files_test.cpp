// Official data files: found below the data folder, and nowhere else.
#include "tasks/data_files.h"

#include <gmock/gmock.h>

#include "tests/tasks/support.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

std::string task_with(const std::string& files) {
  return "task: t\ndataset_name: algebra\ndataset_path: csv\ntest_split: test\noutput_type: multiple_choice\n"
         "doc_to_text: q\ndoc_to_target: letter\ndoc_to_choice: [A, B]\n"
         "dataset_kwargs: {column_names: [q, letter], data_files: {test: '" +
         files + "'}}\n";
}

std::string error_of(const TemporaryFolder& folder, const std::string& files, const TaskOptions& options) {
  const Result<std::unique_ptr<Task>> task = load_task(folder.write("t.yaml", task_with(files)), options);
  return task ? "accepted" : describe(task.error());
}

TEST(DataFiles, AreFoundBelowTheDataFolder) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "official");
  folder.write("official/algebra_test.csv", "1+1?,A\n\"x, y?\",B\n");
  const auto task = test::load(folder.write("t.yaml", task_with("data-dir:official/{dataset_name}_test.csv")),
                               {.data_dir = folder.path()});
  const std::vector<Sample> samples = test::samples_of(*task);
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(samples[1].prompt.user, "x, y?");
  EXPECT_EQ(samples[1].gold, std::vector<int>{1});
}

TEST(DataFiles, SayWhatIsMissing) {
  const TemporaryFolder folder;
  const std::string file = "data-dir:a/{dataset_name}.csv";
  const std::string none = error_of(folder, file, {});
  EXPECT_THAT(none, HasSubstr("'t' reads the official file a/algebra.csv"));
  EXPECT_THAT(none, HasSubstr("--data-dir"));
  const std::string absent = error_of(folder, file, {.data_dir = folder.path()});
  EXPECT_THAT(absent, HasSubstr((folder.path() / "a/algebra.csv").string()));
  EXPECT_THAT(absent, HasSubstr("docs/benchmarks.md"));
}

TEST(DataFiles, DoNotLeaveTheDataFolder) {
  const TemporaryFolder folder;
  folder.write("secret.csv", "q,A\n");
  for (const char* file :
       {"data-dir:../secret.csv", "data-dir:a/../../secret.csv", "data-dir:/etc/passwd", "data-dir:"}) {
    const std::string error = error_of(folder, file, {.data_dir = folder.path() / "official"});
    EXPECT_THAT(error, HasSubstr("not below the data folder")) << file;
    EXPECT_THAT(error, HasSubstr("t.yaml:9")) << file;
  }
  const std::string name =
      "task: t\ndataset_name: ../x\ndataset_path: csv\ntest_split: test\ndoc_to_text: q\n"
      "doc_to_target: a\ndataset_kwargs: {data_files: {test: 'data-dir:{dataset_name}.csv'}}\n";
  const auto task = load_task(folder.write("n.yaml", name), {.data_dir = folder.path() / "official"});
  ASSERT_FALSE(task);
  EXPECT_THAT(describe(task.error()), HasSubstr("not below the data folder"));
}

}  // namespace
}  // namespace sizeup
