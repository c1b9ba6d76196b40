// Several stores into one: `sizeup db merge`. Which files come first, or come twice, makes no difference.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/errors/result.h"
#include "harness/store/store.h"

namespace sizeup {

struct MergeReport {
  int64_t runs = 0;  // that were not there
  int64_t samples = 0;
  int64_t responses = 0;
  int64_t differing = 0;  // responses that both had, with different content
  std::vector<std::pair<std::string, std::string>> renamed;  // from, to
};

// Adds what is in `from` to `into`, all or nothing. Rows are the same where their natural keys are:
//  - a run by its name, start, settings, seed and machine. Different runs of one name: the one that started
//    first keeps it, each other is called NAME@ and eight digits of its hash;
//  - an evaluation of one run that both have: the finished one, then the one with more answers, is taken
//  whole;
//  - a response by its key: whole texts before edited ones, then the earlier one.
// A file of an older version is brought up to date as a copy; one of a newer version is refused. usage error
// for more than ten files (SQLite's limit) or for `into` itself.
Result<MergeReport> merge_stores(Store& into, std::span<const std::filesystem::path> from);

}  // namespace sizeup
