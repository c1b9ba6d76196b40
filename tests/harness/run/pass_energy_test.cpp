// Whose energy a pass takes: chosen by what answers it.
#include "harness/run/pass_energy.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/files.h"

namespace sizeup {
namespace {

class PassEnergyTest : public testing::Test {
 protected:
  TemporaryFolder own;

  void SetUp() override { setenv("FAKE_NVML", (own.path() / "state").c_str(), 1); }
  void TearDown() override { unsetenv("FAKE_NVML"); }

  void say(int first, int second) const {
    own.write("state", "card 0000:01:00.0 0 " + std::to_string(first) + " 0 1 A\ncard 0000:81:00.0 0 " +
                           std::to_string(second) + " 0 1 B\n");
  }
};

TEST_F(PassEnergyTest, AGpuIsTheOneThatTheModelRunsOn) {
  ModelCard card;
  card.device = "cuda";
  card.pci_bus_id = "0000:81:00.0";
  say(1000, 1000);
  const auto meter = energy_meter_for(card, FAKE_NVML);
  ASSERT_NE(meter, nullptr);
  say(9000, 5000);
  PassEnergy energy;
  energy.add(meter);
  EXPECT_DOUBLE_EQ(energy.joules().value(), 4.0);
}

TEST_F(PassEnergyTest, NothingIsSaidOfWhatWorksElsewhere) {
  say(1000, 1000);
  EXPECT_EQ(energy_meter_for(ModelCard{}, FAKE_NVML), nullptr);  // an endpoint
  ModelCard card;
  card.device = "cuda";
  card.pci_bus_id = "0000:41:00.0";
  EXPECT_EQ(energy_meter_for(card, FAKE_NVML), nullptr);
  EXPECT_EQ(energy_meter_for(card, "libno-such-nvml.so.1"), nullptr);
}

// One run of the backend whose energy is not known leaves the pass's unknown.
TEST_F(PassEnergyTest, IsUnknownAsSoonAsARunsIs) {
  ModelCard card;
  card.pci_bus_id = "0000:01:00.0";
  say(1000, 1000);
  PassEnergy energy;
  energy.add(energy_meter_for(card, FAKE_NVML));
  EXPECT_TRUE(energy.joules().has_value());
  energy.add(nullptr);
  EXPECT_EQ(energy.joules(), std::nullopt);
}

}  // namespace
}  // namespace sizeup
