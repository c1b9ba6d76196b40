// Evidence as a file to commit beside the code that a gate guards: JSON, one line a sample, no texts.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/errors/result.h"
#include "harness/decide/evidence.h"

namespace sizeup {

inline constexpr std::string_view kBaselineSchema = "sizeup.baseline/1";

std::string to_baseline_text(const Evidence& evidence);
Result<void> write_baseline(const Evidence& evidence, const std::filesystem::path& file);

// Errors name file and member: not JSON, another schema, a member absent or of the wrong type, a number out
// of range, a task or document given twice.
Result<Evidence> read_baseline(const std::filesystem::path& file);
Result<Evidence> parse_baseline(std::string_view text, const std::string& place);

}  // namespace sizeup
