// A guess as a task file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/own_data/forms.h"
#include "tasks/own_data/own_data.h"

namespace sizeup {

// What was found in a data file.
struct Facts {
  Fields fields;    // of the first rows
  size_t rows = 0;  // of the whole file
  std::optional<Conversation> conversation = {};
  TargetForm target = {};
  InputForm input = {};
  std::optional<ChoiceForm> choices = {};
  std::vector<std::string> labels = {};  // of classification and multi-label
  std::string blank_target = {};         // the place of the first row without an answer; empty: none
};

// The fields of HumanEval and of MBPP.
bool is_humaneval(const Fields& fields);
bool is_mbpp(const Fields& fields);

// The whole file below its heading of comments. Errors: options that name no field, rows without a label,
// right choices that are named in no known way.
Result<std::string> write_task(const OwnData& data, const Facts& facts, DataKind kind,
                               std::string_view heading);

}  // namespace sizeup
