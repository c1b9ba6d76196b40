// Models by name become models by path.
#pragma once

#include "backends/hub/hub.h"
#include "backends/model_reference.h"

namespace sizeup {

// A reference of scheme "hf" (downloaded if it has to be), "lmstudio" or "ollama" as one of scheme "file",
// whose target lies on this machine. Its option "file" is used up, its text stays as given. If a model is
// needed, adapters of its option "adapter" that are "hf:Org/Name" become folders, too. Others stay as they are.
Result<ModelReference> with_local_files(ModelReference reference, HubNeed need, const HubSettings& settings);

}  // namespace sizeup
