#include "backends/model_files.h"

#include <utility>

namespace sizeup {

Result<ModelReference> with_local_files(ModelReference reference, HubNeed need, const HubSettings& settings) {
  if (reference.scheme != "hf") return reference;
  std::string file;
  if (const auto option = reference.options.find("file"); option != reference.options.end()) {
    file = option->second;
    reference.options.erase(option);
  }
  auto model = HubModel::parse(reference.target, file, need);
  if (!model) return forward_error(model);
  auto path = fetch_model(*model, settings);
  if (!path) return forward_error(path);
  reference.scheme = "file";
  reference.target = path->string();
  return reference;
}

}  // namespace sizeup
