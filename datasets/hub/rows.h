// Data sets of the Hugging Face hub by name: a split's rows through the hub's rows service, a page at a time,
// kept on disk as JSON lines with their hash.
// Source: huggingface.co/docs/dataset-viewer/rows and .../splits.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/errors/result.h"
#include "core/hub/settings.h"

namespace sizeup {

struct HubRows {
  std::string repository;  // "Org/Name", or the "Name" of the hub's oldest data sets
  std::string config;      // empty: the only one, or the one named "default"
  std::string split;

  // "hf:datasets/Org/Name[?config=C&split=S]", also without "datasets/"; the split is "test" unless it is
  // said.
  static Result<HubRows> parse(std::string_view reference);

  std::string text() const;  // "hf:datasets/Org/Name?config=C&split=S"
};

// The split as a file of JSON lines on this machine. One that is there and has its hash is used as it is,
// without a connection: delete it to fetch the data set's newest state. What has arrived of another is kept,
// and continued by the next call of whatever process, unless the data set has changed.
// unavailable: the service cannot be reached, refuses, or sends other rows than it announces; offline, the
// split is not there. bad_input: the data set has no such config or split, or rows that the service cuts.
Result<std::filesystem::path> fetch_rows(const HubRows& rows, const HubSettings& settings);

}  // namespace sizeup
