// The rows of the table of metrics, by subject.
#pragma once

#include <span>

#include "tasks/metrics/metric.h"

namespace sizeup {

std::span<const MetricEntry> label_rows();  // choices, labels, likelihoods
std::span<const MetricEntry> text_rows();   // written answers

}  // namespace sizeup
