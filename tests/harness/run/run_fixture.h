// Runs of fake models on fake tasks into a store in a folder of its own.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "fake_backend.h"
#include "fake_task.h"
#include "harness/run/run.h"
#include "harness/store/read.h"
#include "tests/support/files.h"

namespace sizeup {

class SilentProgress : public ProgressSink {
 public:
  void on_progress(const Progress& progress) override { seen.push_back(progress); }
  void on_message(const std::string& text) override { messages.push_back(text); }

  std::vector<Progress> seen;
  std::vector<std::string> messages;
};

class RunFixture : public testing::Test {
 protected:
  TemporaryFolder own;
  const std::filesystem::path& folder = own.path();
  RunSettings settings;
  std::string machine = "{}";
  std::map<std::string, FakeModel> models;  // by name
  std::map<std::string, FakeLog> logs;      // by model name
  std::map<std::string, std::function<std::unique_ptr<Task>()>> tasks;
  SilentProgress progress;
  std::stop_source stop;
  std::vector<ModelReference> opened;
  std::vector<TaskOptions> task_options;
  int bad_rows = 0;  // of each task

  void SetUp() override {
    settings.db = folder / "sizeup.db";
    settings.models = {"small=./small.gguf"};
    settings.tasks = {"choice"};
    settings.latency_samples = 0;
    settings.now = "2026-11-21T03:00:00";
    models["small"] = {.name = "small", .fingerprint = "s"};
    models["large"] = {.name = "large", .fingerprint = "l"};
    add_task("choice", OutputType::multiple_choice, 6);
    add_task("write", OutputType::generate_until, 5);
    add_task("read", OutputType::loglikelihood_rolling, 2);
  }

  void add_task(const std::string& name, OutputType type, int documents, const std::string& system = "") {
    tasks[name] = [=] { return std::make_unique<FakeTask>(name, type, documents, system); };
  }

  RunEnvironment environment() {
    RunEnvironment environment;
    environment.program = "sizeup test";
    environment.machine = machine;
    environment.open_model = [this](const ModelReference& reference) -> Result<std::unique_ptr<Backend>> {
      opened.push_back(reference);
      return std::make_unique<FakeBackend>(models.at(reference.name), logs[reference.name]);
    };
    environment.select_tasks = [](const std::vector<std::string>& names) -> Result<TaskSelection> {
      TaskSelection selection;
      for (const std::string& name : names) selection.tasks.push_back({name, std::nullopt});
      return selection;
    };
    environment.open_task = [this](const std::string& name,
                                   const TaskOptions& options) -> Result<std::unique_ptr<Task>> {
      task_options.push_back(options);
      for (int row = 1; row <= bad_rows; ++row) {
        Result<void> counted =
            options.bad_rows->add({ErrorKind::bad_input, fmt::format("a.jsonl:{}", row), "odd", {}, {}});
        if (!counted) return forward_error(counted);
      }
      const auto found = tasks.find(name);
      if (found == tasks.end()) return bad_input(name, "no such task");
      return found->second();
    };
    return environment;
  }

  Result<RunSummary> run() { return execute(settings, progress, stop.get_token(), environment()); }

  // The run must succeed.
  RunSummary done() {
    Result<RunSummary> summary = run();
    EXPECT_TRUE(summary.has_value()) << describe(summary.error());
    return summary ? *summary : RunSummary{};
  }

  Store store() const {
    Result<Store> opened_store = Store::open(settings.db, StoreAccess::read);
    if (!opened_store) throw std::runtime_error(describe(opened_store.error()));
    return std::move(*opened_store);
  }

  // First column of the rows of a query, as another program reads the file.
  std::vector<std::string> query(const std::string& sql) const {
    sqlite3* handle = nullptr;
    EXPECT_EQ(sqlite3_open(settings.db.c_str(), &handle), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(handle, sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle);
    std::vector<std::string> rows;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
      rows.emplace_back(text == nullptr ? "NULL" : text);
    }
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return rows;
  }
};

}  // namespace sizeup
