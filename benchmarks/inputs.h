// What the benchmarks work on: the bundled model and test set.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"
#include "core/io/file.h"

namespace sizeup {

inline Result<std::unique_ptr<Checkpoint>> bundled_checkpoint() {
  return open_checkpoint(SIZEUP_SOURCE_DIR "/models/pocket/pocket-small.gguf");
}

// About a hundred kilobytes of English with names, amounts and JSON punctuation.
inline Result<std::string> bundled_text() {
  return read_file(SIZEUP_SOURCE_DIR "/datasets/bundled/helpdesk/test.jsonl");
}

// An environment variable's value.
inline std::string setting(const char* name, const char* otherwise) {
  const char* given = std::getenv(name);
  return given ? given : otherwise;
}

}  // namespace sizeup
