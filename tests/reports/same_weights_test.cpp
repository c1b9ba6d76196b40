#include "reports/load/same_weights.h"

#include <gtest/gtest.h>

namespace sizeup {
namespace {

// Models of one shape unless told otherwise.
class SameWeights : public testing::Test {
 protected:
  std::vector<ModelRow> rows;
  std::vector<ReportModel> models;

  ReportModel& add(const std::string& reference, const std::string& fingerprint, const std::string& format,
                   const std::string& precision = "bfloat16") {
    ModelRow row;
    row.name = "m" + std::to_string(rows.size());
    row.reference = row.name + "=" + reference;
    row.fingerprint = fingerprint;
    rows.push_back(row);
    ReportModel model;
    model.name = row.name;
    model.backend = "engine";
    model.architecture = "llama";
    model.parameters = 1000;
    model.vocabulary = 50;
    model.context_length = 512;
    model.weight_format = format;
    model.precision = precision;
    models.push_back(model);
    return models.back();
  }

  std::vector<std::vector<int>> families() const {
    std::vector<std::vector<int>> out;
    for (const WeightFamily& family : same_weights(rows, models)) out.push_back(family.models);
    return out;
  }
};

using Families = std::vector<std::vector<int>>;

TEST_F(SameWeights, OneFileAtSeveralPrecisions) {
  add("a.gguf", "f1", "F16");
  add("a.gguf?quant=q8_0", "f2", "Q8_0");
  add("a.gguf?dtype=float32&quant=q4_0", "f3", "Q4_0", "float32");
  add("./same/bytes.gguf?dtype=float32", "f1", "F16", "float32");
  EXPECT_EQ(families(), (Families{{0, 1, 2, 3}}));
  EXPECT_EQ(same_weights(rows, models)[0].reason, "one file, loaded at several precisions");
}

TEST_F(SameWeights, AnAdapterMakesOtherWeights) {
  add("a.gguf", "f1", "F16");
  add("a.gguf?adapter=x", "f2", "F16", "float32");
  add("a.gguf?dtype=float32&adapter=x", "f2", "F16");
  EXPECT_EQ(families(), (Families{{1, 2}}));
}

TEST_F(SameWeights, FilesOfOneShapeAndDifferentFormats) {
  add("a-q8.gguf", "f1", "Q8_0");
  add("other.gguf", "f2", "F16").parameters = 999;
  add("a-q4.gguf", "f3", "mixed Q4_K/Q6_K");
  add("a-f16.gguf", "f4", "F16");
  EXPECT_EQ(families(), (Families{{0, 2, 3}}));
}

TEST_F(SameWeights, EachPartOfTheShapeCounts) {
  add("a.gguf", "f0", "F16");
  add("b.gguf", "f1", "Q8_0").architecture = "qwen2";
  add("c.gguf", "f2", "Q4_0").vocabulary = 51;
  add("d.gguf", "f3", "Q5_0").context_length = 1024;
  add("e.gguf", "f4", "Q6_K").backend = "openai";
  add("f.gguf", "f5", "Q4_1").parameters = 0;
  EXPECT_EQ(families(), Families{});
}

// A base and its instruct form, one of them in two formats: whose the third file is nobody can say.
TEST_F(SameWeights, TwoFilesOfOneFormatAreTwoModels) {
  add("base-q8.gguf", "f0", "Q8_0");
  add("instruct-q8.gguf", "f1", "Q8_0");
  add("instruct-q4.gguf", "f2", "Q4_0");
  EXPECT_EQ(families(), Families{});
  add("base-q8.gguf?dtype=float32", "f0", "Q8_0", "float32");
  EXPECT_EQ(families(), (Families{{0, 3}})) << "what is one file stays one";
}

TEST_F(SameWeights, TheSamePrecisionTwiceIsNoLadder) {
  add("a.gguf?cpu_tier=avx2", "f0", "Q8_0");
  add("a.gguf?cpu_tier=avx512", "f0", "Q8_0");
  EXPECT_EQ(families(), Families{});
}

}  // namespace
}  // namespace sizeup
