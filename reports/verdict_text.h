// The answer in words. Fixed wordings, filled with numbers; a word like "good enough" appears only where a
// verdict says it.
#pragma once

#include <string>
#include <vector>

#include "reports/report_data.h"

namespace sizeup {

struct SentencePart {
  enum class Kind {
    plain,
    strong,  // the claim
    number,  // its evidence
  };
  Kind kind = Kind::plain;
  std::string text;
};

// `subject` is what the small model is called: "Small" on the page, its name on a terminal.
std::vector<SentencePart> verdict_parts(const ReportData& data, const std::string& subject);

// "−0.8 pp (−1.9…+0.3)" of a difference at its margin.
std::string difference_text(const ReportDifference& difference, double margin);

double margin_of(const ReportData& data, const ReportDifference& difference);
std::string task_name(const ReportData& data, int task);  // "all tasks" for -1

// How many times cheaper and faster the small model is; nothing where unknown. Below 1: dearer, slower.
std::optional<double> times_cheaper(const ReportData& data);
std::optional<double> times_faster(const ReportData& data);

const ReportLeader* leader_of(const ReportData& data, int model);

}  // namespace sizeup
