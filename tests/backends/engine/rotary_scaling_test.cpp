// Frequencies of rotary scalings against transformers: tests/oracles/rotary_golden.py.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "backends/engine/architectures/rotary_reader.h"
#include "backends/engine/rotary_angles.h"
#include "core/io/file.h"
#include "core/json/json.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

// Two roundings of a float32 more or less: transformers' powers are not those of the C library.
TEST(RotaryScaling, FrequenciesAreThoseOfTransformers) {
  const auto text = read_file(golden_folder() / "rotary.json");
  ASSERT_TRUE(text.has_value());
  const Json cases = parse_json(*text, "rotary.json").value();
  ASSERT_EQ(cases.size(), 12u);
  for (const Json& golden : cases) {
    SCOPED_TRACE(golden["parameters"].dump().substr(0, 200));
    for (const bool old_keys : {false, true}) {
      Json config = {{"rope_parameters", golden["parameters"]}};
      if (old_keys) {
        Json scaling = golden["parameters"];
        scaling["type"] = scaling["rope_type"];
        scaling.erase("rope_type");
        config = {{"rope_theta", scaling["rope_theta"]}, {"rope_scaling", scaling}};
        config["rope_scaling"].erase("rope_theta");
      }
      int context = golden["context"].get<int>();
      ConfigReader reader(config, "config.json");
      const RotarySpec rotary = read_rotary(reader, {}, golden["head_size"].get<int>(), context);
      ASSERT_FALSE(reader.error().has_value()) << describe(*reader.error());
      EXPECT_NEAR(rotary.scale, golden["scale"].get<float>(), 4 * 0x1p-24);
      const auto frequencies = golden["frequencies"].get<std::vector<float>>();
      RotaryAngles angles(rotary);
      ASSERT_EQ(angles.pairs(), static_cast<int>(frequencies.size()));
      angles.prepare(1);
      for (size_t i = 0; i < frequencies.size(); ++i) {
        const float found = rotary.frequencies.empty() ? std::atan2(angles.sines(1)[i], angles.cosines(1)[i])
                                                       : rotary.frequencies[i];
        ASSERT_NEAR(found, frequencies[i], 6 * 0x1p-24 * static_cast<double>(frequencies[i])) << "pair " << i;
      }
    }
  }
}

TEST(RotaryScaling, ContextsEndWhereFrequenciesWouldDependOnTheLength) {
  const Json config = Json::parse(R"({"rope_parameters": {"rope_type": "longrope", "rope_theta": 1e4,
    "original_max_position_embeddings": 512, "short_factor": [1, 2], "long_factor": [3, 4]}})");
  int context = 2048;
  ConfigReader reader(config, "config.json");
  read_rotary(reader, {}, 4, context);
  EXPECT_FALSE(reader.error().has_value());
  EXPECT_EQ(context, 512);
}

TEST(RotaryScaling, SinesAndCosinesAreScaled) {
  RotarySpec spec{.dimensions = 4, .base = 100.0F, .frequencies = {0.5F, 0.25F}, .scale = 1.5F};
  RotaryAngles angles(spec);
  angles.prepare(2);
  EXPECT_FLOAT_EQ(angles.cosines(2)[0], 1.5F * std::cos(1.0F));
  EXPECT_FLOAT_EQ(angles.sines(2)[1], 1.5F * std::sin(0.5F));
}

}  // namespace
}  // namespace sizeup
