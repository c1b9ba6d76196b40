// sizeup db: the store's file itself: check, merge, prune, export, import-labels.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/command.h"
#include "cli/table.h"
#include "core/json/json.h"
#include "harness/labels/label_file.h"
#include "harness/store/check.h"
#include "harness/store/merge.h"
#include "harness/store/prune.h"
#include "harness/store/views.h"
#include "reports/views/write_views.h"

namespace sizeup::cli {
namespace {

struct DbCommand {
  std::string db = "sizeup.db";
  bool json = false;
  std::vector<std::filesystem::path> from;
  PruneRule prune;
  bool dry_run = false;
  std::string folder;
  ViewFormat format = ViewFormat::csv;
  std::string labels;
};

Outcome check(const DbCommand& command) {
  auto checked = check_store(command.db);
  if (!checked) return forward_error(checked);
  const int status = checked->problems.empty() ? 0 : 1;
  if (command.json) {
    Json rows = Json::object();
    for (const auto& [table, count] : checked->rows) rows[table] = count;
    fmt::print("{}\n", to_line({{"version", checked->version},
                                {"bytes", checked->bytes},
                                {"rows", rows},
                                {"problems", checked->problems},
                                {"notes", checked->notes}}));
    return status;
  }
  Table table({"table", "rows"});
  for (const auto& [name, count] : checked->rows) table.add({name, fmt::format("{}", count)});
  fmt::print("{}: version {}, {}\n{}", command.db, checked->version, bytes_in_words(checked->bytes),
             table.to_text());
  for (const std::string& note : checked->notes) fmt::print("note: {}\n", note);
  for (const std::string& problem : checked->problems) fmt::print("problem: {}\n", problem);
  if (status == 0) fmt::print("no problem found\n");
  return status;
}

// For writing, but not made: a mistyped name must not leave an empty store.
Result<Store> open_existing(const std::string& db) {
  if (auto there = Store::open(db, StoreAccess::read); !there) return there;
  return Store::open(db, StoreAccess::write);
}

Outcome merge(const DbCommand& command) {
  auto store = Store::open(command.db, StoreAccess::write);
  if (!store) return forward_error(store);
  auto merged = merge_stores(*store, command.from);
  if (!merged) return forward_error(merged);
  fmt::print("{}: {} runs, {} samples and {} responses are new\n", command.db, merged->runs, merged->samples,
             merged->responses);
  for (const auto& [from, to] : merged->renamed) fmt::print("run '{}' is now called '{}'\n", from, to);
  if (merged->differing > 0) {
    fmt::print(
        "{} responses differ between the files for the same question: the earlier one is kept, scores stay "
        "as they were given\n",
        merged->differing);
  }
  return 0;
}

Outcome prune(const DbCommand& command) {
  const PruneRule& rule = command.prune;
  const bool by_rule = rule.keep || rule.older_than;
  if (by_rule == !rule.runs.empty()) {
    return usage_error(
        by_rule ? "--run names the runs that go, so no rule can choose others" : "no run is chosen",
        "--keep N, --older-than DAYS, or --run NAME");
  }
  auto store = open_existing(command.db);
  if (!store) return forward_error(store);
  auto pruned = prune_store(*store, rule, stored_now(), command.dry_run);
  if (!pruned) return forward_error(pruned);
  if (pruned->runs.empty()) {
    fmt::print("nothing to remove\n");
    return 0;
  }
  const char* verb = command.dry_run ? "would be removed" : "removed";
  for (const std::string& run : pruned->runs) fmt::print("run '{}' {}\n", run, verb);
  for (const auto& [table, rows] : pruned->rows) fmt::print("  {} rows of {}\n", rows, table);
  if (pruned->not_compacted) {
    fmt::print("the file keeps its size, and may hold what was removed: {}\n",
               describe(*pruned->not_compacted));
    return 0;
  }
  fmt::print("{}{} {}\n", command.dry_run ? "at least " : "", bytes_in_words(pruned->bytes),
             command.dry_run ? "would be freed" : "freed");
  return 0;
}

Outcome write(const DbCommand& command) {
  auto store = Store::open(command.db, StoreAccess::read);
  if (!store) return forward_error(store);
  auto written = write_views(*store, command.folder, command.format);
  if (!written) return forward_error(written);
  for (const WrittenView& view : *written) fmt::print("{}: {} rows\n", view.file.string(), view.rows);
  return 0;
}

// How the stored scores agree with the people, as it is now.
Result<Table> agreement(const Store& store) {
  Table table({"run", "model", "task", "annotator", "n", "score", "people's", "agreement", "kappa"});
  const std::vector<size_t> columns = {0, 1, 2, 3, 5, 6, 7, 8, 9};  // of the view label_agreement
  auto read = read_view(store, "label_agreement", {}, [&](std::span<const ViewCell> row) -> Result<void> {
    std::vector<std::string> cells;
    for (const size_t column : columns) {
      const ViewCell& cell = row[column];
      const auto* text = std::get_if<std::string>(&cell);
      const auto* integer = std::get_if<int64_t>(&cell);
      const auto* real = std::get_if<double>(&cell);
      cells.push_back(text      ? *text
                      : integer ? fmt::format("{}", *integer)
                      : real    ? number(*real, 4)
                                : "none");
    }
    table.add(std::move(cells));
    return {};
  });
  if (!read) return forward_error(read);
  return table;
}

Outcome import_labels(const DbCommand& command) {
  auto file = read_label_file(command.labels);
  if (!file) return forward_error(file);
  auto store = open_existing(command.db);
  if (!store) return forward_error(store);
  auto stored = store_labels(*store, file->labels);
  if (!stored) return forward_error(stored);
  auto table = agreement(*store);
  if (!table) return forward_error(table);
  fmt::print("{} labels imported, {} of them in place of earlier ones\n{}", stored->imported,
             stored->replaced, table->to_text());
  for (const auto* refused : {&file->refused, &stored->refused}) {
    for (const Error& error : *refused) fmt::print(stderr, "{}\n", describe(error));
  }
  return file->refused.empty() && stored->refused.empty() ? 0 : 1;
}

}  // namespace

std::function<Outcome()> add_db(CLI::App& app) {
  auto command = std::make_shared<DbCommand>();
  app.require_subcommand(1);
  CLI::App* check_app = app.add_subcommand("check", "Whether a store is whole, and what is in it");
  check_app->add_option("file", command->db, "The store")->capture_default_str();
  check_app->add_flag("--json", command->json, "Print JSON");

  CLI::App* merge_app = app.add_subcommand("merge", "Add what is in other stores to one");
  merge_app->add_option("into", command->db, "The store that grows; made if it is not there")->required();
  merge_app->add_option("from", command->from, "The others; they stay as they are")->required();

  CLI::App* prune_app = app.add_subcommand("prune", "Remove runs, and what only they used");
  prune_app->add_option("--db", command->db, "The store")->capture_default_str();
  prune_app->add_option("--keep", command->prune.keep, "Keep the newest N finished runs")
      ->check(CLI::NonNegativeNumber);
  prune_app
      ->add_option("--older-than", command->prune.older_than, "Remove finished runs of more than N days ago")
      ->check(CLI::NonNegativeNumber);
  prune_app->add_option("--run", command->prune.runs, "Remove this run, finished or not; repeat for several");
  prune_app->add_flag("--dry-run", command->dry_run, "Say what would go, and change nothing");

  CLI::App* export_app = app.add_subcommand("export", "Write each view of the store to a file");
  export_app->add_option("folder", command->folder, "Where to")->required();
  export_app->add_option("--db", command->db, "The store")->capture_default_str();
  export_app->add_option("--format", command->format, "csv or jsonl")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, ViewFormat>{{"csv", ViewFormat::csv}, {"jsonl", ViewFormat::json_lines}}));

  CLI::App* labels_app = app.add_subcommand(
      "import-labels", "Take in what people said of answers, and compare the scores with it");
  labels_app
      ->add_option("file", command->labels,
                   "Rows of task, document_id, label or score, and if need be model, run, annotator")
      ->required();
  labels_app->add_option("--db", command->db, "The store")->capture_default_str();

  return [=] {
    if (check_app->parsed()) return check(*command);
    if (merge_app->parsed()) return merge(*command);
    if (prune_app->parsed()) return prune(*command);
    if (export_app->parsed()) return write(*command);
    return import_labels(*command);
  };
}

}  // namespace sizeup::cli
