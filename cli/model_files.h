// Models by name on the command line: --offline, and what a download shows on standard error.
#pragma once

#include <stop_token>
#include <string>

#include "backends/hub/hub.h"
#include "backends/model_reference.h"
#include "cli/command.h"

namespace sizeup::cli {

// --offline, for every command that takes a model or a task.
void add_offline(CLI::App& app, bool& offline);

// The hub as the environment says, with messages on standard error.
HubSettings hub_settings(bool offline, std::stop_token stop = {});

// The reference with its files on this machine. What has to be downloaded for that is, unless `offline`, with
// progress on standard error; a stop ends it, and the next call continues it.
Result<ModelReference> with_local_files(ModelReference reference, HubNeed need, bool offline,
                                        std::stop_token stop = {});

// The same for a reference as it was written.
Result<ModelReference> local_reference(const std::string& text, HubNeed need, bool offline);

}  // namespace sizeup::cli
