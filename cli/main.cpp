// sizeup: is a small language model enough for this job?
#include <fmt/format.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <exception>

#include "cli/command.h"
#include "cli/version.h"

namespace sizeup::cli {
namespace {

constexpr std::array kCommands{
    Command{"run", "Evaluate models on tasks, store every answer, compare them", add_run},
    Command{"report", "Write an HTML, CSV or JSON report from the store", add_report},
    Command{"compare", "Compare two models' answers: differences, verdicts, the samples that flipped",
            add_compare},
    Command{"gate", "Hold a candidate against a policy's rules: pass, fail or not enough data", add_gate},
    Command{"baseline", "Save what a model reached as a file that gates compare with", add_baseline},
    Command{"recommend", "Name the smallest, cheapest or fastest model that is good enough", add_recommend},
    Command{"route", "When to ask the small model first and the large one after it", add_route},
    Command{"judge", "Ask models what they think of stored answers, and how far to trust that", add_judge},
    Command{"cost", "Cost of two models by volume, and where they break even", add_cost},
    Command{"export", "Write what models got wrong as data to train on", add_export},
    Command{"db", "Look after the store: check, merge, prune, export, import-labels", add_db},
    Command{"list", "List backends, models, tasks, runs or metrics", add_list},
    Command{"tasks", "Look at tasks: list, show, check, or begin one from a data file", add_tasks},
    Command{"inspect", "Show a model's architecture, tensors, tokenizer, template and memory", add_inspect},
    Command{"score", "Log-probabilities of continuations or texts, JSON lines in and out", add_score},
    Command{"generate", "Generated text for prompts or conversations, JSON lines in and out", add_generate},
    Command{"serve", "Answer over HTTP as OpenAI's API does: completions, chat, log-probabilities",
            add_serve},
    Command{"tokenize", "Texts to token ids (or back), JSON lines in and out", add_tokenize},
    Command{"render", "Conversations through a chat template, JSON lines in and out", add_render},
    Command{"bench", "Measure a model's speed beside what this machine can do at most", add_bench},
    Command{"quant-loss", "Measure how far a quantised model's probabilities are from its base's",
            add_quant_loss},
    Command{"doctor", "Show what this machine offers and what is missing", add_doctor},
};

int main(int argc, char** argv) {
  CLI::App app{"sizeup: is a small language model enough for this job, or do we need the large one?",
               "sizeup"};
  app.set_version_flag("--version", std::string("sizeup ") + kVersion);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::help);
  std::vector<std::pair<CLI::App*, std::function<Outcome()>>> commands;
  for (const Command& command : kCommands) {
    CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.description));
    commands.emplace_back(sub, command.add(*sub));
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 prints help, version or the mistake; its own statuses are folded into ours.
    return app.exit(error) == 0 ? 0 : exit_code(ErrorKind::usage);
  }

  for (const auto& [sub, action] : commands) {
    if (!sub->parsed()) continue;
    const Outcome outcome = action();
    if (outcome) return *outcome;
    fmt::print(stderr, "sizeup {}: {}\n", sub->get_name(), describe(outcome.error()));
    return exit_code(outcome.error().kind);
  }
  return exit_code(ErrorKind::usage);
}

}  // namespace
}  // namespace sizeup::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // `sizeup score ... | head` ends with a write error, not a signal
  try {
    return sizeup::cli::main(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sizeup: {}\nThis is a defect of sizeup; please report it with the command you ran.\n",
               error.what());
    return 70;  // EX_SOFTWARE of sysexits.h
  }
}
