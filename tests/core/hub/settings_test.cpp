#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "core/hub/settings.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

// Each case is a process of its own, so the environment is its own, too.
class Settings : public testing::Test {
 protected:
  Settings() {
    for (const char* name :
         {"HF_ENDPOINT", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HF_TOKEN",
          "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "SIZEUP_ROWS_ENDPOINT"}) {
      unsetenv(name);
    }
    setenv("HOME", "/home/someone", 1);
  }

  static HubSettings with(const char* name, const std::string& value) {
    setenv(name, value.c_str(), 1);
    return HubSettings::from_environment();
  }
};

TEST_F(Settings, TheCacheIsWhereOtherProgramsHaveIt) {
  const auto cache = [] { return HubSettings::from_environment().cache; };
  EXPECT_EQ(cache(), "/home/someone/.cache/huggingface/hub");
  EXPECT_EQ(with("XDG_CACHE_HOME", "/x").cache, "/x/huggingface/hub");
  EXPECT_EQ(with("HF_HOME", "/home/hf").cache, "/home/hf/hub");
  EXPECT_EQ(with("HF_HUB_CACHE", "/big/disk").cache, "/big/disk");
}

TEST_F(Settings, TheRowsServiceGoesWithTheEndpoint) {
  EXPECT_EQ(HubSettings::from_environment().rows_endpoint, "https://datasets-server.huggingface.co");
  EXPECT_EQ(HubSettings::from_environment().rows_cache, "/home/someone/.cache/huggingface/sizeup/datasets");
  EXPECT_EQ(with("HF_ENDPOINT", "https://mirror.org/").rows_endpoint, "https://datasets-server.mirror.org");
  EXPECT_EQ(with("SIZEUP_ROWS_ENDPOINT", "http://127.0.0.1:80/").rows_endpoint, "http://127.0.0.1:80");
}

TEST_F(Settings, TheTokenComesFromTheEnvironmentOrItsFile) {
  const TemporaryFolder folder;
  EXPECT_EQ(HubSettings::from_environment().token, "");
  folder.write("token", "hf_file\n");
  EXPECT_EQ(with("HF_HOME", folder.path().string()).token, "hf_file");
  EXPECT_EQ(with("HF_TOKEN", " hf_variable ").token, "hf_variable");
  EXPECT_EQ(with("HF_TOKEN", "hf_a\r\nHost: evil").token, "hf_file") << "no header is smuggled in";
}

TEST_F(Settings, TheEndpointAndOffline) {
  EXPECT_EQ(HubSettings::from_environment().endpoint, "https://huggingface.co");
  EXPECT_FALSE(HubSettings::from_environment().offline);
  EXPECT_EQ(with("HF_ENDPOINT", "http://127.0.0.1:80/").endpoint, "http://127.0.0.1:80");
  EXPECT_FALSE(with("HF_HUB_OFFLINE", "0").offline);
  EXPECT_TRUE(with("HF_HUB_OFFLINE", "True").offline);
}

}  // namespace
}  // namespace sizeup
