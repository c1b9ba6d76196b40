// sizeup export: parts of the store in the form of other tools.
#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "reports/failures/write_failures.h"

namespace sizeup::cli {
namespace {

struct ExportCommand {
  std::string db = "sizeup.db";
  std::string failures;
  FailuresOptions options;
};

Outcome write(const ExportCommand& command) {
  auto store = Store::open(command.db, StoreAccess::read);
  if (!store) return forward_error(store);
  auto written = write_failures(*store, command.options, command.failures);
  if (!written) return forward_error(written);
  fmt::print("{}: {} samples\n", command.failures, *written);
  return 0;
}

}  // namespace

std::function<Outcome()> add_export(CLI::App& app) {
  auto command = std::make_shared<ExportCommand>();
  app.add_option("--failures", command->failures,
                 "JSON lines of instruction, input and output: what was answered wrong, to train on")
      ->required();
  app.add_option("--db", command->db, "The store")->capture_default_str();
  app.add_option("--run", command->options.run, "Name of a run (default: the latest)");
  app.add_option("--model", command->options.model, "Only of this model");
  app.add_option("--task", command->options.task, "Only of this task");
  app.add_option("--redact", command->options.redact,
                 "Regular expression whose matches become [redacted]; repeat for several");
  return [command] { return write(*command); };
}

}  // namespace sizeup::cli
