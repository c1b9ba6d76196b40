// Labels that people gave, as files of them look: one row a label.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/errors/result.h"
#include "harness/store/labels.h"

namespace sizeup {

struct LabelFile {
  std::vector<LabelRow> labels;
  std::vector<Error> refused;  // rows that cannot be read, with their lines
};

// Any data file that a task may have. Fields: task, document_id, and label (a text) or score (a number from 0
// to 1, or true or false); model, run and annotator may be left out. One annotator says one thing of a
// document and model. Errors: the file cannot be read.
Result<LabelFile> read_label_file(const std::filesystem::path& file);

}  // namespace sizeup
