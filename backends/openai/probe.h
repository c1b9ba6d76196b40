// What a server can do, found by asking it: one tiny request for each ability.
#pragma once

#include <string>
#include <vector>

#include "backends/openai/endpoint_options.h"
#include "backends/openai/request_body.h"
#include "core/errors/result.h"
#include "core/http/transfers.h"

namespace sizeup {

struct ProbeFindings {
  Dialect dialect;
  std::string system_fingerprint;  // as reported, or empty
  int context_length = 0;          // as the list of models says; 0: not said
  std::vector<std::string> notes;
};

// Asks the first base URL that answers. `unavailable` if none does, the key is refused, or the model can be
// asked for nothing.
Result<ProbeFindings> probe_endpoint(const EndpointOptions& options);

TransferSettings transfer_settings(const EndpointOptions& options);

// Of an answer with such a status, for a person: what it means, what the server says, what to do.
Error status_error(int status, const std::string& body, const std::string& url,
                   const EndpointOptions& options);

}  // namespace sizeup
