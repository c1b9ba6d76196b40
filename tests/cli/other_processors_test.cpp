// The program on processors that this machine isn't, as an emulator has them: an instruction that such a
// processor doesn't know ends it. Kernels are compiled for newer processors one file at a time; what this
// finds is such an instruction outside of them, and a kernel chosen where it can't run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kModel = source_path("models/pocket/pocket-small.gguf").string();
const std::string kInput = "{\"context\":\"The printer\",\"continuation\":\" is broken.\"}\n";

class OtherProcessor : public testing::Test {
 protected:
  void SetUp() override {
#if defined(SIZEUP_SANITIZED) || !defined(__x86_64__)
    GTEST_SKIP() << "the emulator can't run this build";
#endif
    if (std::system("command -v qemu-x86_64 > /dev/null") != 0) GTEST_SKIP() << "no qemu-x86_64";
  }

  static Finished run_on(const std::string& processor, const std::vector<std::string>& arguments) {
    return run_program(arguments, kInput, {"qemu-x86_64", "-cpu", processor});
  }

  static std::vector<std::string> tiers_on(const std::string& processor) {
    const Finished finished = run_on(processor, {"doctor", "--json"});
    EXPECT_EQ(finished.status, 0) << finished.errors;
    std::vector<std::string> tiers;
    const Json report = Json::parse(finished.output);
    for (const Json& tier : report["cpu_tiers"]) {
      if (tier["available"].get<bool>()) tiers.push_back(tier["tier"].get<std::string>());
    }
    return tiers;
  }
};

// x86-64-v2, without AVX: the least that the program promises to run on.
TEST_F(OtherProcessor, NehalemHasNoTierAndComputes) {
  EXPECT_THAT(tiers_on("Nehalem"), IsEmpty());
  const Finished finished = run_on("Nehalem", {"score", kModel});
  EXPECT_EQ(finished.status, 0) << finished.errors;
  EXPECT_EQ(run_on("Nehalem", {"score", kModel, "--cpu-tier", "avx2"}).status, 4);
}

TEST_F(OtherProcessor, HaswellComputesWithAvx2) {
  EXPECT_THAT(tiers_on("Haswell"), ElementsAre("avx2"));
  const Finished finished = run_on("Haswell", {"score", kModel, "--cpu-tier", "avx2"});
  EXPECT_EQ(finished.status, 0) << finished.errors;
  EXPECT_EQ(run_on("Haswell", {"score", kModel, "--cpu-tier", "avx512"}).status, 4);
}

// The reference device uses no instruction whose result depends on the processor.
TEST_F(OtherProcessor, ReferenceDeviceGivesTheSameBits) {
  const std::vector<std::string> score = {"score", kModel + "?device=reference"};
  const Finished here = run_program(score, kInput);
  ASSERT_EQ(here.status, 0) << here.errors;
  EXPECT_EQ(run_on("Nehalem", score).output, here.output);
  EXPECT_EQ(run_on("Haswell", score).output, here.output);
}

}  // namespace
}  // namespace sizeup
