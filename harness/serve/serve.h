// A model behind an OpenAI-compatible server: everything that `sizeup serve` does.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "backends/backend.h"
#include "core/errors/result.h"

namespace sizeup {

struct ServeSettings {
  std::string host = "127.0.0.1";
  int port = 0;             // 0: any that is free
  int max_concurrent = 64;  // answers that the engine works on at once
  int queue = 256;          // answers in line for it
  std::string key = {};     // that clients must have; empty: none
  RunOptions engine = {};   // but for max_concurrent
};

// Serves until the stop: then what was asked before is answered, and the rest refused. `on_listening` is told
// the port once connections are accepted. Unavailable if the address cannot be had or the engine breaks. The
// backend has a tokenizer.
Result<RunCounts> serve(Backend& backend, const ServeSettings& settings,
                        const std::function<void(int port)>& on_listening, const std::stop_token& stop);

}  // namespace sizeup
