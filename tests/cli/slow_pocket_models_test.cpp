// What the bundled models must show: the large one is better at helpdesk, and neither knows shuffled labels.
// Slow (a minute): the sanitizer build leaves it out by its name.
#include <gtest/gtest.h>

#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

TEST(SlowPocketModels, LargeBeatsSmallOnHelpdeskAndBothFallToChanceOnShuffledLabels) {
  const TemporaryFolder folder;
  const std::string models = source_path("models/pocket/").string();
  const Finished finished =
      run_program({"run", "--model", "small=" + models + "pocket-small.gguf", "--model",
                   "large=" + models + "pocket-large.gguf", "--task", "helpdesk", "--task",
                   "helpdesk-shuffled", "--latency-samples", "0", "--db", (folder.path() / "a.db").string()});
  ASSERT_EQ(finished.status, 0) << finished.errors;
  ASSERT_EQ(run_program({"report", "--db", (folder.path() / "a.db").string(), "--json",
                         (folder.path() / "a.json").string()})
                .status,
            0);
  const Json report = Json::parse(read_whole(folder.path() / "a.json"));

  bool compared = false;
  for (const Json& difference : report["differences"]) {
    if (difference["task"] != "helpdesk") continue;
    compared = true;
    EXPECT_EQ(difference["n"], 630);
    // Small minus large, as a fraction: the whole interval lies below zero.
    EXPECT_LT(difference["hi"].get<double>(), 0.0) << difference;
  }
  EXPECT_TRUE(compared);

  int at_chance = 0;
  for (const Json& result : report["results"]) {
    if (result["task"] != "helpdesk-shuffled" || result["metric"] != "acc") continue;
    ++at_chance;
    EXPECT_LE(result["lo"].get<double>(), 0.125) << result;
    EXPECT_GE(result["hi"].get<double>(), 0.125) << result;
  }
  EXPECT_EQ(at_chance, 2);
}

}  // namespace
}  // namespace sizeup
