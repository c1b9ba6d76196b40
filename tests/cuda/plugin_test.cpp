// The program without a GPU: it starts, and says what is missing.
#include "backends/cuda/plugin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using ::testing::HasSubstr;

const std::string kModel = source_path("models/pocket/pocket-small.gguf").string();

// What doctor says of the CUDA device when the program is started in that environment.
Json examine(const std::vector<std::string>& environment) {
  std::vector<std::string> launcher = {"env"};
  launcher.insert(launcher.end(), environment.begin(), environment.end());
  const Finished finished = run_program({"doctor", "--json"}, {}, launcher);
  const Json report = Json::parse(finished.output);
  for (const Json& backend : report["backends"]) {
    if (backend["device"] == "cuda") return backend;
  }
  return {};
}

TEST(Plugin, DoctorSaysWhereThereIsNone) {
  const TemporaryFolder folder;
  const Json cuda = examine({"SIZEUP_PLUGINS=" + folder.path().string()});
  EXPECT_FALSE(cuda["available"].get<bool>());
  EXPECT_THAT(cuda["note"].get<std::string>(), HasSubstr("no CUDA plug-in"));
  EXPECT_THAT(cuda["note"].get<std::string>(), HasSubstr(folder.path().string()));
}

TEST(Plugin, IsNotTakenFromAFileThatIsNone) {
  const TemporaryFolder folder;
  const Result<const cuda::PluginTable*> loaded =
      cuda::load_plugin(folder.write("libsizeup_cuda.so", "not a library"));
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(loaded.error().message, HasSubstr("cannot be loaded"));
}

TEST(Plugin, IsNotTakenFromALibraryOfSomethingElse) {
  const Result<const cuda::PluginTable*> loaded = cuda::load_plugin("/lib/x86_64-linux-gnu/libc.so.6");
  ASSERT_FALSE(loaded.has_value());
  EXPECT_THAT(loaded.error().message, HasSubstr("another build"));
}

#ifdef SIZEUP_CUDA_STUB
// The toolkit's stub in place of a driver, as in containers that were built wrong.
TEST(Plugin, KnowsAStubFromADriver) {
  const TemporaryFolder folder;
  std::error_code failed;
  std::filesystem::create_symlink(SIZEUP_CUDA_STUB, folder.path() / "libcuda.so.1", failed);
  const Json cuda = examine({"LD_LIBRARY_PATH=" + folder.path().string()});
  EXPECT_FALSE(cuda["available"].get<bool>());
  EXPECT_THAT(cuda["note"].get<std::string>(), HasSubstr("stub"));
}

TEST(Plugin, WithoutADriverTheModelIsRefusedByNameAndOpenedByDefault) {
  if (!why_no_cuda_device()) GTEST_SKIP() << "there is a GPU";
  const Finished asked = run_program({"score", kModel + "?device=cuda"}, "{\"text\":\"Hello\"}\n");
  EXPECT_EQ(asked.status, 4);
  EXPECT_THAT(asked.errors, HasSubstr("driver"));
  const Finished by_default = run_program({"score", kModel}, "{\"text\":\"Hello\"}\n");
  EXPECT_EQ(by_default.status, 0) << by_default.errors;
}
#endif

}  // namespace
}  // namespace sizeup
