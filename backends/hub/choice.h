// Which of a repository's files make up a model.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backends/hub/hub.h"

namespace sizeup {

struct HubChoice {
  std::vector<std::string> files;  // small ones first
  std::string index;               // the file that names the weights, one of `files`; empty: none
  std::string gguf;                // the model itself; empty: the folder is
};

// The rule, given the names of a revision's files (or of those in the cache):
// 1. a GGUF file that is named, with the other parts if it is split;
// 2. the folder: config.json, model.safetensors (or its index and what that names), tokenizer and template;
// 3. the only GGUF model, where the repository has no safetensors.
// If only the text part is needed, a tokenizer in the folder is enough. An adapter is its two files.
// bad_input: none of these, or several GGUF models (all are listed).
Result<HubChoice> choose_files(const HubModel& model, std::span<const std::string> names);

// Whether the folder has a tokenizer that can be read: without one a cached snapshot may be incomplete.
bool has_tokenizer(std::span<const std::string> names);

}  // namespace sizeup
