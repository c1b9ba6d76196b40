// What --task selects: tasks, groups of groups, tags, and what groups override.
#include "tasks/selection.h"

#include <gmock/gmock.h>

#include "tests/tasks/support.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Selection : public testing::Test {
 protected:
  void SetUp() override {
    folder.write("d.jsonl", "{\"q\": \"a?\", \"a\": 1}\n{\"q\": \"b?\", \"a\": 0}\n");
    for (const char* name : {"one", "two", "three"}) {
      folder.write(std::string(name) + ".yaml",
                   std::string("include: _base.yaml\ntask: ") + name +
                       (std::string(name) == "three" ? "\n" : "\ntag: [few, others]\n"));
    }
    folder.write("_base.yaml",
                 "dataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ntest_split: test\n"
                 "output_type: multiple_choice\ndoc_to_text: q\ndoc_to_target: a\ndoc_to_choice: [x, y]\n");
  }

  Result<TaskSelection> select(const std::vector<std::string>& names) const {
    return select_tasks(names, folder.path());
  }
  // The tasks' names, loaded with what their groups override.
  std::vector<std::string> names(const std::vector<std::string>& selected) const {
    Result<TaskSelection> selection = select(selected);
    if (!selection) return {describe(selection.error())};
    std::vector<std::string> out;
    for (const SelectedTask& task : selection->tasks) {
      out.push_back(test::load(task.file, {.overrides = task.overrides})->name());
    }
    return out;
  }

  TemporaryFolder folder;
};

TEST_F(Selection, NamesPathsAndTags) {
  EXPECT_THAT(names({"two", "one", "two"}), ElementsAre("two", "one"));
  EXPECT_THAT(names({(folder.path() / "three.yaml").string()}), ElementsAre("three"));
  EXPECT_THAT(names({"few"}), ElementsAre("one", "two")) << "a tag selects its tasks, by name";
  EXPECT_TRUE(select({"few"})->groups.empty());
  const std::string typo = names({"thre"})[0];
  EXPECT_THAT(typo, HasSubstr("unknown task 'thre'"));
  EXPECT_THAT(typo, HasSubstr("did you mean 'three'?"));
  EXPECT_THAT(names({"./none.yaml"})[0], HasSubstr("there is no such task file"));
  EXPECT_FALSE(select_tasks({"x"}, folder.path() / "none"));
}

TEST_F(Selection, GroupsOfGroupsHoldTheirMembersTasks) {
  folder.write("all.yaml",
               "group: all\ntask:\n  - three\n  - group: inner\n    task: [few]\n"
               "    aggregate_metric_list: [{metric: acc, weight_by_size: false, filter_list: none}]\n"
               "aggregate_metric_list: {metric: acc}\nmetadata: {version: 2, description: all of them}\n");
  const TaskSelection selection = select({"all", "three", "all"}).value();
  ASSERT_EQ(selection.tasks.size(), 3U);
  ASSERT_EQ(selection.groups.size(), 2U);
  const TaskGroup& all = selection.groups[0];
  EXPECT_EQ(all.name, "all");
  EXPECT_EQ(all.version, "2");
  EXPECT_EQ(all.description, "all of them");
  EXPECT_EQ(all.depth, 0);
  EXPECT_THAT(all.tasks, ElementsAre(0U, 1U, 2U));
  ASSERT_EQ(all.metrics.size(), 1U);
  EXPECT_TRUE(all.metrics[0].weight_by_size);
  const TaskGroup& inner = selection.groups[1];
  EXPECT_EQ(inner.name, "all::inner");
  EXPECT_EQ(inner.depth, 1);
  EXPECT_THAT(inner.tasks, ElementsAre(1U, 2U));
  EXPECT_FALSE(inner.metrics[0].weight_by_size);
  EXPECT_THAT(inner.metrics[0].filters, ElementsAre("none"));
}

// As the harness merges them: a member's own keys, then the group's, then the task file's.
TEST_F(Selection, GroupsOverrideTheirMembersKeys) {
  folder.write("g.yaml",
               "group: g\ntarget_delimiter: '#'\ntask:\n  - one\n  - {task: two, target_delimiter: '-'}\n"
               "  - {task: new, include: _base.yaml, doc_to_text: 'Q {{q}}'}\n");
  EXPECT_THAT(names({"g"}), ElementsAre("one", "two", "g::new"));
  const TaskSelection selection = select({"g"}).value();
  std::vector<std::string> asked;
  for (const SelectedTask& task : selection.tasks) {
    const Sample sample = test::samples_of(*test::load(task.file, {.overrides = task.overrides}), 1)[0];
    asked.push_back(sample.prompt.user + std::get<AskScore>(sample.asks[0]).delimiter);
  }
  EXPECT_THAT(asked, ElementsAre("a?#", "a?-", "Q a?#"));
}

TEST_F(Selection, MembersBesideTheGroupComeFirst) {
  const TemporaryFolder own;
  own.write("d.jsonl", "{\"q\": \"mine?\", \"a\": 1}\n");
  own.write("one.yaml",
            "task: one\ndataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ntest_split: test\n"
            "output_type: multiple_choice\ndoc_to_text: q\ndoc_to_target: a\ndoc_to_choice: [x, y]\n");
  own.write("notes.yaml", "just: [some, file\n");
  const std::string group = own.write("g.yaml", "group: g\ntask: [one, two]\n").string();
  const TaskSelection selection = select({group}).value();
  ASSERT_EQ(selection.tasks.size(), 2U);
  EXPECT_EQ(test::samples_of(*test::load(selection.tasks[0].file))[0].prompt.user, "mine?");
  EXPECT_EQ(selection.tasks[1].file, folder.path() / "two.yaml");
}

TEST_F(Selection, MistakesNameFileAndLine) {
  folder.write("circle.yaml", "group: circle\ntask: [circle]\n");
  EXPECT_THAT(names({"circle"})[0], HasSubstr("too many groups hold each other"));
  folder.write("absent.yaml", "group: absent\ntask:\n  - one\n  - nine\n");
  EXPECT_THAT(names({"absent"})[0], HasSubstr("absent.yaml:4: there is no task, group or tag 'nine'"));
  folder.write("odd.yaml", "group: odd\ntask:\n  - [one]\n");
  EXPECT_THAT(names({"odd"})[0], HasSubstr("odd.yaml:3"));
  folder.write("sum.yaml",
               "group: sum\ntask: [one]\naggregate_metric_list: [{metric: acc, aggregation: max}]\n");
  EXPECT_THAT(names({"sum"})[0], HasSubstr("sum.yaml:3"));
  folder.write("empty.yaml", "group: empty\ntask: []\n");
  EXPECT_THAT(names({"empty"})[0], HasSubstr("has no tasks"));
}

}  // namespace
}  // namespace sizeup
