// The samples that a model got wrong, in the form that fine-tuning tools read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/store/store.h"

namespace sizeup {

struct FailuresOptions {
  std::string run;                  // empty: the latest
  std::string model;                // empty: all
  std::string task;                 // empty: all
  std::vector<std::string> redact;  // patterns whose matches become [redacted]
};

// JSON lines {"instruction", "input", "output", "metadata"}: the prompt, an empty input (a prompt is one
// text), the expected answer, and in the metadata what the model answered and how it was scored. Returns how
// many. bad_input if the run was stored without texts, or has no such model or task.
Result<int64_t> write_failures(const Store& store, const FailuresOptions& options,
                               const std::filesystem::path& file);

}  // namespace sizeup
