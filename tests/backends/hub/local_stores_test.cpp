#include "backends/hub/local_stores.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "backends/model_files.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Each case is a process of its own, so the environment is its own, too.
class LocalStores : public testing::Test {
 protected:
  LocalStores() {
    setenv("HOME", folder.path().c_str(), 1);
    unsetenv("OLLAMA_MODELS");
  }

  void put(const std::string& path, const std::string& content) const {
    fs::create_directories((folder.path() / path).parent_path());
    folder.write(path, content);
  }

  static std::string place(const std::string& reference) {
    const auto local = with_local_files(*ModelReference::parse(reference), HubNeed::model, HubSettings());
    return local ? local->target : describe(local.error());
  }

  static std::string layer(const std::string& kind, const std::string& digest) {
    return fmt::format(R"({{"mediaType": "application/vnd.ollama.image.{}", "digest": "{}"}})", kind, digest);
  }

  static std::string manifest(const std::string& layers) { return R"({"layers": [)" + layers + "]}"; }

  const std::string digits = std::string(64, 'a');
  const std::string blob = ".ollama/models/blobs/sha256-" + digits;
  const std::string registry = ".ollama/models/manifests/registry.ollama.ai/";
  TemporaryFolder folder;
};

TEST_F(LocalStores, OllamaNamesLeadToTheirBlob) {
  const std::string content = manifest(layer("template", "sha256:" + std::string(64, 'b')) + "," +
                                       layer("model", "sha256:" + digits));
  put(blob, "gguf");
  put(registry + "library/llama3.2/1b", content);
  put(registry + "library/tiny/latest", content);
  put(registry + "someone/tiny/v1", content);
  put(".ollama/models/manifests/hf.co/org/tiny/Q4_K_M", content);
  const std::string expected = (folder.path() / blob).string();
  EXPECT_EQ(place("ollama:llama3.2:1b"), expected);
  EXPECT_EQ(place("ollama:tiny"), expected);
  EXPECT_EQ(place("small=ollama:someone/tiny:v1?device=cpu"), expected);
  EXPECT_EQ(place("ollama:hf.co/org/tiny:Q4_K_M"), expected);
}

TEST_F(LocalStores, OllamaManifestsAreHostile) {
  const auto with = [&](const std::string& content) {
    put(registry + "library/tiny/latest", content);
    return place("ollama:tiny");
  };
  EXPECT_THAT(place("ollama:tiny"), HasSubstr("Ollama has no model 'tiny'"));
  EXPECT_THAT(with("no JSON"), HasSubstr("not valid JSON"));
  EXPECT_THAT(with("[]"), HasSubstr("has 0 model layers"));
  EXPECT_THAT(with(manifest("7, {}")), HasSubstr("has 0 model layers"));
  EXPECT_THAT(with(R"({"layers": 7})"), HasSubstr("has 0 model layers"));
  EXPECT_THAT(with(manifest(layer("model", "sha256:../../../../etc/passwd"))), HasSubstr("no usable digest"));
  EXPECT_THAT(with(manifest(layer("adapter", "sha256:" + digits))), HasSubstr("adapter"));
  EXPECT_THAT(with(manifest(layer("model", "sha256:" + digits))), HasSubstr("is not there"));
  EXPECT_THAT(place("ollama:../../x"), HasSubstr("not the name of a model"));
  EXPECT_THAT(place("ollama:x:../../y"), HasSubstr("not the name of a model"));
}

TEST_F(LocalStores, LmStudioFoldersAreFound) {
  put(".lmstudio/models/org/tiny/tiny-Q4_0.gguf", "a");
  EXPECT_EQ(place("lmstudio:org/tiny"),
            (folder.path() / ".lmstudio/models/org/tiny/tiny-Q4_0.gguf").string());
  put(".lmstudio/models/org/tiny/tiny-Q8_0.gguf", "b");
  EXPECT_THAT(place("lmstudio:org/tiny"), HasSubstr("?file=NAME: tiny-Q4_0.gguf, tiny-Q8_0.gguf"));
  EXPECT_EQ(place("lmstudio:org/tiny?file=tiny-Q8_0.gguf"),
            (folder.path() / ".lmstudio/models/org/tiny/tiny-Q8_0.gguf").string());
  EXPECT_THAT(place("lmstudio:org/other"), HasSubstr("LM Studio has no model 'org/other'"));
  EXPECT_THAT(place("lmstudio:../other"), HasSubstr("not the name of a model"));
}

}  // namespace
}  // namespace sizeup
