// From stored samples to spread and worst slice: simulated models with planted weaknesses.
#include "harness/decide/robustness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "core/random/counter_random.h"

namespace sizeup {
namespace {

using testing::ElementsAre;

// 200 documents in four variants and two fields of slices. `right` says how probably a sample is right; a
// document has its own luck, the same in every variant.
template <typename Chance>
std::vector<OutcomeRow> invented_samples(const Chance& right) {
  std::vector<OutcomeRow> rows;
  for (int d = 0; d < 200; ++d) {
    for (const char* variant : {"typos", "original", "loud", "long"}) {
      OutcomeRow row;
      row.document_id = std::to_string(d) + ":" + variant;
      row.document_hash = "hash-" + std::to_string(d);
      const Slices slices = {{"variant", variant},
                             {"language", d % 4 == 0 ? "de" : "en"},
                             {"tier", d % 2 == 0 ? "free" : "paid"}};
      row.slices = std::make_shared<const Slices>(slices);
      row.score = uniform(3, static_cast<uint64_t>(d), 0) < right(slices) ? 1.0 : 0.0;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

const std::vector<std::string> kFields = {"language", "variant", "tier"};

TEST(Robustness, AModelThatIgnoresEverythingHasNoSpread) {
  const auto found = robustness_of(invented_samples([](const Slices&) { return 0.7; }), kFields);
  ASSERT_TRUE(found.variants && found.worst);
  EXPECT_THAT(found.names, ElementsAre("original", "typos", "loud", "long")) << "the original first";
  EXPECT_EQ(found.variants->documents, 200);
  EXPECT_EQ(found.variants->spread, 0.0);
  EXPECT_EQ(found.variants->p, 1.0);
  EXPECT_GT(found.worst->holm_p, 0.05);
  EXPECT_EQ(found.worst->looked_at, 4) << "variants are no slices";
}

TEST(Robustness, APlantedVariantIsNamed) {
  const auto found = robustness_of(
      invented_samples([](const Slices& slices) { return slices.at("variant") == "loud" ? 0.5 : 0.7; }),
      kFields);
  ASSERT_TRUE(found.variants);
  EXPECT_EQ(found.names[found.variants->lowest], "loud");
  EXPECT_LT(found.variants->p, 0.01);
  EXPECT_LT(found.variants->variants[2].holm_p, 0.01);
  EXPECT_EQ(found.variants->variants[1].holm_p, 1.0);
  EXPECT_EQ(found.variants->variants[2].difference.wins, 0)
      << "whoever is right when loud is right otherwise";
  EXPECT_GT(found.variants->interval.lo, 0.0);
}

TEST(Robustness, APlantedSliceIsNamed) {
  const auto found = robustness_of(
      invented_samples([](const Slices& slices) { return slices.at("language") == "de" ? 0.3 : 0.8; }),
      kFields);
  ASSERT_TRUE(found.worst);
  EXPECT_EQ(found.worst->field, "language");
  EXPECT_EQ(found.worst->value, "de");
  EXPECT_EQ(found.worst->score.n, 50) << "documents, not the 200 samples";
  EXPECT_LT(found.worst->holm_p, 0.01);
}

// Only documents with a score in every variant can be compared.
TEST(Robustness, DocumentsWithoutAVariantAreLeftOut) {
  auto samples = invented_samples([](const Slices&) { return 0.7; });
  samples[0].score = std::numeric_limits<double>::quiet_NaN();  // document 0, typos
  samples.erase(samples.begin() + 4, samples.begin() + 5);      // document 1, typos
  EXPECT_EQ(robustness_of(samples, kFields).variants->documents, 198);
}

TEST(Robustness, WithoutAnOriginalOrAPairThereAreNoVariants) {
  auto samples = invented_samples([](const Slices&) { return 0.7; });
  for (OutcomeRow& row : samples) row.document_hash += *row.slice("variant");
  EXPECT_FALSE(robustness_of(samples, kFields).variants) << "documents of their own";
  samples = invented_samples([](const Slices&) { return 0.7; });
  std::erase_if(samples, [](const OutcomeRow& row) { return *row.slice("variant") == "original"; });
  EXPECT_FALSE(robustness_of(samples, kFields).variants);
  EXPECT_FALSE(robustness_of({}, kFields).worst);
}

}  // namespace
}  // namespace sizeup
