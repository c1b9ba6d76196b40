// One command of the program: what it adds to the command line, and what it does.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string_view>

#include "core/errors/result.h"

namespace sizeup::cli {

// The exit status of a command (design: 0 done, 1 finished with failures, 2 usage, 3 bad input,
// 4 unavailable, 130 interrupted), or the error that ends it.
using Outcome = Result<int>;

// A row of the table in main.cpp. `add` declares the options on `app` and returns what runs when it is
// chosen.
struct Command {
  std::string_view name;
  std::string_view description;
  std::function<Outcome()> (*add)(CLI::App& app);
};

// Defined one a file: run.cpp, report.cpp, ...
std::function<Outcome()> add_run(CLI::App& app);
std::function<Outcome()> add_report(CLI::App& app);
std::function<Outcome()> add_compare(CLI::App& app);
std::function<Outcome()> add_gate(CLI::App& app);
std::function<Outcome()> add_baseline(CLI::App& app);
std::function<Outcome()> add_recommend(CLI::App& app);
std::function<Outcome()> add_route(CLI::App& app);
std::function<Outcome()> add_judge(CLI::App& app);
std::function<Outcome()> add_cost(CLI::App& app);
std::function<Outcome()> add_export(CLI::App& app);
std::function<Outcome()> add_db(CLI::App& app);
std::function<Outcome()> add_list(CLI::App& app);
std::function<Outcome()> add_tasks(CLI::App& app);
std::function<Outcome()> add_inspect(CLI::App& app);
std::function<Outcome()> add_score(CLI::App& app);
std::function<Outcome()> add_generate(CLI::App& app);
std::function<Outcome()> add_serve(CLI::App& app);
std::function<Outcome()> add_tokenize(CLI::App& app);
std::function<Outcome()> add_render(CLI::App& app);
std::function<Outcome()> add_bench(CLI::App& app);
std::function<Outcome()> add_quant_loss(CLI::App& app);
std::function<Outcome()> add_doctor(CLI::App& app);

}  // namespace sizeup::cli
