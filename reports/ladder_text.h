// A quantisation ladder in words: fixed wordings, filled with numbers.
#pragma once

#include <string>

#include "reports/report_data.h"

namespace sizeup {

// What tells a rung from the others: "Q4_0", "F32 in bfloat16", or with the model's name.
std::string rung_label(const ReportData& data, const ReportLadder& ladder, const ReportRung& rung);

// Bits that a weight takes as stored; NaN if unknown.
double bits_per_weight(const ReportModel& model);

// Whether a rung's difference lies above -margin, by its widened interval.
Verdict ladder_verdict(const ReportData& data, const ReportDifference& difference);

// "−1.6 pp (−2.9…−0.3)", the widened interval.
std::string widened_text(const ReportData& data, const ReportDifference& difference);

// "Q4_0 is the first step down from F16 that costs accuracy beyond noise".
std::string ladder_finding(const ReportData& data, const ReportLadder& ladder);

// The same with the evidence, one sentence: which tasks, how much, how many comparisons.
std::string ladder_sentence(const ReportData& data, const ReportLadder& ladder);

}  // namespace sizeup
