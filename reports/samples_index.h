// The samples of a report as columns: what the page's browser lists, and what filters and links mean.
#pragma once

#include <string>
#include <vector>

#include "core/json/json_fwd.h"
#include "reports/report_data.h"

namespace sizeup {

inline constexpr size_t kSamplesInBlock = 1000;

// The samples that a page embeds: all of them up to 100,000; above that those on which the models differ or
// fail first, then every k-th of the others.
std::vector<const ReportSample*> embedded_samples(const ReportData& data);

// "both", "small", "large" or "none" were right.
std::string outcome_of(const ReportSample& sample, bool pair);

// A slice field's column: its own name, or with "slice_" before it where that is taken.
struct SliceColumn {
  std::string field;
  std::string column;
  std::vector<std::string> values;  // in order of appearance
};
std::vector<SliceColumn> slice_columns(const ReportData& data);

// The kinds of invented answers that the report counts: bit k of the index's column `invented`.
std::vector<std::string> invented_keys(const ReportData& data);

// The member `samples` of the data block, the index block, and text block number `block`.
Json samples_header(const ReportData& data);
Json samples_index(const ReportData& data);
Json samples_texts(const std::vector<const ReportSample*>& samples, size_t block, bool pair);

}  // namespace sizeup
