// What one model left in one run, as decisions need it: scores, results, times and costs without any text.
// It comes from a store (load_evidence) or from a file that stands for one (baseline_file.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/statistics/interval.h"
#include "harness/store/read_outcomes.h"
#include "harness/store/records.h"

namespace sizeup {

// A sample with its score by EvidenceTask::metric. From a file: sample_id and row are 0.
using EvidenceSample = OutcomeRow;

// What answering took; requests that were answered from the store took nothing.
struct EvidenceWork {
  int64_t samples = 0;
  int64_t tokens = 0;  // read and written
  double seconds = 0.0;
};

// Times of requests, in milliseconds.
struct EvidenceTimes {
  std::vector<double> ttft_ms;
  std::vector<double> total_ms;
};

// One task, scenario "offline", and what was timed of it in others.
struct EvidenceTask {
  std::string name;
  std::string definition_hash;
  std::string data_hash;
  std::string protocol;
  std::optional<int> num_fewshot;  // nothing: what the task file says
  bool chat_template = false;
  std::string metric;  // what differences compare, a share where higher is better; empty: nothing can be
  std::vector<std::string> metrics;  // that the task has, whether or not its samples gave a result
  std::vector<std::string> slice_fields;
  std::vector<EvidenceSample> samples;         // in the order of the data
  std::vector<ResultRow> results;              // as stored: overall first, then slices
  std::map<std::string, EvidenceTimes> times;  // by scenario: "single", "concurrent:8", "server:2.5"
  std::optional<EvidenceWork> work;
  std::optional<double> cost_per_sample;
  std::string currency;
  int64_t evaluation_id = 0;  // in the store; 0: from a file
};

struct Evidence {
  std::string source;  // the store's or the file's path: the place of errors
  std::string run;
  std::string created;  // UTC, ISO-8601
  std::string program;
  std::string machine;  // JSON; times can be compared where it is the same
  std::string model;
  std::string reference;  // without the folders of an absolute path
  std::string fingerprint;
  std::string precision;
  int64_t packed_bytes = 0;  // of the weights in memory; 0: unknown
  std::vector<EvidenceTask> tasks;
  std::vector<std::string> unfinished;  // tasks whose evaluation has not ended; they are not among `tasks`

  const EvidenceTask* find(const std::string& task) const;
  std::string label() const;  // "run:model"
};

// What a side of a comparison names in a store: "MODEL" (in the latest run that has it), "RUN:MODEL", or
// "RUN" for a run with one model; RUN may be "latest". Usage errors list what there is.
struct Side {
  RunRow run;
  std::string model;
};
Result<Side> find_side(const Store& store, const std::string& text);

Result<Evidence> load_evidence(const Store& store, const std::string& side);

}  // namespace sizeup
