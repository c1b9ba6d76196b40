// --data and what goes with it, for every command that takes a data file without a task file.
#pragma once

#include <cstdint>

#include "cli/command.h"
#include "tasks/own_data/own_data.h"

namespace sizeup::cli {

// --input, --target, --choices, --metric, --schema, --grounding, --slices, --dataset-name, --test-split. The
// file itself is the command's.
void add_own_data(CLI::App& app, OwnData& data);

// What the guess is, why, and the first prompt: on standard error. An error if more rows than `max_bad_rows`
// are bad.
Result<void> show_guess(const OwnData& data, const TaskGuess& guess, const HubSettings& hub,
                        int64_t max_bad_rows = 0);

}  // namespace sizeup::cli
