#include "backends/hub/local_stores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "backends/engine/formats/sorted_json.h"
#include "backends/hub/choice.h"
#include "core/hub/names.h"
#include "core/io/file.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxManifest = 1u << 20;  // real ones have one kilobyte
constexpr size_t kMaxFiles = 10000;        // of one model's folder

fs::path home() {
  const char* folder = std::getenv("HOME");
  return folder == nullptr ? fs::path() : fs::path(folder);
}

std::vector<fs::path> ollama_folders() {
  const char* given = std::getenv("OLLAMA_MODELS");
  if (given != nullptr && *given != '\0') return {given};
  return {home() / ".ollama" / "models", "/usr/share/ollama/.ollama/models"};
}

// registry.ollama.ai/library/NAME/latest, unless the name says otherwise.
fs::path manifest_path(std::string_view name) {
  const size_t colon =
      name.find(':', name.find_last_of('/') == std::string_view::npos ? 0 : name.find_last_of('/'));
  const std::string tag(colon == std::string_view::npos ? "latest" : name.substr(colon + 1));
  const std::string model(name.substr(0, colon));
  const auto slashes = std::count(model.begin(), model.end(), '/');
  const std::string host = slashes < 2 ? "registry.ollama.ai/" : "";
  const std::string user = slashes < 1 ? "library/" : "";
  return fs::path("manifests") / (host + user + model) / tag;
}

std::string text_member(const SortedJson& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// The one model blob of a manifest, "sha256-HEX".
Result<std::string> model_blob(const fs::path& manifest) {
  const auto text = read_file(manifest, kMaxManifest);
  if (!text) return tl::unexpected<Error>(text.error());
  const auto parsed = parse_sorted_json(*text, manifest.string());
  if (!parsed) return tl::unexpected<Error>(parsed.error());
  const auto layers = parsed->is_object() ? parsed->find("layers") : parsed->end();
  std::vector<std::string> blobs;
  for (const SortedJson& layer : layers == parsed->end() ? SortedJson::array() : *layers) {
    const std::string type = text_member(layer, "mediaType");
    if (type == "application/vnd.ollama.image.adapter") {
      return bad_input(manifest.string(), "the model has an adapter, which would not be applied",
                       "a model of one GGUF file");
    }
    const std::string digest = text_member(layer, "digest");
    if (type != "application/vnd.ollama.image.model") continue;
    if (!digest.starts_with("sha256:") || !is_hex(digest.substr(7), 64)) {
      return bad_input(manifest.string(), "a layer has no usable digest", "\"sha256:\" and 64 digits");
    }
    blobs.push_back("sha256-" + digest.substr(7));
  }
  if (blobs.size() == 1) return blobs.front();
  return bad_input(manifest.string(), fmt::format("has {} model layers", blobs.size()),
                   "a model of one GGUF file");
}

}  // namespace

Result<fs::path> find_ollama_model(std::string_view name) {
  const fs::path manifest = manifest_path(name);
  if (!is_safe_path(manifest.string())) {
    return usage_error(fmt::format("'ollama:{}' is not the name of a model", name),
                       "as `ollama list` shows it, e.g. ollama:llama3.2:1b");
  }
  for (const fs::path& folder : ollama_folders()) {
    std::error_code absent;
    if (!fs::exists(folder / manifest, absent)) continue;
    auto blob = model_blob(folder / manifest);
    if (!blob) return forward_error(blob);
    const fs::path path = folder / "blobs" / *blob;
    if (fs::exists(path, absent)) return path;
    return unavailable(path.string(), fmt::format("the file of ollama:{} is not there", name),
                       "ollama pull brings it back");
  }
  return unavailable((ollama_folders().front() / manifest).string(),
                     fmt::format("Ollama has no model '{}'", name),
                     "see `ollama list`; OLLAMA_MODELS names its folder");
}

Result<fs::path> find_lm_studio_model(std::string_view name, std::string_view file) {
  const auto model = HubModel::parse(name, file, HubNeed::model);
  if (!model || model->revision != "main") {
    return usage_error(fmt::format("'lmstudio:{}' is not the name of a model", name),
                       "lmstudio:Publisher/Name, with ?file=NAME.gguf where there are several");
  }
  const std::vector<fs::path> places = {home() / ".lmstudio" / "models",
                                        home() / ".cache" / "lm-studio" / "models"};
  for (const fs::path& place : places) {
    const fs::path folder = place / model->repository;
    std::vector<std::string> names;
    std::error_code failure;
    fs::recursive_directory_iterator entry(folder, failure);
    if (failure) continue;
    for (; !failure && entry != fs::recursive_directory_iterator() && names.size() < kMaxFiles;
         entry.increment(failure)) {
      names.push_back(entry->path().lexically_relative(folder).string());
    }
    auto choice = choose_files(*model, names);
    if (choice) return choice->gguf.empty() ? folder : folder / choice->gguf;
    choice.error().place = folder.string();
    return forward_error(choice);
  }
  return unavailable((places.front() / model->repository).string(),
                     fmt::format("LM Studio has no model '{}'", name), "see `lms ls`");
}

}  // namespace sizeup
