// The models that people compare, by their published configurations and tensors: each is described without
// its weights, and what comes out are the published figures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "backends/engine/architectures/table.h"
#include "backends/engine/work.h"
#include "tests/backends/engine/seed_checkpoint.h"
#include "tests/backends/engine/seed_table.h"

namespace sizeup {
namespace {

int64_t elements(const Tensor& tensor) {
  int64_t product = 1;
  for (const int64_t size : tensor.shape) product *= size;
  return product;
}

// Of the tensors that the model is made of: the others change no result.
int64_t parameters(const Checkpoint& checkpoint, const DecoderModel& model) {
  int64_t sum = 0;
  for (const Tensor& tensor : checkpoint.tensors()) sum += elements(tensor);
  for (const UnusedTensor& unused : model.unused) sum -= elements(*unused.tensor);
  return sum;
}

class SeedModels : public testing::TestWithParam<Seed> {};

TEST_P(SeedModels, ArePublishedTensorsAndFigures) {
  const Seed& seed = GetParam();
  const TemporaryFolder folder;
  write_seed(seed.name, folder.path());
  const auto opened = open_checkpoint(folder.path());
  ASSERT_TRUE(opened.has_value()) << describe(opened.error());
  const auto model = describe_decoder(**opened);
  ASSERT_TRUE(model.has_value()) << describe(model.error());
  EXPECT_EQ(parameters(**opened, *model), seed.parameters);
  EXPECT_EQ(seed.parameters - unused_weights(model->spec), seed.active);
  EXPECT_EQ(model->spec.layer_count(), seed.layers);
  EXPECT_EQ(model->spec.context_length, seed.context);
  EXPECT_EQ(model->unused.size(), static_cast<size_t>(seed.unread));
}

INSTANTIATE_TEST_SUITE_P(Published, SeedModels, testing::ValuesIn(kSeeds),
                         [](const testing::TestParamInfo<Seed>& seed) {
                           std::string name(seed.param.name);
                           std::ranges::replace_if(
                               name, [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

TEST(SeedModelsFolder, HasARowForEachModel) {
  std::vector<std::string> folders, rows;
  for (const auto& entry : std::filesystem::directory_iterator(golden_folder() / "seed_models"))
    folders.push_back(entry.path().filename().string());
  for (const Seed& seed : kSeeds) rows.emplace_back(seed.name);
  EXPECT_THAT(rows, testing::UnorderedElementsAreArray(folders));
}

}  // namespace
}  // namespace sizeup
