// One file of a repository into the cache's blobs: resumed where it stopped, verified before it has its name.
#pragma once

#include <string>

#include "backends/hub/cache.h"
#include "backends/hub/repository.h"
#include "core/hub/requests.h"

namespace sizeup {

// Does nothing if the blob is there. What has arrived is kept in BLOB.incomplete (as huggingface_hub does),
// and continued by the next call, of whatever process; only one at a time writes it.
// unavailable: the hub does not send the listed bytes.
Result<void> download_file(const HubModel& model, const std::string& commit, const HubFile& file,
                           const HubCache& cache, HubRequests& requests);

}  // namespace sizeup
