// The table of all metrics.
#pragma once

#include <span>
#include <string_view>

#include "tasks/metrics/metric.h"

namespace sizeup {

std::span<const MetricEntry> metric_entries();

const MetricEntry* find_entry(std::string_view name);  // null if there is none

// The keys of a task file that meet a need, in words; empty for none.
const char* needed_keys(Need need);

}  // namespace sizeup
