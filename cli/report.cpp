// sizeup report [RUN]: the report's files from the store.
#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "harness/store/store.h"
#include "reports/report.h"

namespace sizeup::cli {
namespace {

struct ReportCommand {
  std::string run;
  std::string db = "sizeup.db";
  std::string html;
  std::string csv;
  std::string json;
  std::string markdown;
  std::string junit;
  std::string lm_eval;
  std::string requirements;
  ReportOptions options;
};

Outcome report(const ReportCommand& command) {
  ReportOptions options = command.options;
  if (command.html.empty() && command.csv.empty() && command.json.empty() && command.markdown.empty() &&
      command.junit.empty() && command.lm_eval.empty()) {
    return usage_error(
        "nothing to write",
        "give --html FILE, --csv FOLDER, --markdown FILE, --junit FILE, --json FILE or --lm-eval FOLDER");
  }
  if (!command.lm_eval.empty() && !command.options.redact.empty()) {
    return usage_error("--lm-eval writes texts as they are and cannot redact them",
                       "leave the texts out with --no-text");
  }
  if (!command.requirements.empty()) {
    auto read = read_requirements(command.requirements);
    if (!read) return forward_error(read);
    options.requirements = std::move(*read);
  }
  auto store = Store::open(command.db, StoreAccess::read);
  if (!store) return forward_error(store);
  auto data = load_report(*store, command.run, options);
  if (!data) return forward_error(data);
  if (!command.csv.empty()) {
    if (auto written = write_csv(*data, command.csv); !written) return forward_error(written);
  }
  if (!command.json.empty()) {
    if (auto written = write_json(*data, command.json); !written) return forward_error(written);
  }
  if (!command.markdown.empty()) {
    if (auto written = write_markdown(*data, command.markdown); !written) return forward_error(written);
  }
  if (!command.junit.empty()) {
    if (auto written = write_junit(*data, command.junit); !written) return forward_error(written);
  }
  if (!command.html.empty()) {
    if (auto written = write_html(*data, command.html); !written) return forward_error(written);
  }
  if (!command.lm_eval.empty()) {
    auto written = write_lm_eval(*store, command.run, !command.options.no_text, command.lm_eval);
    if (!written) return forward_error(written);
  }
  fmt::print("{}\n", verdict_sentence(*data));
  for (const std::string& sentence : ladder_sentences(*data)) fmt::print("{}\n", sentence);
  for (const std::string& path :
       {command.csv, command.json, command.markdown, command.junit, command.html, command.lm_eval}) {
    if (!path.empty()) fmt::print("{}\n", path);
  }
  return 0;
}

}  // namespace

std::function<Outcome()> add_report(CLI::App& app) {
  auto command = std::make_shared<ReportCommand>();
  app.add_option("run", command->run, "Name of a run (default: the latest)");
  app.add_option("--db", command->db, "The store")->capture_default_str();
  app.add_option("--html", command->html, "One self-contained page");
  app.add_option("--csv", command->csv, "A folder of tables");
  app.add_option("--json", command->json, "The page's data as one JSON object");
  app.add_option("--markdown", command->markdown, "Verdict, differences and models as Markdown");
  app.add_option("--junit", command->junit, "Answers, differences and requirements as JUnit XML");
  app.add_option("--lm-eval", command->lm_eval,
                 "A folder of results and samples in lm-evaluation-harness's form");
  app.add_option("--baseline", command->options.baseline,
                 "The model compared with (default: most parameters, then most bytes)");
  app.add_option("--candidate", command->options.candidate,
                 "The model in question (default: fewest parameters, then fewest bytes)");
  app.add_option("--ladder", command->options.ladder,
                 "Models that are the same weights at several precisions (default: by file and shape)")
      ->delimiter(',');
  app.add_option("--requirements", command->requirements,
                 "What the job asks, YAML (docs/report.md); its margins are those of the differences");
  app.add_flag("--no-text", command->options.no_text, "Leave prompts, answers and sources out");
  app.add_option("--redact", command->options.redact,
                 "Regular expression whose matches become [redacted]; repeat for several");
  return [command] { return report(*command); };
}

}  // namespace sizeup::cli
