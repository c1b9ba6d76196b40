// Models of the Hugging Face hub by name: only the files that are needed are downloaded, verified, and kept
// in the hub's own cache layout (models--Org--Name/{blobs,refs,snapshots}), so that what other programs have
// downloaded is found here and the other way round.
// Source: huggingface.co/docs/hub/api and huggingface.co/docs/huggingface_hub/guides/manage-cache.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/errors/result.h"
#include "core/hub/settings.h"

namespace sizeup {

// What is needed of a repository: a model, of it what makes tokens of a text (configuration, tokenizer,
// template), or a LoRA adapter.
enum class HubNeed { model, text, adapter };

struct HubModel {
  std::string repository;         // "Org/Name", or the "Name" of the hub's oldest models
  std::string revision = "main";  // branch, tag, refs/pr/N or commit
  std::string file;               // one GGUF file of the repository; empty: chosen by choose_files's rule
  HubNeed need = HubNeed::model;

  // "Org/Name[@revision]". A name that could lead out of the cache, or that the hub cannot have, is a usage
  // error.
  static Result<HubModel> parse(std::string_view name, std::string_view file, HubNeed need);

  std::string text() const;  // "hf:Org/Name@revision"
};

// Where the model lies on this machine: a folder (of a snapshot) or a GGUF file in one.
// A commit that the cache has is used without a connection. For a branch or tag the hub is asked what it
// points to; if it cannot be reached, the cache's state is used, and on_message says so.
// unavailable: the hub cannot be reached, refuses, or sends other bytes than it lists; offline, the cache
// lacks a file. bad_input: the repository holds nothing that can be read, or several GGUF files and none was
// named.
Result<std::filesystem::path> fetch_model(const HubModel& model, const HubSettings& settings);

}  // namespace sizeup
