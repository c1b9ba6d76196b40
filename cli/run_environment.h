// What a run on the command line opens models, tasks and data with.
#pragma once

#include <stop_token>

#include "core/errors/result.h"
#include "core/hub/settings.h"
#include "harness/run/run.h"

namespace sizeup::cli {

// The bundled tasks, local files, and models and data sets by name through `hub`, which must outlive it.
Result<RunEnvironment> run_environment(const HubSettings& hub, bool offline, std::stop_token stop);

}  // namespace sizeup::cli
