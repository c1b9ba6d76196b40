#include "tasks/metrics/table.h"

#include <algorithm>

#include "tasks/metrics/rows.h"

namespace sizeup {

std::span<const MetricEntry> metric_entries() {
  static const std::vector<MetricEntry> kEntries = [] {
    std::vector<MetricEntry> all;
    for (const auto rows : {label_rows(), text_rows()}) all.insert(all.end(), rows.begin(), rows.end());
    return all;
  }();
  return kEntries;
}

const MetricEntry* find_entry(std::string_view name) {
  const auto entries = metric_entries();
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const MetricEntry& entry) { return name == entry.name; });
  return found == entries.end() ? nullptr : &*found;
}

const char* needed_keys(Need need) {
  switch (need) {
    case Need::none:
      return "";
    case Need::labels:
      return "a fixed list of labels: doc_to_choice: [A, B, ...] or labels: [A, B, ...]";
    case Need::label_sets:
      return "labels: [A, B, ...]";
    case Need::miss_costs:
      return "labels with a cost: labels: [{name: A, cost_of_miss: 20}, B, ...]";
    case Need::schema:
      return "schema";
    case Need::schema_and_grounding:
      return "schema and grounding";
    case Need::grounding:
      return "grounding";
    case Need::repeats:
      return "repeats: several answers for each document";
    case Need::unsafe_code:
      return "unsafe_code: true (generated code is run, in the sandbox)";
    case Need::verbal_confidence:
      return "verbal_confidence: Confidence (the word before the number that an answer states)";
  }
  return "";
}

std::vector<MetricListing> metric_table() {
  std::vector<MetricListing> listing;
  for (const MetricEntry& entry : metric_entries()) {
    MetricListing& row = listing.emplace_back();
    row.info = {entry.name, entry.description, entry.higher_is_better, entry.aggregate == nullptr};
    row.output_types = entry.output_types;
    row.requires_keys = needed_keys(entry.need);
    row.example = entry.example;
  }
  return listing;
}

}  // namespace sizeup
