// sizeup inspect A --compare B --text FILE: where two models' tokenizers disagree, and what that does to
// price and context.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace sizeup::cli {

struct CompareTokenizersCommand {
  std::string first, second;        // model references
  std::string text;                 // the file
  std::string field = "text";       // of a file of rows: where the text is
  std::vector<std::string> slices;  // of a file of rows: fields to break the counts down by
  bool json = false;
  bool offline = false;
};

Outcome compare_tokenizers(const CompareTokenizersCommand& command);

}  // namespace sizeup::cli
