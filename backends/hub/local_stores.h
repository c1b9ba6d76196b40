// GGUF models that Ollama and LM Studio have downloaded, by the names they have there. Nothing is downloaded.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/errors/result.h"

namespace sizeup {

// "[HOST/][USER/]NAME[:TAG]", as `ollama list` shows it: the model blob that the manifest names, below
// OLLAMA_MODELS, ~/.ollama/models or /usr/share/ollama/.ollama/models. Ollama's own prompt template and
// parameters stay out: the file's are used.
// unavailable: there is no such model. bad_input: it is not one GGUF file without adapter.
// Source: github.com/ollama/ollama, types/model/name.go and server/manifest.go.
Result<std::filesystem::path> find_ollama_model(std::string_view name);

// "Publisher/Name" below ~/.lmstudio/models or ~/.cache/lm-studio/models; `file` as for the hub.
Result<std::filesystem::path> find_lm_studio_model(std::string_view name, std::string_view file);

}  // namespace sizeup
