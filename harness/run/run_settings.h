// What a run is made of: the command line's options, and the YAML run file with the same words as keys.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"
#include "harness/cost/assumptions.h"
#include "harness/load/limits.h"
#include "harness/load/scenario.h"
#include "tasks/own_data/own_data.h"

namespace sizeup {

enum class ProtocolChoice { automatic, likelihood, generative };

struct RunSettings {
  std::string name;                 // of the run; empty: today's date and a number
  std::vector<std::string> models;  // model references
  std::vector<std::string> tasks;   // built-in names, groups or tags, or YAML files
  std::optional<OwnData> data;      // a data file whose task is guessed, beside `tasks`
  int64_t limit = 0;                // documents of each task, from the first; 0: all
  std::optional<int> num_fewshot;   // nothing: as each task file says
  int64_t max_bad_rows = 0;         // of each task's data: so many are left out, one more is an error
  std::filesystem::path data_dir;   // of the benchmarks' official files; may be empty
  std::filesystem::path db = "sizeup.db";
  ProtocolChoice protocol = ProtocolChoice::automatic;
  std::optional<bool> apply_chat_template;  // nothing: when every model has a chat template
  std::string system_instruction;           // before every task's description
  std::optional<std::string> gen_prefix;    // how answers begin, instead of what the task files say
  bool fewshot_as_multiturn = false;        // examples as turns of the conversation; needs a chat template
  std::map<std::string, std::vector<int64_t>> samples;  // by task name: its documents to ask, from 0
  std::string think_end;  // what stands before its last occurrence in an answer was thought, not said
  uint64_t seed = 1234;   // of sampling and of the latency sample; lm-evaluation-harness's
  std::string now;        // ISO-8601, what templates see; empty: when the run starts
  std::map<std::string, Prices> prices;  // by model name; names of a price file are looked up
  CostAssumptions cost;
  int latency_samples = 40;                              // of each task, measured in `scenario`; 0: none
  Scenario scenario = {.kind = Scenario::Kind::single};  // of latencies; offline: none are measured
  LatencyLimits limits;                                  // that goodput counts by
  int threads = 0;                                       // 0: all available processors
  bool durable = false;                                  // survive a loss of power, not only a kill
  bool no_text = false;             // keep prompts, targets, answers and sources out of the store
  std::vector<std::string> redact;  // what these patterns match in them is masked before it is stored
  bool measures_latency() const { return latency_samples > 0 && scenario.has_latencies(); }

  // In stored settings only, where patterns may be as secret as what they match: what they were.
  std::string redact_sha256;

  // Likewise: what the tasks say of judging their answers (Task::judge_rule), by their names, and what a run
  // judges, if it does (harness/judge), in JSON.
  std::map<std::string, std::string> judges;
  std::string judging;

  // Not in the file: continue this run of `db` ("": the newest unfinished one) with the settings it stored.
  std::optional<std::string> resume;
};

// Reads a run file. Relative paths in it are relative to its folder. Unknown keys, wrong types and numbers
// out of range are errors with file, line and key.
Result<RunSettings> read_run_file(const std::filesystem::path& file);

// The same from text; `place` names it in errors, `folder` is what relative paths are joined to (may be
// empty).
Result<RunSettings> parse_run_settings(std::string_view yaml, const std::string& place,
                                       const std::filesystem::path& folder);

// The run file that parse_run_settings reads back to the same settings, as one line of JSON (which is YAML);
// of the patterns to redact only their hash.
std::string to_run_file(const RunSettings& settings);

// What stands for the patterns in stored settings; empty if there are none.
std::string hash_of_patterns(const std::vector<std::string>& patterns);

}  // namespace sizeup
