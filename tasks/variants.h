// {function: variants, ...}: each document as it is and once more for each stated change to it, so that one
// can see what a model's answers hang on.
#pragma once

#include "core/errors/result.h"
#include "tasks/document_steps.h"
#include "tasks/variant_field.h"
#include "tasks/yaml.h"

namespace sizeup {

Result<DocumentStep> variants(const YamlNode& node);

struct ChangeListing {
  std::string name;
  std::string description;
};
std::vector<ChangeListing> variant_changes();

}  // namespace sizeup
