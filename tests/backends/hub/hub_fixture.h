// A small repository on a loopback hub, an empty cache, and impatient settings.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>
#include <vector>

#include "backends/hub/hub.h"
#include "tests/support/files.h"
#include "tests/support/loopback_hub.h"

namespace sizeup {

class HubFixture : public testing::Test {
 protected:
  HubFixture() {
    setenv("no_proxy", "*", 1);
    hub.files = {{"config.json", "{\"model_type\": \"llama\"}"},
                 {"model.safetensors", weights},
                 {"pytorch_model.bin", "not wanted"},
                 {"tokenizer.json", "{}"}};
    hub.large = {"model.safetensors", "pytorch_model.bin"};
    settings.endpoint = hub.endpoint();
    settings.cache = folder.path() / "hub";
    settings.first_pause = std::chrono::milliseconds(1);
    settings.stall = std::chrono::seconds(10);
    settings.on_message = [this](const std::string& message) { messages.push_back(message); };
  }

  Result<std::filesystem::path> fetch(const std::string& name = "org/tiny", const std::string& file = {},
                                      HubNeed need = HubNeed::model) const {
    auto model = HubModel::parse(name, file, need);
    if (!model) return forward_error(model);
    return fetch_model(*model, settings);
  }

  // What went wrong, in the words for people.
  std::string failure(const std::string& name = "org/tiny", const std::string& file = {}) const {
    const auto place = fetch(name, file);
    return place ? "fetched " + place->string() : describe(place.error());
  }

  std::filesystem::path repository_folder() const { return settings.cache / "models--org--tiny"; }
  std::filesystem::path snapshot() const { return repository_folder() / "snapshots" / hub.commit; }

  // Without the listing's.
  std::vector<std::string> fetched_files() const {
    std::vector<std::string> paths;
    for (const LoopbackRequest& request : hub.requests()) {
      const size_t at = request.target.find(hub.commit);
      if (at != std::string::npos) paths.push_back(request.target.substr(at + hub.commit.size() + 1));
    }
    return paths;
  }

  const std::string weights = std::string(300000, 'w') + "the end";
  TemporaryFolder folder;
  LoopbackHub hub;
  HubSettings settings;
  std::vector<std::string> messages;
};

}  // namespace sizeup
