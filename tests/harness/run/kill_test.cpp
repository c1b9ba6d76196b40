// A run that is killed again and again, without warning, ends as if nothing had happened.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <random>
#include <set>

#include "run_fixture.h"

namespace sizeup {
namespace {

class KillTest : public RunFixture {
 protected:
  std::filesystem::path log;

  void SetUp() override {
    RunFixture::SetUp();
    log = folder / "asked.txt";
    settings.models = {"small=./s.gguf", "large=./l.gguf"};
    settings.tasks = {"choice", "write"};
    settings.latency_samples = 3;
    add_task("choice", OutputType::multiple_choice, 40);
    add_task("write", OutputType::generate_until, 40);
  }

  // The child's whole life: resume, or start if there is nothing to resume yet.
  int child_main() {
    const int file = ::open(log.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600);
    for (auto& [name, model] : models) {
      model.delay = std::chrono::microseconds(300);
      model.before = [file, model_name = name, this](const Request& request) {
        if (logs[model_name].runs.back().max_concurrent == 1)
          return;  // measurements are repeated, answers are not
        const std::string line = model_name + "/" + text_of(request) + "\n";
        if (::write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(99);
      };
    }
    RunEnvironment small_groups = environment();
    small_groups.commits = {.writes = 8, .delay = std::chrono::milliseconds(2)};
    settings.resume = "";
    Result<RunSummary> summary = execute(settings, progress, {}, small_groups);
    if (!summary) {  // no file, or killed before the run was in it
      settings.resume.reset();
      settings.name = "killed";
      summary = execute(settings, progress, {}, small_groups);
    }
    return summary ? 0 : 1;
  }

  std::vector<std::string> asked() const {
    std::vector<std::string> lines;
    std::ifstream file(log);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  // "model/request" of every stored response, in the words of the log.
  std::set<std::string> stored() const {
    if (!std::filesystem::exists(settings.db)) return {};
    const std::vector<std::string> rows = query(
        "SELECT CASE json_extract(key_json, '$.model') WHEN 's' THEN 'small' ELSE 'large' END || '/' || "
        "prompt.text || '|' || coalesce(json_extract(key_json, '$.continuation'), '') "
        "FROM response JOIN prompt ON prompt.id = prompt_id");
    return {rows.begin(), rows.end()};
  }

  // Everything that must not depend on how often a run was killed.
  std::vector<std::string> content() const {
    std::vector<std::string> rows = query(
        "SELECT model || task || scenario || metric || slice_field || slice_value || printf('%.17g %.17g "
        "%.17g', "
        "value, lo, hi) || n FROM results ORDER BY 1");
    for (const std::string& row : query(
             "SELECT model.name || task.name || document_id || answer || coalesce(confidence, '-') || "
             "details "
             "FROM answer JOIN evaluation ON evaluation.id = evaluation_id JOIN model ON model.id = model_id "
             "JOIN task ON task.id = evaluation.task_id JOIN sample ON sample.id = sample_id ORDER BY 1")) {
      rows.push_back(row);
    }
    for (const std::string& row : query("SELECT key FROM response ORDER BY 1")) rows.push_back(row);
    return rows;
  }
};

TEST_F(KillTest, NothingIsLostNothingIsAskedTwiceAndTheResultsAreTheSame) {
  std::mt19937 random(20261121);  // fixed: a failure can be repeated
  std::uniform_int_distribution<size_t> requests(1, 60);
  int kills = 0;
  for (bool finished = false; !finished;) {
    ASSERT_LT(kills, 1000) << "the run makes no progress";
    const std::set<std::string> before = stored();
    const size_t logged = asked().size();
    const size_t until = logged + requests(random);
    const pid_t child = fork();
    if (child == 0) _exit(child_main());
    int status = 0;
    // Killed after a random number of requests; small pauses, so that every moment of a commit is met.
    while (waitpid(child, &status, WNOHANG) == 0) {
      if (asked().size() < until) {
        usleep(200);
        continue;
      }
      usleep(static_cast<useconds_t>(random() % 3000));
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      ++kills;
      break;
    }
    finished = WIFEXITED(status);
    if (finished) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
    }
    const std::vector<std::string> lines = asked();
    for (size_t i = logged; i < lines.size(); ++i) {
      ASSERT_FALSE(before.contains(lines[i])) << "asked again although its response was stored: " << lines[i];
    }
  }
  EXPECT_GE(kills, 3);
  EXPECT_EQ(stored().size(), 2U * (40 * 3 + 40));
  EXPECT_EQ(query("SELECT count(*) FROM run")[0], "1");
  EXPECT_EQ(query("SELECT count(*) FROM run WHERE finished_at IS NULL")[0], "0");
  EXPECT_EQ(query("SELECT count(*) FROM evaluation WHERE finished_at IS NULL")[0], "0");
  EXPECT_EQ(query("SELECT count(*) FROM answer WHERE error IS NULL")[0], "160");
  EXPECT_EQ(query("SELECT count(*) FROM sample_response")[0], "320");
  EXPECT_EQ(query("SELECT count(*) FROM timing")[0], "12");
  EXPECT_EQ(query("PRAGMA integrity_check")[0], "ok");
  const std::vector<std::string> killed = content();

  settings.db = folder / "undisturbed.db";
  settings.resume.reset();
  done();
  EXPECT_EQ(content(), killed);
}

// The bundled model writes four answers to each question, drawn at temperature 0.8: what a resumed run draws
// must be what it would have drawn.
class DrawnKillTest : public RunFixture {
 protected:
  static constexpr int kDocumentsPerLife = 40;  // more than are answered before a kill

  void prepare(int kills) {
    const std::filesystem::path model = source_path("models/pocket/pocket-small.gguf");
    std::string rows;
    for (int i = 0; i < kills * kDocumentsPerLife; ++i) {
      rows +=
          fmt::format(R"({{"question": "Ticket {}: where is my parcel?", "answer": "orders"}})", i) + "\n";
    }
    own.write("drawn.jsonl", rows);
    const std::filesystem::path task = own.write("drawn.yaml", R"(task: drawn
dataset_path: json
dataset_kwargs: {data_files: {test: drawn.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}\nQueue:"
doc_to_target: "{{answer}}"
repeats: 4
generation_kwargs: {do_sample: true, temperature: 0.8, max_gen_toks: 6, until: ["\n"]}
metric_list: [{metric: exact_match}]
)");
    settings.models = {"small=" + model.string()};
    settings.tasks = {task.string()};
    settings.threads = 1;
  }

  RunEnvironment standard() const {
    RunEnvironment environment = RunEnvironment::standard(source_path("tasks/definitions"));
    environment.commits = {.writes = 2, .delay = std::chrono::milliseconds(1)};
    return environment;
  }

  // Says by a byte that something was committed.
  class Teller : public ProgressSink {
   public:
    explicit Teller(int pipe_end) : pipe_end_(pipe_end) {}
    void on_progress(const Progress&) override {
      [[maybe_unused]] const ssize_t written = ::write(pipe_end_, "c", 1);
    }
    void on_message(const std::string&) override {}

   private:
    int pipe_end_;
  };

  int child_main(int pipe_end) {
    Teller teller(pipe_end);
    settings.resume = "";
    Result<RunSummary> summary = execute(settings, teller, {}, standard());
    if (!summary) {  // killed before the run was in the file
      settings.resume.reset();
      settings.name = "killed";
      summary = execute(settings, teller, {}, standard());
    }
    return summary ? 0 : 1;
  }

  // Starts the run, and kills it at a random moment; false: it came to its end.
  bool live_and_be_killed(std::mt19937& random) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      _exit(child_main(ends[1]));
    }
    close(ends[1]);
    char byte = 0;
    for (auto commits = random() % 3; commits > 0 && read(ends[0], &byte, 1) == 1; --commits) {
    }
    usleep(static_cast<useconds_t>(random() % 4000));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    close(ends[0]);
    return WIFSIGNALED(status);
  }

  std::vector<std::string> content() const {
    std::vector<std::string> rows = query(
        "SELECT key || text || tokens || token_logprobs || finish FROM response UNION ALL "
        "SELECT document_id || answer || details || metric || printf('%.17g', value) FROM answer "
        "JOIN sample ON sample.id = answer.sample_id JOIN score USING (evaluation_id, sample_id) UNION ALL "
        "SELECT metric || printf('%.17g %.17g %.17g', value, lo, hi) || n FROM result");
    std::sort(rows.begin(), rows.end());
    return rows;
  }

  void kill_again_and_again(int kills) {
    prepare(kills);
    std::mt19937 random(20261126);  // fixed: a failure can be repeated
    int killed = 0;
    for (; killed < kills; ++killed) ASSERT_TRUE(live_and_be_killed(random)) << "the end after " << killed;
    settings.resume = "";
    Result<RunSummary> last = execute(settings, progress, {}, standard());
    ASSERT_TRUE(last.has_value()) << describe(last.error());
    EXPECT_EQ(last->samples_failed, 0);
    EXPECT_LT(last->requests_sent, 4 * kills * kDocumentsPerLife) << "the lives before left something";
    EXPECT_EQ(query("SELECT count(*) FROM run")[0], "1");
    EXPECT_EQ(query("PRAGMA integrity_check")[0], "ok");
    const std::vector<std::string> disturbed = content();

    settings.db = folder / "undisturbed.db";
    settings.resume.reset();
    settings.name = "undisturbed";
    ASSERT_TRUE(execute(settings, progress, {}, standard()).has_value());
    EXPECT_EQ(content(), disturbed);
    EXPECT_GT(std::set<std::string>(disturbed.begin(), disturbed.end()).size(), static_cast<size_t>(kills));
  }
};

TEST_F(DrawnKillTest, WhatIsDrawnDoesNotDependOnKills) {
  kill_again_and_again(4);
}

using SlowDrawnKillTest = DrawnKillTest;

TEST_F(SlowDrawnKillTest, FiftyKillsChangeNoByte) {
  kill_again_and_again(50);
}

}  // namespace
}  // namespace sizeup
