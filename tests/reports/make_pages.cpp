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

int make(const std::filesystem::path& folder, const char* name, const InventedRun& what,
         const ReportOptions& options) {
  const std::filesystem::path db = folder / (std::string(name) + ".db");
  std::filesystem::remove(db);
  const Store store = make_invented_run(db, what);
  Result<ReportData> data = load_report(store, "", options);
  if (!data) return fail(data.error());
  if (auto done = write_html(*data, folder / (std::string(name) + ".html")); !done) return fail(done.error());
  if (auto done = write_json(*data, folder / (std::string(name) + ".json")); !done) return fail(done.error());
  if (auto done = write_csv(*data, folder / name); !done) return fail(done.error());
  fmt::print("{}: {}\n", name, verdict_sentence(*data));
  return 0;
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
  return failed == 0 ? 0 : 1;
}
