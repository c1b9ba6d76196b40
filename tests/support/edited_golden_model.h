// What the reader of an architecture makes of a model of tests/golden with something changed in its
// configuration or its tensors.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "backends/engine/architectures/table.h"
#include "core/json/json.h"
#include "tests/support/edited_checkpoint.h"
#include "tests/support/files.h"

namespace sizeup {

inline EditedCheckpoint edited_golden_model(std::string_view folder, std::string_view model) {
  auto opened = open_checkpoint(golden_folder() / folder / model);
  EXPECT_TRUE(opened.has_value()) << describe(opened.error());
  return EditedCheckpoint(std::move(*opened));
}

inline std::string problem(const Checkpoint& checkpoint) {
  const auto model = describe_decoder(checkpoint);
  return model ? std::string("no problem") : describe(model.error());
}

inline DecoderSpec spec_of(const Checkpoint& checkpoint) {
  const auto model = describe_decoder(checkpoint);
  EXPECT_TRUE(model.has_value()) << describe(model.error());
  return model ? model->spec : DecoderSpec();
}

// A value of the configuration with which the model cannot be computed.
struct Refusal {
  std::string_view name;
  std::string_view model;
  std::string_view pointer;  // into the configuration
  std::string_view value;    // JSON
  std::string_view message;
};

inline void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.name;
}

inline void expect_refused(std::string_view folder, const Refusal& refusal) {
  EditedCheckpoint checkpoint = edited_golden_model(folder, refusal.model);
  checkpoint.config()[Json::json_pointer(std::string(refusal.pointer))] = Json::parse(refusal.value);
  EXPECT_THAT(problem(checkpoint), testing::HasSubstr(std::string(refusal.message)));
}

// Of pairs of a model and a tensor: a model without the tensor is refused by the tensor's name.
inline void expect_missing_tensors_named(
    std::string_view folder, std::span<const std::pair<std::string_view, std::string_view>> tensors) {
  for (const auto& [model, tensor] : tensors) {
    EditedCheckpoint checkpoint = edited_golden_model(folder, model);
    ASSERT_NE(checkpoint.find(tensor), nullptr) << tensor;
    checkpoint.remove(tensor);
    EXPECT_THAT(problem(checkpoint), testing::HasSubstr("'" + std::string(tensor) + "' is missing"));
  }
}

}  // namespace sizeup
