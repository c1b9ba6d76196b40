// What routers go by, of a stored answer or of one that has just been scored.
#pragma once

#include <cstdint>
#include <string_view>

#include "harness/store/records.h"

namespace sizeup {

// Whether the task's answers state a confidence themselves, which its metric confidence_stated says.
bool states_in_words(const TaskRow& task);

// The kind of confidence that a task's answers state, as policies name it. `metric` is the one that compares
// models; `in_words` is what
// states_in_words says.
std::string_view confidence_kind(std::string_view output_type, std::string_view metric, bool in_words);

// That confidence; NaN: the answer states none between 0 and 1.
double stated_confidence(const AnswerRow& answer, std::string_view metric);

// What checks of the answer found, bit i for kRejections[i]. `score` is that of the metric which compares
// models: it says whether tests passed.
uint32_t rejections_of(const AnswerRow& answer, double score);

// "sandbox" is found as "sandbox" and as "sandbox,strict", whichever filter pipeline wrote it; null: neither.
const std::string* find_detail(const AnswerRow& answer, std::string_view name);

}  // namespace sizeup
