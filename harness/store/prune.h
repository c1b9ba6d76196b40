// Runs that are no longer wanted, and what only they used: `sizeup db prune`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/errors/result.h"
#include "harness/store/store.h"

namespace sizeup {

// Which runs go: those that all given rules choose. By number or by age only finished runs are chosen, as one
// that is not may be running.
struct PruneRule {
  std::optional<int64_t> keep = {};       // all finished runs but so many of the newest
  std::optional<double> older_than = {};  // days since the run was started
  std::vector<std::string> runs = {};     // these, finished or not
};

struct PruneReport {
  std::vector<std::string> runs;                      // their names, oldest first
  std::vector<std::pair<std::string, int64_t>> rows;  // removed, by table
  int64_t bytes = 0;                                  // that the file became smaller; at least so many if dry
  std::optional<Error> not_compacted;                 // the rows are gone, but the file keeps its size
};

// `now` is UTC as stored_now() writes it. With `dry_run` nothing changes. bad_input for a run that is not
// there. Responses, samples and models that another run uses stay.
Result<PruneReport> prune_store(Store& store, const PruneRule& rule, const std::string& now, bool dry_run);

}  // namespace sizeup
