// Which models of a run are the same weights at several precisions.
#pragma once

#include <string>
#include <vector>

#include "reports/load/run_data.h"
#include "reports/report_data.h"

namespace sizeup {

struct WeightFamily {
  std::vector<int> models;  // indices, in the run's order
  std::string reason;       // why, in words
};

// Families of at least two models of the built-in engine that differ in the format of their weights or in the
// precision of products. By this rule:
// 1. One file: the same fingerprint, or the same reference up to options that change precision or speed only
//    (quant, dtype, device, cpu_tier, draft, now).
// 2. Several files: the same architecture, number of parameters, vocabulary and context, if no weight format
//    occurs in two of them. Two files of one format are two models (a base and its fine-tuned form), and then
//    nothing says which of the others belongs to which.
// rows[i] and models[i] describe the same model.
std::vector<WeightFamily> same_weights(const std::vector<ModelRow>& rows,
                                       const std::vector<ReportModel>& models);

}  // namespace sizeup
