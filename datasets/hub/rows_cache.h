// Where splits lie on disk:
//   Org--Name/CONFIG/SPLIT.jsonl          all rows
//   Org--Name/CONFIG/SPLIT.json           what is known of them: hash, rows, revision, where they came from
//   Org--Name/CONFIG/SPLIT.jsonl.part     the rows that have arrived
//   Org--Name/CONFIG/SPLIT.part.json      of which state of the data set they are
//   Org--Name/CONFIG/SPLIT.lock           held while they are written
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/errors/result.h"
#include "datasets/hub/rows.h"

namespace sizeup {

// The state of a split: pages of two states do not belong together.
struct RowsState {
  int64_t total = 0;
  std::string revision;  // of the repository; empty if the service does not say

  bool operator==(const RowsState&) const = default;
};

class RowsCache {
 public:
  // Nothing is created yet. `rows` has a config.
  RowsCache(const std::filesystem::path& root, const HubRows& rows);

  // What a split was fetched as that named no config; empty if there is none.
  static std::string default_config(const std::filesystem::path& root, const HubRows& rows);

  std::filesystem::path file() const { return folder_ / (split_ + ".jsonl"); }
  std::filesystem::path part() const { return folder_ / (split_ + ".jsonl.part"); }
  std::filesystem::path lock() const { return folder_ / (split_ + ".lock"); }
  const std::filesystem::path& folder() const { return folder_; }

  // Whether the file is there with the bytes that were fetched.
  bool is_complete() const;

  // Of the part; nothing if there is none or it cannot be continued.
  std::optional<RowsState> part_state() const;
  Result<void> set_part_state(const RowsState& state) const;
  // Rows of the part, after what follows the last whole one is cut off. Nobody may have it open.
  int64_t part_rows() const;

  // Writes what is known of the whole file, before it takes its name.
  // `is_default`: it was asked for without a config.
  Result<void> describe(const RowsState& state, const std::string& sha256, const std::string& source,
                        bool is_default) const;
  void forget_part() const;

 private:
  std::filesystem::path description() const { return folder_ / (split_ + ".json"); }
  std::filesystem::path part_description() const { return folder_ / (split_ + ".part.json"); }

  std::filesystem::path folder_;
  std::string config_;
  std::string split_;  // as a file's name
};

}  // namespace sizeup
