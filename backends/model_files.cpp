#include "backends/model_files.h"

#include <map>

#include "backends/hub/local_stores.h"

namespace sizeup {

namespace {

using Options = std::map<std::string, std::string>;

// The option's value, which is an option no more; empty if it was not given.
std::string taken(Options& options, const std::string& key) {
  const auto node = options.extract(key);
  return node.empty() ? std::string() : node.mapped();
}

Result<std::filesystem::path> find_files(const ModelReference& reference, const std::string& file,
                                         HubNeed need, const HubSettings& settings) {
  if (reference.scheme == "ollama") return find_ollama_model(reference.target);
  if (reference.scheme == "lmstudio") return find_lm_studio_model(reference.target, file);
  auto model = HubModel::parse(reference.target, file, need);
  if (!model) return forward_error(model);
  return fetch_model(*model, settings);
}

}  // namespace

Result<ModelReference> with_local_files(ModelReference reference, HubNeed need, const HubSettings& settings) {
  const bool many_files = reference.scheme == "hf" || reference.scheme == "lmstudio";
  if (!many_files && reference.scheme != "ollama") return reference;
  const std::string file = many_files ? taken(reference.options, "file") : std::string();
  auto path = find_files(reference, file, need, settings);
  if (!path) return forward_error(path);
  reference.scheme = "file";
  reference.target = path->string();
  return reference;
}

}  // namespace sizeup
