// What answers hang on besides the task, in fixed wordings.
#pragma once

#include <string>
#include <vector>

#include "reports/report_data.h"

namespace sizeup {

// How far the variants lie apart, and how far they would by chance. The entry has variants.
std::string spread_sentence(const ReportRobustness& entry);

// Which slice is the lowest, and whether it is shown to be below the others. The entry has a worst slice.
std::string worst_slice_sentence(const ReportRobustness& entry);

// The small model's lowest slice of the task where it is clearest that it is lower; null where there is none.
const ReportRobustness* worst_slice_of_candidate(const ReportData& data);

// Both of every model and task that has them, each with its names in front.
std::vector<std::string> robustness_sentences(const ReportData& data);

// The heading: claims only what a test that allows for the number of variants shows.
std::string robustness_finding(const ReportData& data);

// A variant's row: score, difference to the original with its interval in pp, how many answers became wrong
// and how many right, Holm's p. The original has a name and a score.
struct VariantCells {
  std::string name, score, difference, flips, holm_p;
};
std::vector<VariantCells> variant_cells(const ReportRobustness& entry);

}  // namespace sizeup
