// A model whose answers are in a file: `answers:FILE`. They go through the same filters, metrics, store and
// reports as answers that are made now.
#pragma once

#include <memory>

#include "backends/backend.h"
#include "backends/model_reference.h"

namespace sizeup {

// Options of the reference: answer, id (names of fields), currency. A sample's answer is looked up by its
// task (where the file names tasks) and document; run() fails if it is asked for several tasks and the file
// names none, or if no document at all has an answer.
Result<std::unique_ptr<Backend>> open_recorded_answers(const ModelReference& reference);

// Any reference: recorded answers, or a model of the registry.
Result<std::unique_ptr<Backend>> open_model(const ModelReference& reference);

}  // namespace sizeup
