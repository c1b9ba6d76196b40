// sizeup baseline save SIDE --out F.json: what a model reached, as a file to commit.
#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "harness/decide/baseline_file.h"
#include "harness/store/store.h"

namespace sizeup::cli {
namespace {

struct BaselineCommand {
  std::string side;
  std::string out;
  std::string db = "sizeup.db";
};

Outcome save(const BaselineCommand& command) {
  if (!command.out.ends_with(".json")) {
    return usage_error(fmt::format("--out {}: a baseline's file ends in .json", command.out),
                       "that is how `compare` and `gate` tell it from a run's name");
  }
  auto store = Store::open(command.db, StoreAccess::read);
  if (!store) return forward_error(store);
  auto evidence = load_evidence(*store, command.side);
  if (!evidence) return forward_error(evidence);
  if (auto written = write_baseline(*evidence, command.out); !written) return forward_error(written);
  size_t samples = 0;
  for (const EvidenceTask& task : evidence->tasks) samples += task.samples.size();
  fmt::print("{}: {}, {} task{}, {} samples\n", command.out, evidence->label(), evidence->tasks.size(),
             evidence->tasks.size() == 1 ? "" : "s", samples);
  return 0;
}

}  // namespace

std::function<Outcome()> add_baseline(CLI::App& app) {
  auto command = std::make_shared<BaselineCommand>();
  CLI::App* saved = app.add_subcommand("save", "Write the file");
  app.require_subcommand(1);
  saved->footer(
      "The file holds scores, results, times, costs and hashes, and no prompt, answer or document. Document "
      "ids "
      "and slice values\nare in it. A run that stays in the store needs no file: name it with `sizeup run "
      "--name release-1 ...` and say\nrelease-1:MODEL.");
  saved->add_option("side", command->side, "MODEL (in its latest run), RUN:MODEL, or RUN")->required();
  saved->add_option("--out", command->out, "The file to write (.json)")->required();
  saved->add_option("--db", command->db, "The store")->capture_default_str();
  return [command] { return save(*command); };
}

}  // namespace sizeup::cli
