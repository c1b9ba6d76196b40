// What sizeup bench found, as JSON and as tables: every speed beside its conditions and the limit it is near.
#pragma once

#include <string>

#include "backends/engine/device.h"
#include "backends/engine/machine_limits.h"
#include "backends/engine/speed.h"
#include "core/json/json_fwd.h"

namespace sizeup::cli {

struct BenchConditions {
  std::string model;
  std::string architecture;
  std::string weight_format;
  int64_t parameters = 0;
  DeviceTraits device;
  int threads = 1;
  std::string cpu;
  std::string date;           // UTC
  double load_average = 0.0;  // of the minute before; negative if unknown
};

Json bench_to_json(const BenchConditions& conditions, const MachineLimits& limits, const DecoderSpec& spec,
                   const SpeedSettings& settings, const DecoderSpeed& speed);

// The tables, from bench_to_json()'s object.
std::string bench_to_text(const Json& report);

}  // namespace sizeup::cli
