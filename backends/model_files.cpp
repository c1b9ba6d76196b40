#include "backends/model_files.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

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

// "hf:Org/Name*0.5,./other" with folders in place of names.
Result<std::string> local_adapters(std::string_view adapters, const HubSettings& settings) {
  constexpr std::string_view kScheme = "hf:";
  std::string local;
  while (true) {
    const size_t end = adapters.find(',');
    std::string_view part = adapters.substr(0, end);
    if (part.starts_with(kScheme)) {
      part.remove_prefix(kScheme.size());
      const size_t weight = std::min(part.rfind('*'), part.size());
      auto adapter = HubModel::parse(part.substr(0, weight), "", HubNeed::adapter);
      if (!adapter) return forward_error(adapter);
      auto folder = fetch_model(*adapter, settings);
      if (!folder) return forward_error(folder);
      local += folder->string();
      part.remove_prefix(weight);
    }
    local += part;
    if (end == std::string_view::npos) return local;
    local += ',';
    adapters.remove_prefix(end + 1);
  }
}

Result<ModelReference> with_local_target(ModelReference reference, HubNeed need,
                                         const HubSettings& settings) {
  const bool many_files = reference.scheme == "hf" || reference.scheme == "lmstudio";
  if (!many_files && reference.scheme != "ollama") return reference;
  const std::string file = many_files ? taken(reference.options, "file") : std::string();
  auto path = find_files(reference, file, need, settings);
  if (!path) return forward_error(path);
  reference.scheme = "file";
  reference.target = path->string();
  return reference;
}

}  // namespace

Result<ModelReference> with_local_files(ModelReference reference, HubNeed need, const HubSettings& settings) {
  auto local = with_local_target(std::move(reference), need, settings);
  if (!local || need != HubNeed::model) return local;
  const auto adapters = local->options.find("adapter");
  if (adapters == local->options.end()) return local;
  auto folders = local_adapters(adapters->second, settings);
  if (!folders) return forward_error(folders);
  adapters->second = std::move(*folders);
  return local;
}

}  // namespace sizeup
