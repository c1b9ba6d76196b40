// The reading of metric_list.
#pragma once

#include <string>
#include <vector>

#include "tasks/metrics/table.h"
#include "tasks/yaml.h"

namespace sizeup {

// A metric of a task with its options.
struct MetricUse {
  const MetricEntry* entry = nullptr;
  MetricParameters parameters;
  std::string name;  // the entry's; with the class that it is about: "recall:fraud"

  // Of its scores: the name, or one for each k ("pass@1", "pass@10").
  std::vector<std::string> names() const;
};

// metric_list, or the output type's default metrics where it is empty. Errors: unknown metrics and options,
// metrics that do not fit the output type or need another key of the task file.
Result<std::vector<MetricUse>> read_metrics(const std::vector<YamlNode>& list, const ScoringFacts& facts,
                                            const std::string& file);

}  // namespace sizeup
