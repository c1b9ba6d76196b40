// sizeup inspect A --compare B --text FILE: where two models' tokenizers disagree, and what that does to
// price and context.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/tokenizer_report.h"

namespace sizeup::cli {

struct CompareTokenizersCommand {
  std::string first, second;        // model references
  std::string text;                 // the file
  std::string field = "text";       // of a file of rows: where the text is
  std::vector<std::string> slices;  // of a file of rows: fields to break the counts down by
  bool json = false;
  bool offline = false;
};

// What turns a model's text into tokens; a vocabulary-only file will do.
Result<ComparedTokenizer> open_tokenizer(const std::string& reference, bool offline);

Outcome compare_tokenizers(const CompareTokenizersCommand& command);

}  // namespace sizeup::cli
