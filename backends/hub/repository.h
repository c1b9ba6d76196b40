// What the hub says about a repository: a revision's commit and its files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/hub/hub.h"
#include "core/hub/requests.h"

namespace sizeup {

struct HubFile {
  std::string path;    // in the repository; safe
  int64_t size = 0;    // bytes
  std::string sha256;  // of large files, else empty
  std::string git_id;  // of the others: SHA-1 of "blob SIZE\0" and the content

  // Its name in the cache: the hub's ETag.
  const std::string& blob() const { return sha256.empty() ? git_id : sha256; }
};

struct HubListing {
  std::string commit;
  std::vector<HubFile> files;
};

// Asks for the model's revision. Files whose names could lead out of a folder, or whose identity is missing,
// are left out: nothing may ask for them.
Result<HubListing> list_repository(const HubModel& model, HubRequests& requests);

// The answer's JSON as a listing; `place` is the address that it came from.
Result<HubListing> parse_listing(std::string_view json, const std::string& place);

}  // namespace sizeup
