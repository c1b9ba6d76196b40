// cost --requests FILE: a team's own requests as JSON lines.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/cost/traffic.h"

namespace sizeup::cli {

struct TrafficFile {
  std::string file;                             // "-": standard input
  std::map<std::string, std::string> counters;  // by model name, what counts the tokens of texts: a reference
  bool offline = false;
};

// A row says its tokens: {"input_tokens", "output_tokens", "cached_input_tokens"}, OpenAI's names for them,
// or its "usage" object; or its texts, "prompt" or "messages" and "completion", which every model's own
// tokenizer counts. "count": so many such requests; "time": when. Error with the line for everything else.
Result<Traffic> read_traffic(const TrafficFile& file, const std::vector<std::string>& models);

}  // namespace sizeup::cli
