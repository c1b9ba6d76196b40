// The hub's cache on disk, as huggingface_hub lays it out:
//   models--Org--Name/refs/main                  the commit that the revision points to
//   models--Org--Name/blobs/ETAG                 contents
//   models--Org--Name/snapshots/COMMIT/PATH      links to them
//   .locks/models--Org--Name/ETAG.lock           held while the blob is written
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "backends/hub/hub.h"

namespace sizeup {

class HubCache {
 public:
  // One repository's part of the cache at `root`. Nothing is created yet.
  HubCache(const std::filesystem::path& root, const std::string& repository);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path blob(const std::string& name) const { return folder_ / "blobs" / name; }
  std::filesystem::path lock(const std::string& name) const { return locks_ / (name + ".lock"); }
  std::filesystem::path snapshot(const std::string& commit) const { return folder_ / "snapshots" / commit; }

  // What the revision points to as far as the cache knows; a commit points to itself.
  std::optional<std::string> commit_of(const std::string& revision) const;
  Result<void> set_commit(const std::string& revision, const std::string& commit) const;

  // Paths of the snapshot's files that are really there; empty if there is no snapshot.
  std::vector<std::string> files(const std::string& commit) const;

  // Makes snapshots/COMMIT/PATH a link to the blob, instead of what was there.
  Result<void> link(const std::string& commit, const std::string& path, const std::string& blob) const;

 private:
  std::filesystem::path folder_;
  std::filesystem::path locks_;
};

}  // namespace sizeup
