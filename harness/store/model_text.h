// A stored model's reference as people are shown it.
#pragma once

#include <string>
#include <string_view>

#include "harness/store/records.h"

namespace sizeup {

// A model's reference, "./x.gguf" of "small=./x.gguf": the name is printed beside it.
std::string_view without_name(const ModelRow& row);

// "./models/x.gguf" and "openai:name" as they are, "/home/someone/x.gguf" as "x.gguf".
std::string without_folders(std::string_view reference);

// The reference without name and folders.
std::string shown_reference(const ModelRow& row);

}  // namespace sizeup
