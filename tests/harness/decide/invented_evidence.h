// Evidence made up in memory: one task of documents doc-0, doc-1, ... with these scores.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/decide/evidence.h"

namespace sizeup {

inline EvidenceTask invented_task(const std::string& name, const std::vector<double>& scores) {
  EvidenceTask task;
  task.name = name;
  task.definition_hash = "definition";
  task.data_hash = "data";
  task.protocol = "generative";
  task.metric = "acc";
  for (size_t i = 0; i < scores.size(); ++i) {
    EvidenceSample sample;
    sample.document_id = "doc-" + std::to_string(i);
    sample.document_hash = "hash-" + std::to_string(i);
    sample.prompt_hash = "prompt-" + std::to_string(i);
    sample.score = scores[i];
    task.samples.push_back(std::move(sample));
  }
  return task;
}

inline Evidence invented_evidence(const std::string& model, std::vector<EvidenceTask> tasks) {
  Evidence evidence;
  evidence.source = model + ".json";
  evidence.run = "run";
  evidence.created = "2026-11-26T10:00:00.000Z";
  evidence.program = "sizeup test";
  evidence.machine = R"({"cpu":"none"})";
  evidence.model = model;
  evidence.reference = "./" + model + ".gguf";
  evidence.fingerprint = "f-" + model;
  evidence.precision = "bfloat16";
  evidence.packed_bytes = 1000;
  evidence.tasks = std::move(tasks);
  return evidence;
}

// `right` ones, then zeros.
inline std::vector<double> scores_of(size_t right, size_t all) {
  std::vector<double> scores(all, 0.0);
  for (size_t i = 0; i < right; ++i) scores[i] = 1.0;
  return scores;
}

}  // namespace sizeup
