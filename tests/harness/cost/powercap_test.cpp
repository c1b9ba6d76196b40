#include "harness/cost/powercap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

// A powercap folder as Linux lays it out.
class Powercap : public testing::Test {
 protected:
  TemporaryFolder own;

  void zone(const std::string& name, const std::string& domain, const std::string& energy,
            const std::string& range = "262143328850") const {
    std::filesystem::create_directories(own.path() / name);
    own.write(name + "/name", domain + "\n");
    own.write(name + "/energy_uj", energy + "\n");
    own.write(name + "/max_energy_range_uj", range + "\n");
  }
};

TEST_F(Powercap, PackagesAloneAreAddedUp) {
  zone("intel-rapl:0", "package-0", "1000000");
  zone("intel-rapl:0:0", "core", "500000");  // inside the package
  zone("intel-rapl:0:1", "dram", "500000");
  zone("intel-rapl:1", "package-1", "2000000");
  zone("intel-rapl:2", "psys", "9000000");            // the whole board, packages and all
  zone("intel-rapl-mmio:0", "package-0", "1000000");  // the same counter by another way
  std::filesystem::create_directories(own.path() / "intel-rapl");
  Result<std::vector<EnergyDomain>> domains = energy_domains(own.path());
  ASSERT_TRUE(domains.has_value()) << describe(domains.error());
  ASSERT_EQ(domains->size(), 2u);
  EXPECT_EQ((*domains)[0].name, "package-0");
  EXPECT_EQ((*domains)[1].name, "package-1");
  EXPECT_EQ((*domains)[0].range, 262143328850u);

  EnergyMeter meter(sources_of(std::move(*domains)));
  EXPECT_EQ(meter.joules(), 0.0);
  zone("intel-rapl:0", "package-0", "4500000");
  zone("intel-rapl:0:0", "core", "3500000");
  zone("intel-rapl:1", "package-1", "2500000");
  zone("intel-rapl:2", "psys", "19000000");
  EXPECT_DOUBLE_EQ(meter.joules().value(), 4.0);
}

TEST_F(Powercap, ACounterThatGoesRound) {
  EXPECT_EQ(energy_between(10, 30, 100), 20u);
  EXPECT_EQ(energy_between(90, 30, 100), 40u);
  EXPECT_EQ(energy_between(30, 30, 100), 0u);
  zone("intel-rapl:0", "package-0", "9000000", "10000000");
  EnergyMeter meter(sources_of(energy_domains(own.path()).value()));
  zone("intel-rapl:0", "package-0", "1000000", "10000000");
  EXPECT_DOUBLE_EQ(meter.joules().value(), 2.0);
  zone("intel-rapl:0", "package-0", "500000", "10000000");  // once more between two readings
  EXPECT_DOUBLE_EQ(meter.joules().value(), 11.5);
}

TEST_F(Powercap, WhatCannotBeReadIsNotMeasured) {
  const Result<std::vector<EnergyDomain>> absent = energy_domains(own.path() / "none");
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(absent.error().message, HasSubstr("no powercap folder"));

  zone("intel-rapl:0", "psys", "1");
  EXPECT_THAT(energy_domains(own.path()).error().message, HasSubstr("no processor package"));
  zone("intel-rapl:0", "package-0", "much");
  EXPECT_THAT(energy_domains(own.path()).error().message, HasSubstr("'much' is no number"));

  zone("intel-rapl:0", "package-0", "1000000");
  EnergyMeter meter(sources_of(energy_domains(own.path()).value()));
  std::filesystem::remove(own.path() / "intel-rapl:0" / "energy_uj");
  EXPECT_EQ(meter.joules(), std::nullopt);
}

TEST_F(Powercap, PermissionIsTheReason) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  zone("intel-rapl:0", "package-0", "1000000");
  std::filesystem::permissions(own.path() / "intel-rapl:0" / "energy_uj", std::filesystem::perms::none);
  const Result<std::vector<EnergyDomain>> denied = energy_domains(own.path());
  ASSERT_FALSE(denied.has_value());
  EXPECT_THAT(denied.error().message, HasSubstr("package-0 is not readable"));
  EXPECT_THAT(denied.error().hint, HasSubstr("root"));
}

}  // namespace
}  // namespace sizeup
