// What the key `process_docs` may name: our counterparts of the Python functions by which widely used task
// files bring their documents into the form that their templates expect.
#pragma once

#include <string>
#include <vector>

#include "core/errors/result.h"
#include "tasks/documents.h"
#include "tasks/yaml.h"

namespace sizeup {

// process_docs: hellaswag
// process_docs: {function: only, field: category, equals: math}
// process_docs: [arc, {function: only, field: id, equals: Mercury_7175875}]     one after the other
// A row that lacks what a step reads is an error that names the row and the field.
Result<void> process_documents(const YamlNode& node, Documents& documents);

struct DocumentStepListing {
  std::string name;
  std::string description;
};

std::vector<DocumentStepListing> process_docs_table();

}  // namespace sizeup
