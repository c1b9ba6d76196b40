// Models behind OpenAI-compatible servers: `openai:MODEL?base_url=...`, see docs/endpoints.md.
#pragma once

#include <memory>

#include "backends/backend.h"
#include "backends/model_reference.h"

namespace sizeup {

// Asks the server what it can do. The card's reference, notes and fingerprint hold no secret.
Result<std::unique_ptr<Backend>> open_endpoint(const ModelReference& reference);

}  // namespace sizeup
