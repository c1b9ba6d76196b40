#include "cli/run_environment.h"

#include <utility>

#include "cli/installation.h"
#include "cli/model_files.h"
#include "harness/answers/recorded_answers.h"
#include "tasks/own_data/own_data.h"

namespace sizeup::cli {

Result<RunEnvironment> run_environment(const HubSettings& hub, bool offline, std::stop_token stop) {
  auto installation = installation_folder();
  if (!installation) return forward_error(installation);
  RunEnvironment environment = RunEnvironment::standard(*installation / "tasks" / "definitions");
  environment.open_model = [offline, stop](const ModelReference& given) -> Result<std::unique_ptr<Backend>> {
    auto reference = with_local_files(given, HubNeed::model, offline, stop);
    if (!reference) return forward_error(reference);
    return open_model(*reference);
  };
  environment.guess_task = [&hub](const OwnData& data, int64_t max_bad_rows) {
    return guess_task(data, max_bad_rows, &hub);
  };
  environment.open_task = [&hub](const std::string& file, TaskOptions options) {
    options.hub = &hub;
    return load_task(file, options);
  };
  return environment;
}

}  // namespace sizeup::cli
