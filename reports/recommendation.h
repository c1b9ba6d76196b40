// `sizeup recommend`: which of the models in a store is enough, in words and as data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"
#include "core/json/json_fwd.h"
#include "reports/report_data.h"

namespace sizeup {

class Store;

// All models of these runs (none named: of the latest one) against the requirements and against `best`
// (empty: the one with the best mean score). bad_input for a task in the requirements that no run has.
Result<RequirementsReport> load_recommendation(const Store& store, const std::vector<std::string>& runs,
                                               const std::string& best, const Requirements& requirements);

// What to take and why, then one sentence for each other model, then what no other model beats.
std::vector<std::string> recommendation_sentences(const RequirementsReport& report);

// Schema "sizeup.recommend/1": models with what they showed, each requirement with its answer, the choice.
Json to_json(const RequirementsReport& report);

// A requirement in words, "helpdesk within 5 pp of large", and its limit or metric.
struct RequirementWords {
  std::string text;
  std::string limit;
};
RequirementWords requirement_words(const RequirementsReport& report, const Judged& judged,
                                   std::string_view best);

// "−0.8 pp (−1.9…+0.3)", "not measured": what was found for it.
std::string found_words(const RequirementsReport& report, const ModelFacts& model, const Judged& judged);

std::string_view fit_word(Fit fit);   // "met", "not met", "not enough data", "unknown", "does not apply"
std::string_view fit_class(Fit fit);  // "yes", "no", "open", "open", "na": also the JSON's words

}  // namespace sizeup
