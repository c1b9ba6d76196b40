// No GPU: a library of the tests' own stands for the driver's (fake_nvml.h).
#include "harness/cost/nvml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "core/json/json.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kFirst = "0000:01:00.0";
constexpr const char* kSecond = "0000:81:00.0";

class NvmlTest : public testing::Test {
 protected:
  TemporaryFolder own;

  void SetUp() override { setenv("FAKE_NVML", (own.path() / "state").c_str(), 1); }
  void TearDown() override { unsetenv("FAKE_NVML"); }

  void say(const std::string& text) const { own.write("state", text); }

  static EnergyMeter meter_of(const std::string& pci_bus_id, const std::string& library = FAKE_NVML) {
    std::vector<std::unique_ptr<EnergySource>> sources;
    sources.push_back(gpu_energy(pci_bus_id, library).value());
    return EnergyMeter(std::move(sources));
  }

  static Error refusal(const std::string& pci_bus_id, const std::string& library = FAKE_NVML) {
    const auto source = gpu_energy(pci_bus_id, library);
    return source ? Error{} : source.error();
  }
};

TEST_F(NvmlTest, TheCounterIsInMillijoules) {
  say("card 0000:01:00.0 0 5000 0 100000 NVIDIA A");
  EnergyMeter meter = meter_of(kFirst);
  EXPECT_EQ(meter.joules(), 0.0);
  say("card 0000:01:00.0 0 7500 0 100000 NVIDIA A");
  EXPECT_DOUBLE_EQ(meter.joules().value(), 2.5);
  EXPECT_DOUBLE_EQ(meter.joules().value(), 2.5);  // nothing came since
  say("card 0000:01:00.0 0 8500 0 100000 NVIDIA A");
  EXPECT_DOUBLE_EQ(meter.joules().value(), 3.5);
}

// One of 2^64 millijoules less one: in microjoules it would go round.
TEST_F(NvmlTest, AHighCounterDoesNotOverflow) {
  say("card 0000:01:00.0 0 18446744073709541615 0 1 NVIDIA A");
  EnergyMeter meter = meter_of(kFirst);
  say("card 0000:01:00.0 0 18446744073709551615 0 1 NVIDIA A");
  EXPECT_DOUBLE_EQ(meter.joules().value(), 10.0);
}

// The driver was loaded anew: what the counter had reached before is lost.
TEST_F(NvmlTest, ACounterThatWentBackIsNotMeasured) {
  say("card 0000:01:00.0 0 5000 0 100000 NVIDIA A");
  EnergyMeter meter = meter_of(kFirst);
  say("card 0000:01:00.0 0 10 0 100000 NVIDIA A");
  EXPECT_EQ(meter.joules(), std::nullopt);
  say("card 0000:01:00.0 0 9000 0 100000 NVIDIA A");
  EXPECT_EQ(meter.joules(), std::nullopt);
}

TEST_F(NvmlTest, ACardThatIsLostIsNotMeasured) {
  say("card 0000:01:00.0 0 5000 0 100000 NVIDIA A");
  EnergyMeter meter = meter_of(kFirst);
  say("card 0000:01:00.0 15 9000 15 100000 NVIDIA A");
  EXPECT_EQ(meter.joules(), std::nullopt);
}

TEST_F(NvmlTest, OfTwoCardsTheOneThatComputes) {
  say("card 0000:01:00.0 0 1000 0 1 NVIDIA A\ncard 0000:81:00.0 0 2000 0 1 NVIDIA B");
  EnergyMeter first = meter_of(kFirst);
  EnergyMeter second = meter_of(kSecond);
  say("card 0000:01:00.0 0 9000 0 1 NVIDIA A\ncard 0000:81:00.0 0 5000 0 1 NVIDIA B");
  EXPECT_DOUBLE_EQ(first.joules().value(), 8.0);
  EXPECT_DOUBLE_EQ(second.joules().value(), 3.0);
  EXPECT_THAT(refusal("0000:41:00.0").message, HasSubstr("no card with the PCI bus id '0000:41:00.0'"));
}

TEST(NvmlPower, IsTakenAsAStraightLine) {
  EXPECT_DOUBLE_EQ(joules_between(100.0, 300.0, 2.0), 400.0);
  EXPECT_DOUBLE_EQ(joules_between(250.0, 250.0, 0.1), 25.0);
}

// The same power all the time: what was taken is known from the clock alone.
void expect_power_times_time(EnergyMeter& meter, steady_clock::time_point before_making,
                             steady_clock::time_point after_making, double watts) {
  std::this_thread::sleep_for(std::chrono::milliseconds(250));  // the meter's thread asks twice
  const auto before = steady_clock::now();
  const double joules = meter.joules().value();
  const auto after = steady_clock::now();
  EXPECT_GE(joules, watts * std::chrono::duration<double>(before - after_making).count());
  EXPECT_LE(joules, watts * std::chrono::duration<double>(after - before_making).count());
}

TEST_F(NvmlTest, PowerIsAddedUpWhereThereIsNoCounter) {
  say("card 0000:01:00.0 3 0 0 120000 NVIDIA A");
  const auto before = steady_clock::now();
  EnergyMeter meter = meter_of(kFirst);
  expect_power_times_time(meter, before, steady_clock::now(), 120.0);
}

TEST_F(NvmlTest, AndWhereTheDriverIsOlderThanTheCounter) {
  say("card 0000:01:00.0 0 0 0 80000 NVIDIA A");
  const auto before = steady_clock::now();
  EnergyMeter meter = meter_of(kFirst, FAKE_NVML_OLD);
  expect_power_times_time(meter, before, steady_clock::now(), 80.0);
}

TEST_F(NvmlTest, TheReasonIsSaid) {
  const Error absent = refusal(kFirst, "libno-such-nvml.so.1");
  EXPECT_EQ(absent.kind, ErrorKind::unavailable);
  EXPECT_THAT(absent.message, AllOf(HasSubstr("no NVIDIA driver's library"), HasSubstr("libno-such-nvml")));
  EXPECT_THAT(refusal(kFirst, "libm.so.6").message, HasSubstr("lacks functions of NVML"));

  say("init 9");
  const Error not_loaded = refusal(kFirst);
  EXPECT_THAT(not_loaded.message, AllOf(HasSubstr("Driver Not Loaded"), HasSubstr("NVML error 9")));
  EXPECT_THAT(not_loaded.hint, HasSubstr("kernel module"));

  say("card 0000:01:00.0 4 0 0 100000 NVIDIA A");  // no way around a permission
  const Error denied = refusal(kFirst);
  EXPECT_THAT(denied.message, HasSubstr("Insufficient Permissions"));
  EXPECT_THAT(denied.hint, HasSubstr("administrator"));

  say("card 0000:01:00.0 3 0 3 0 NVIDIA A");
  EXPECT_THAT(refusal(kFirst).message, AllOf(HasSubstr("no energy counter"), HasSubstr("Not Supported")));
}

TEST_F(NvmlTest, EveryCardIsListed) {
  say("card 0000:01:00.0 0 1000 0 1 NVIDIA A\ncard 0000:81:00.0 3 0 0 1 NVIDIA B\n"
      "card 0000:82:00.0 3 0 3 0 NVIDIA C");
  const auto cards = list_gpu_energy(FAKE_NVML);
  ASSERT_TRUE(cards.has_value()) << describe(cards.error());
  ASSERT_EQ(cards->size(), 3u);
  EXPECT_EQ((*cards)[0].name, "NVIDIA A");
  EXPECT_EQ((*cards)[0].note, "energy counter");
  EXPECT_TRUE((*cards)[1].available);
  EXPECT_EQ((*cards)[1].note, "power, added up");
  EXPECT_FALSE((*cards)[2].available);
  EXPECT_THAT((*cards)[2].note, HasSubstr("Not Supported"));
  say("");
  EXPECT_THAT(list_gpu_energy(FAKE_NVML).error().message, HasSubstr("no GPU"));
}

// The program with that library in the place where it looks for the driver's.
TEST_F(NvmlTest, DoctorSaysWhichCardsCanBeRead) {
  const TemporaryFolder libraries;
  std::filesystem::create_symlink(FAKE_NVML, libraries.path() / kNvmlFile);
  say("card 0000:01:00.0 0 1000 0 1 NVIDIA A\ncard 0000:81:00.0 4 0 0 1 NVIDIA B");
  const std::vector<std::string> launcher = {"env", "LD_LIBRARY_PATH=" + libraries.path().string()};
  const Json gpus = Json::parse(run_program({"doctor", "--json"}, {}, launcher).output)["energy"]["gpus"];
  ASSERT_EQ(gpus["cards"].size(), 2u) << gpus.dump();
  EXPECT_EQ(gpus["cards"][0], (Json{{"name", "NVIDIA A"}, {"available", true}, {"note", "energy counter"}}));
  EXPECT_FALSE(gpus["cards"][1]["available"].get<bool>());
  EXPECT_THAT(run_program({"doctor"}, {}, launcher).output,
              AllOf(HasSubstr("energy of NVIDIA A: energy counter"),
                    HasSubstr("energy of NVIDIA B: not readable: the energy counter is not readable")));
}

TEST_F(NvmlTest, DoctorSaysWhyThereIsNone) {
  const TemporaryFolder libraries;
  libraries.write(kNvmlFile, "no library");
  const std::vector<std::string> launcher = {"env", "LD_LIBRARY_PATH=" + libraries.path().string()};
  EXPECT_THAT(run_program({"doctor"}, {}, launcher).output,
              HasSubstr("energy of GPUs: not readable: NVML: there is no NVIDIA driver's library"));
}

}  // namespace
}  // namespace sizeup
