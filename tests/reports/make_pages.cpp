// make_pages FOLDER: the invented runs as pages, for the browser test.
#include <fmt/format.h>

#include <filesystem>

#include "reports/report.h"
#include "tests/reports/invented_run.h"

namespace {

using namespace sizeup;

int fail(const Error& error) {
  fmt::print(stderr, "{}\n", describe(error));
  return 1;
}

int write(const std::filesystem::path& folder, const std::string& name, const Store& store,
          const ReportOptions& options) {
  Result<ReportData> data = load_report(store, "", options);
  if (!data) return fail(data.error());
  if (auto done = write_html(*data, folder / (name + ".html")); !done) return fail(done.error());
  if (auto done = write_json(*data, folder / (name + ".json")); !done) return fail(done.error());
  if (auto done = write_csv(*data, folder / name); !done) return fail(done.error());
  fmt::print("{}: {}\n", name, verdict_sentence(*data));
  return 0;
}

int make(const std::filesystem::path& folder, const std::string& name, const InventedRun& what,
         const ReportOptions& options) {
  const std::filesystem::path db = folder / (name + ".db");
  std::filesystem::remove(db);
  return write(folder, name, make_invented_run(db, what), options);
}

// Six days of one job, the weights changed on the fourth, with requirements.
int make_history(const std::filesystem::path& folder) {
  const std::filesystem::path db = folder / "history.db";
  std::filesystem::remove(db);
  InventedRun run;
  for (int day = 16; day <= 21; ++day) {
    run.day = fmt::format("2026-11-{}", day);
    run.version = day < 19 ? 0 : 1;
    make_invented_run(db, run);
  }
  ReportOptions options;
  Requirements job;
  job.source = "requirements.yaml";
  job.margin = 0.1;
  job.minimums["helpdesk"] = 0.9;
  job.p95_ms = 60;
  job.budget = MonthlyBudget{5, "EUR", 100'000};
  job.memory_bytes = 20'000'000;
  job.local_only = true;
  options.requirements = job;
  Result<Store> store = Store::open(db, StoreAccess::read);
  return store ? write(folder, "history", *store, options) : fail(store.error());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: make_pages FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  ReportOptions no_text;
  no_text.no_text = true;
  int failed = make(folder, "pair", {}, {});
  failed += make(folder, "hostile", {.models = 2, .hostile = true, .prices = true, .timings = true}, {});
  failed += make(folder, "single", {.models = 1, .hostile = false, .prices = false, .timings = false}, {});
  failed += make(folder, "three", {.models = 3, .hostile = false, .prices = true, .timings = true}, no_text);
  InventedRun ladder;
  ladder.models = 3;
  ladder.ladder = true;
  failed += make(folder, "ladder", ladder, no_text);
  failed += make_history(folder);
  return failed == 0 ? 0 : 1;
}
